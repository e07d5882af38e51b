//! A process with its children, which are searched at each reading, a process alone, or the processes of a control group; and
//! the resources that they used since the previous reading.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use brunt_record::{Pressure, ProcessReading};

use crate::cgroup_quota::Quotas;
use crate::cpu_affinity::Cores;
use crate::flows::NamespaceNetwork;
use crate::process::{Disk, Kernel, Process, Scope, parents};
use crate::unavailable;
use crate::usage_accounting::{Identity, ProcessUsage, Usage, UsageAccumulator};

/// The root of a tree.
#[derive(Debug)]
enum Root {
    Process(Identity),
    /// Folder of a control group, which may have no processes.
    Group(PathBuf),
}

/// Monitored processes.
#[derive(Debug)]
pub(crate) struct ProcessTree {
    root: Root,
    scope: Scope,
    kernel: Kernel,
    quotas: Quotas,
    /// Whether the root has ended, so that nothing is left to monitor, even if its ID is reused.
    ended: bool,
    /// Processes of the previous reading, by which children are found whose parent has ended.
    members: Vec<Identity>,
    /// Further roots.
    other_roots: Vec<Identity>,
    cpu: UsageAccumulator,
    read: UsageAccumulator,
    written: UsageAccumulator,
    network: NamespaceNetwork,
    before: Option<PreviousReading>,
}

/// The previous reading, with which counters are compared.
#[derive(Debug)]
struct PreviousReading {
    at: Duration,
    threads: HashMap<(Identity, i32), ThreadTimes>,
}

/// Times of a thread since it started, in nanoseconds.
#[derive(Debug, Clone, Copy)]
struct ThreadTimes {
    cpu_ns: u64,
    /// Time that it waited for a CPU.
    waited_ns: Option<u64>,
}

impl ProcessTree {
    /// Monitors the process with this ID; `None` if it does not exist.
    pub(crate) fn find(pid: i32, scope: Scope, kernel: Kernel) -> io::Result<Option<Self>> {
        let Some(root) = Process::read(pid, scope, &kernel)?.filter(|process| !process.ended)
        else {
            return Ok(None);
        };
        let mut tree = Self::new(Root::Process(root.identity), scope, kernel);
        tree.members.push(root.identity);
        Ok(Some(tree))
    }

    /// Adds another process, if it exists.
    pub(crate) fn add_root(&mut self, pid: i32) -> io::Result<()> {
        let found = Process::read(pid, self.scope, &self.kernel)?;
        let identity = found.map(|process| process.identity);
        self.other_roots.extend(identity);
        Ok(())
    }

    /// Monitors the processes of the control group with this folder.
    pub(crate) fn of_group(directory: &Path, kernel: Kernel) -> Self {
        Self::new(Root::Group(directory.to_owned()), Scope::Alone, kernel)
    }

    fn new(root: Root, scope: Scope, kernel: Kernel) -> Self {
        Self {
            root,
            scope,
            kernel,
            quotas: Quotas::find(),
            ended: false,
            members: Vec::new(),
            other_roots: Vec::new(),
            // User and system time of children are each rounded to ticks.
            cpu: UsageAccumulator::new(2 * kernel.tick_ns),
            read: UsageAccumulator::new(0),
            written: UsageAccumulator::new(0),
            network: NamespaceNetwork::default(),
            before: None,
        }
    }

    /// Takes a reading: the current state, and the resources used since the previous reading. After the process has ended, and
    /// if it cannot be read, all values are `None` and the number of processes is 0.
    pub(crate) fn reading(&mut self, at: Duration) -> ProcessReading {
        if self.ended {
            return ProcessReading::default();
        }
        match self.processes() {
            Ok(processes) if processes.is_empty() && matches!(self.root, Root::Process(_)) => {
                self.ended = true;
                ProcessReading::default()
            }
            Ok(processes) => self.account(&processes, at),
            // Descriptors or memory are exhausted: the next reading covers both intervals.
            Err(_) => ProcessReading::default(),
        }
    }

    /// Reads all processes, parents before their children; empty if the root has ended.
    fn processes(&self) -> io::Result<Vec<Process>> {
        match &self.root {
            Root::Process(root) => self.processes_of_tree(*root),
            Root::Group(directory) => self.processes_of_group(directory),
        }
    }

    fn processes_of_group(&self, directory: &Path) -> io::Result<Vec<Process>> {
        let mut found = Vec::new();
        for pid in pids_below(directory)? {
            found.extend(Process::read(pid, self.scope, &self.kernel)?);
        }
        Ok(found)
    }

    fn processes_of_tree(&self, root: Identity) -> io::Result<Vec<Process>> {
        let searched = match self.scope {
            Scope::WithChildren if !self.kernel.children => children_of(parents()?),
            Scope::WithChildren | Scope::Alone => HashMap::new(),
        };
        let Some(root) = self.read_again(root)?.filter(|root| !root.ended) else {
            return Ok(Vec::new());
        };
        let mut seen = HashSet::from([root.identity.pid]);
        let mut found = vec![root];
        self.descend(0, &searched, &mut seen, &mut found)?;
        for other in &self.other_roots {
            if let Some(process) = self.read_again(*other)? {
                seen.insert(process.identity.pid);
                found.push(process);
            }
        }
        // Processes whose parent has ended are no longer children of this tree, but still belong to it.
        for member in &self.members {
            if seen.insert(member.pid)
                && let Some(orphan) = self.read_again(*member)?
            {
                found.push(orphan);
                self.descend(found.len() - 1, &searched, &mut seen, &mut found)?;
            }
        }
        Ok(found)
    }

    /// Reads a known process; `None` if it has ended, even if its ID is reused.
    fn read_again(&self, identity: Identity) -> io::Result<Option<Process>> {
        let process = Process::read(identity.pid, self.scope, &self.kernel)?;
        Ok(process.filter(|process| process.identity == identity))
    }

    /// Reads the children of the process at `from` in `found`, their children, and so on.
    fn descend(
        &self,
        from: usize,
        searched: &HashMap<i32, Vec<i32>>,
        seen: &mut HashSet<i32>,
        found: &mut Vec<Process>,
    ) -> io::Result<()> {
        let mut next = from;
        while let Some(parent) = found.get(next) {
            let listed = searched.get(&parent.identity.pid).into_iter().flatten();
            let children: Vec<i32> = parent.children.iter().chain(listed).copied().collect();
            for pid in children {
                if seen.insert(pid)
                    && let Some(child) = Process::read(pid, self.scope, &self.kernel)?
                {
                    found.push(child);
                }
            }
            next += 1;
        }
        Ok(())
    }

    fn account(&mut self, processes: &[Process], at: Duration) -> ProcessReading {
        let cores = self.cores(processes);
        let elapsed_ns = self
            .before
            .as_ref()
            .and_then(|before| at.checked_sub(before.at))
            .map(|elapsed| elapsed.as_nanos() as f64)
            .filter(|elapsed| *elapsed > 0.0);
        let in_cores = |used_ns: Option<u64>| Some(used_ns? as f64 / elapsed_ns?);
        let percent = |used_ns: Option<u64>, cores: f64| {
            Some((in_cores(used_ns)? / cores * 100.0).clamp(0.0, 100.0))
        };
        let used_ns = self
            .cpu
            .update(processes.iter().map(|p| entry(p, p.cpu_ns)));
        let (disk_read_bytes, disk_written_bytes) = self.disk(processes);
        let busiest_ns = self.busiest_ns(processes);
        let waited_ns = self.waited_ns(processes);
        let network = processes
            .first()
            .and_then(|first| self.network.reading(first.identity.pid));
        self.members = processes.iter().map(|process| process.identity).collect();
        self.before = Some(PreviousReading {
            at,
            threads: threads(processes).collect(),
        });

        let living = || processes.iter().filter(|process| !process.ended);
        ProcessReading {
            cpu_percent: cores.and_then(|cores| percent(used_ns, cores)),
            busiest_thread_percent: percent(busiest_ns, 1.0),
            cores,
            rss_bytes: living()
                .map(|p| p.memory.map(|memory| memory.rss_bytes))
                .sum(),
            anonymous_bytes: living().map(|p| p.memory.map(|m| m.anonymous_bytes)).sum(),
            threads: Some(living().map(|process| process.thread_count).sum()),
            descriptors: living().map(|process| process.descriptors).sum(),
            disk_read_bytes,
            disk_written_bytes,
            processes: living().count() as u64,
            cpu_cores: in_cores(used_ns),
            run_delay_ms: waited_ns.map(|ns| ns as f64 / 1e6),
            network_sent_bytes: network.map(|flow| flow.out_bytes),
            network_received_bytes: network.map(|flow| flow.in_bytes),
            pressure: Pressure::default(),
        }
    }

    /// Number of cores from the affinity of all threads and the quota of the root's control group.
    fn cores(&self, processes: &[Process]) -> Option<f64> {
        let mut cores = Cores::default();
        processes
            .iter()
            .for_each(|process| cores.add_all(&process.cores));
        let cores = f64::from(cores.count()?);
        let quota = match &self.root {
            Root::Process(root) => self.quotas.of(root.pid),
            // `ControlGroup` applies the quota of the group.
            Root::Group(_) => None,
        };
        Some(quota.map_or(cores, |quota| quota.min(cores)))
    }

    /// CPU time of the busiest thread; `None` at the first reading.
    fn busiest_ns(&self, processes: &[Process]) -> Option<u64> {
        let before = &self.before.as_ref()?.threads;
        threads(processes)
            .map(|(thread, times)| match before.get(&thread) {
                Some(was) if was.cpu_ns <= times.cpu_ns => times.cpu_ns - was.cpu_ns,
                // A new thread, possibly with a reused ID.
                _ => times.cpu_ns,
            })
            .max()
    }

    /// Time that the existing threads waited for a CPU; `None` at the first reading, and if the kernel does not report it.
    fn waited_ns(&self, processes: &[Process]) -> Option<u64> {
        let before = &self.before.as_ref()?.threads;
        let since = |(thread, times): ((Identity, i32), ThreadTimes)| {
            let is = times.waited_ns?;
            let was = before.get(&thread).and_then(|was| was.waited_ns);
            Some(was.filter(|was| *was <= is).map_or(is, |was| is - was))
        };
        threads(processes).map(since).sum()
    }

    /// Data that is missing in a reading.
    pub(crate) fn unavailable(&self, reading: &ProcessReading) -> Vec<String> {
        let Root::Process(Identity { pid, .. }) = self.root else {
            return Vec::new();
        };
        if reading.processes == 0 {
            return vec!["all values (the process has ended)".to_owned()];
        }
        let file = |name: &str| PathBuf::from(format!("/proc/{pid}/{name}"));
        let all = [
            (reading.descriptors.is_none(), "descriptors", "fd"),
            (reading.disk_read_bytes.is_none(), "disk I/O", "io"),
            (reading.run_delay_ms.is_none(), "run delay", "schedstat"),
        ];
        let missing = all.into_iter().filter(|(is_missing, ..)| *is_missing);
        missing
            .map(|(_, what, name)| unavailable::describe(what, &file(name)))
            .collect()
    }

    /// Bytes read and written; `None` if the counters of a process may not be read.
    fn disk(&mut self, processes: &[Process]) -> (Option<u64>, Option<u64>) {
        let Some(disks) = disks(processes, self.scope) else {
            return (None, None);
        };
        // The counters of a process include those of the children that it waited for; the counters of a thread do not.
        let used = |bytes| match self.scope {
            Scope::Alone => Usage {
                own: bytes,
                reaped: 0,
            },
            Scope::WithChildren => Usage {
                own: 0,
                reaped: bytes,
            },
        };
        let entries = |bytes: fn(&Disk) -> u64| {
            disks
                .iter()
                .map(move |(identity, parent, disk)| ProcessUsage {
                    identity: *identity,
                    parent: *parent,
                    used: used(bytes(disk)),
                })
        };
        (
            self.read.update(entries(|disk| disk.read_bytes)),
            self.written.update(entries(|disk| disk.written_bytes)),
        )
    }
}

/// Disk counters of all processes with their parents, or of all threads; `None` if one of them may not be read.
fn disks(processes: &[Process], scope: Scope) -> Option<Vec<(Identity, i32, Disk)>> {
    match scope {
        Scope::WithChildren => processes
            .iter()
            .map(|p| Some((p.identity, p.parent, p.disk?)))
            .collect(),
        Scope::Alone => processes
            .iter()
            .flat_map(|process| &process.threads)
            .map(|t| {
                Some((
                    Identity {
                        pid: t.tid,
                        started_ticks: 0,
                    },
                    0,
                    t.disk?,
                ))
            })
            .collect(),
    }
}

fn entry(process: &Process, used: Usage) -> ProcessUsage {
    ProcessUsage {
        identity: process.identity,
        parent: process.parent,
        used,
    }
}

fn threads(processes: &[Process]) -> impl Iterator<Item = ((Identity, i32), ThreadTimes)> {
    processes.iter().flat_map(|process| {
        process.threads.iter().map(|thread| {
            let times = ThreadTimes {
                cpu_ns: thread.cpu_ns,
                waited_ns: thread.waited_ns,
            };
            ((process.identity, thread.tid), times)
        })
    })
}

fn children_of(parents: Vec<(i32, i32)>) -> HashMap<i32, Vec<i32>> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, parent) in parents {
        children.entry(parent).or_default().push(pid);
    }
    children
}

/// Process IDs of a control group and of the groups below it.
fn pids_below(directory: &Path) -> io::Result<Vec<i32>> {
    let mut pids = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        match fs::read_to_string(next.join("cgroup.procs")) {
            // Process 0 is a process outside of this PID namespace.
            Ok(text) => pids.extend(
                text.lines()
                    .filter_map(|line| line.parse().ok())
                    .filter(|pid: &i32| *pid != 0),
            ),
            // A group may be removed during the search, and a threaded group lists no processes.
            Err(_) if next != directory => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        }
        let entries = fs::read_dir(&next).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        waiting.extend(folders.map(|entry| entry.path()));
    }
    Ok(pids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{Shell, poll};

    #[test]
    fn kernel_with_fewer_features_shows_the_same_tree() {
        let shell = Shell::start("(sleep 300 & wait) & sleep 300 & wait");
        let root = shell.pid().as_raw_nonzero().get();
        let full = Kernel::detect();
        assert!(
            full.children && full.schedstat,
            "nothing to compare with on this kernel"
        );
        let less = Kernel {
            children: false,
            schedstat: false,
            ..full
        };
        let find = |kernel| ProcessTree::find(root, Scope::WithChildren, kernel).expect("read");
        let (full, less) = (find(full).expect("runs"), find(less).expect("runs"));
        let all = poll("four processes asleep", || {
            let found = full.processes().expect("read");
            (found.len() == 4 && found.iter().all(|p| p.parent != 0)).then_some(found)
        });
        let searched = less.processes().expect("read");
        let identities = |found: &[Process]| -> HashSet<Identity> {
            found.iter().map(|process| process.identity).collect()
        };
        assert_eq!(identities(&searched), identities(&all));
        let cpu_ns = |found: &[Process]| {
            let times = threads(found).map(|(_, times)| times.cpu_ns);
            times.sum::<u64>()
        };
        let off_ns = cpu_ns(&searched).abs_diff(cpu_ns(&all));
        let ticks = 2 * all.len() as u64;
        assert!(off_ns <= ticks * less.kernel.tick_ns, "{off_ns} ns");
    }

    #[test]
    fn process_alone_is_read_without_children() {
        let shell = Shell::start("sleep 300 & wait");
        let root = shell.pid().as_raw_nonzero().get();
        let find = |scope| {
            ProcessTree::find(root, scope, Kernel::detect())
                .expect("read")
                .expect("runs")
        };
        let tree = find(Scope::WithChildren);
        poll("a child", || {
            (tree.processes().expect("read").len() == 2).then_some(())
        });
        assert_eq!(find(Scope::Alone).processes().expect("read").len(), 1);
    }
}
