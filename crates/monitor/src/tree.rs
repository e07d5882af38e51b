//! A process with its children, found anew at every reading, or a process alone; and what they
//! used since the reading before.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::time::Duration;

use record::ProcessReading;

use crate::cores::Cores;
use crate::ledger::{Entry, Identity, Ledger, Used};
use crate::process::{Disk, Kernel, Process, Scope, parents};
use crate::quota::Quotas;

/// A process that is watched.
#[derive(Debug)]
pub(crate) struct Tree {
    root: Identity,
    scope: Scope,
    kernel: Kernel,
    quotas: Quotas,
    /// Once the root has ended there is nothing left to watch, even if its id is used again.
    ended: bool,
    /// Kept to find those whose parent has ended.
    members: Vec<Identity>,
    disks: HashMap<Identity, Disk>,
    cpu: Ledger,
    read: Ledger,
    written: Ledger,
    before: Option<Before>,
}

/// What rates are told against.
#[derive(Debug)]
struct Before {
    at: Duration,
    /// CPU time of each thread in nanoseconds.
    threads: HashMap<(Identity, i32), u64>,
}

impl Tree {
    /// Watches the process with this id; `None` where there is none.
    pub(crate) fn find(pid: i32, scope: Scope, kernel: Kernel) -> io::Result<Option<Self>> {
        let Some(root) = Process::look(pid, scope, &kernel)?.filter(|process| !process.ended)
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            root: root.identity,
            scope,
            kernel,
            quotas: Quotas::find(),
            ended: false,
            members: vec![root.identity],
            disks: HashMap::new(),
            // User and system time of children, each told in whole ticks.
            cpu: Ledger::new(2 * kernel.tick_ns),
            read: Ledger::new(0),
            written: Ledger::new(0),
            before: None,
        }))
    }

    /// What there is, and what was used since the reading before. After the process has ended, and
    /// where it cannot be told, all values are `None` and the processes are 0.
    pub(crate) fn reading(&mut self, at: Duration) -> ProcessReading {
        if self.ended {
            return ProcessReading::default();
        }
        match self.look() {
            Ok(processes) if processes.is_empty() => {
                self.ended = true;
                ProcessReading::default()
            }
            Ok(processes) => self.account(&processes, at),
            // Out of descriptors or memory: the next reading spans both.
            Err(_) => ProcessReading::default(),
        }
    }

    /// All processes, parents before their children; empty where the root has ended.
    fn look(&self) -> io::Result<Vec<Process>> {
        let mut found: Vec<Process> = Vec::new();
        let mut seen = HashSet::new();
        let mut queue: VecDeque<i32> = VecDeque::from([self.root.pid]);
        // Those whose parent has ended come last: they have none here.
        let mut orphans = self.members.iter();
        let listed = if self.kernel.children || self.scope == Scope::Alone {
            None
        } else {
            Some(children_of(parents()?))
        };
        loop {
            let Some(pid) = queue.pop_front() else {
                let Some(orphan) = orphans.next() else { return Ok(found) };
                if !seen.contains(&orphan.pid) {
                    queue.push_back(orphan.pid);
                }
                continue;
            };
            if !seen.insert(pid) {
                continue;
            }
            let Some(process) = Process::look(pid, self.scope, &self.kernel)? else {
                if pid == self.root.pid {
                    return Ok(Vec::new());
                }
                continue;
            };
            if pid == self.root.pid && (process.identity != self.root || process.ended) {
                return Ok(Vec::new());
            }
            let belongs = self.members.contains(&process.identity)
                || found.iter().any(|other| other.identity.pid == process.parent);
            if belongs {
                if let Some(listed) = &listed {
                    queue.extend(listed.get(&pid).into_iter().flatten());
                }
                queue.extend(&process.children);
                found.push(process);
            }
        }
    }

    fn account(&mut self, processes: &[Process], at: Duration) -> ProcessReading {
        let cores = self.cores(processes);
        let elapsed_ns = self
            .before
            .as_ref()
            .and_then(|before| at.checked_sub(before.at))
            .map(|elapsed| elapsed.as_nanos() as f64)
            .filter(|elapsed| *elapsed > 0.0);
        let percent = |used_ns: Option<u64>, cores: f64| {
            Some((used_ns? as f64 / (elapsed_ns? * cores) * 100.0).clamp(0.0, 100.0))
        };
        let used_ns = self.cpu.update(processes.iter().map(|p| entry(p, p.cpu_ns)));
        let (disk_read_bytes, disk_written_bytes) = self.disk(processes);
        let busiest_ns = self.busiest_ns(processes);
        self.members = processes.iter().map(|process| process.identity).collect();
        self.before = Some(Before { at, threads: threads(processes).collect() });

        let living = || processes.iter().filter(|process| !process.ended);
        ProcessReading {
            cpu_percent: cores.and_then(|cores| percent(used_ns, cores)),
            busiest_thread_percent: percent(busiest_ns, 1.0),
            cores,
            rss_bytes: living().map(|p| p.memory.map(|memory| memory.rss_bytes)).sum(),
            anonymous_bytes: living().map(|p| p.memory.map(|m| m.anonymous_bytes)).sum(),
            threads: Some(living().map(|process| process.thread_count).sum()),
            descriptors: living().map(|process| process.descriptors).sum(),
            disk_read_bytes,
            disk_written_bytes,
            processes: living().count() as u64,
        }
    }

    /// Cores by affinity of all threads, and by the quota of the root's control group.
    fn cores(&self, processes: &[Process]) -> Option<f64> {
        let mut cores = Cores::default();
        processes.iter().for_each(|process| cores.add_all(&process.cores));
        let cores = f64::from(cores.count()?);
        Some(self.quotas.of(self.root.pid).map_or(cores, |quota| quota.min(cores)))
    }

    /// The most that one thread used; `None` at the first reading.
    fn busiest_ns(&self, processes: &[Process]) -> Option<u64> {
        let before = &self.before.as_ref()?.threads;
        threads(processes)
            .map(|(thread, cpu_ns)| match before.get(&thread) {
                Some(was) if *was <= cpu_ns => cpu_ns - was,
                // New, or a new one with an old id.
                _ => cpu_ns,
            })
            .max()
    }

    /// Bytes read and written; `None` where that of a living process may not be read.
    fn disk(&mut self, processes: &[Process]) -> (Option<u64>, Option<u64>) {
        let Some(entries) = (match self.scope {
            Scope::Alone => disk_of_threads(processes),
            Scope::WithChildren => self.disk_of_processes(processes),
        }) else {
            return (None, None);
        };
        let of = |used: fn(&Disk) -> u64| {
            entries.iter().map(move |(entry, disk)| match entry.parent {
                // A thread hands nothing on: what it used is its own.
                NO_PARENT => Entry { used: Used { own: used(disk), reaped: 0 }, ..*entry },
                _ => Entry { used: Used { own: 0, reaped: used(disk) }, ..*entry },
            })
        };
        (
            self.read.update(of(|disk| disk.read_bytes)),
            self.written.update(of(|disk| disk.written_bytes)),
        )
    }

    fn disk_of_processes(&mut self, processes: &[Process]) -> Option<Vec<(Entry, Disk)>> {
        let entries: Option<Vec<(Entry, Disk)>> = processes
            .iter()
            .filter_map(|process| {
                let last = self.disks.get(&process.identity).copied();
                match process.disk.or(last.filter(|_| process.ended)) {
                    // One that ended before it was ever seen alive will be its parent's.
                    None if process.ended => None,
                    disk => Some(disk.map(|disk| (entry(process, Used::default()), disk))),
                }
            })
            .collect();
        self.disks = entries.iter().flatten().map(|(e, disk)| (e.identity, *disk)).collect();
        entries
    }
}

const NO_PARENT: i32 = -1;

/// Threads instead of processes: see [`crate::process::Thread::disk`].
fn disk_of_threads(processes: &[Process]) -> Option<Vec<(Entry, Disk)>> {
    processes
        .iter()
        .flat_map(|process| &process.threads)
        .map(|thread| {
            let identity = Identity { pid: thread.tid, started_ticks: 0 };
            let entry = Entry { identity, parent: NO_PARENT, used: Used::default() };
            thread.disk.map(|disk| (entry, disk))
        })
        .collect()
}

fn entry(process: &Process, used: Used) -> Entry {
    Entry { identity: process.identity, parent: process.parent, used }
}

fn threads(processes: &[Process]) -> impl Iterator<Item = ((Identity, i32), u64)> {
    processes.iter().flat_map(|process| {
        process.threads.iter().map(|thread| ((process.identity, thread.tid), thread.cpu_ns))
    })
}

fn children_of(parents: Vec<(i32, i32)>) -> HashMap<i32, Vec<i32>> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, parent) in parents {
        children.entry(parent).or_default().push(pid);
    }
    children
}
