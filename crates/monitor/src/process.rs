//! One look at one process: what `/proc/PID` and its CPU clock tell of it at this moment, all
//! counters since it began. What is not permitted or not there is `None`.

use std::{fs, io};

use nix::time::{clock_getcpuclockid, clock_gettime};
use procfs::FromRead;
use procfs::process::{Io, Schedstat, Stat, StatM};
use rustix::buffer::spare_capacity;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::cpu_affinity::Cores;
use crate::usage_accounting::{Identity, Used};

/// Whether a process is looked at together with its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Alone,
    WithChildren,
}

/// What this kernel offers beyond what all of them have, and its units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernel {
    /// `schedstat`: CPU time of a thread in nanoseconds.
    pub(crate) schedstat: bool,
    /// `children`: the children of a thread, without a search through all processes.
    pub(crate) children: bool,
    pub(crate) tick_ns: u64,
    pub(crate) page_bytes: u64,
}

impl Kernel {
    pub(crate) fn ask() -> Self {
        Self {
            schedstat: fs::exists("/proc/thread-self/schedstat").unwrap_or(false),
            children: fs::exists("/proc/thread-self/children").unwrap_or(false),
            tick_ns: 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1),
            page_bytes: rustix::param::page_size() as u64,
        }
    }
}

/// A process as one look saw it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) identity: Identity,
    /// The process id of its parent.
    pub(crate) parent: i32,
    /// It has ended and was not waited for yet: only its CPU time and I/O are left.
    pub(crate) ended: bool,
    /// In nanoseconds.
    pub(crate) cpu_ns: Used,
    pub(crate) memory: Option<Memory>,
    pub(crate) thread_count: u64,
    pub(crate) descriptors: Option<u64>,
    /// With what children that ended and were waited for did; only where these are counted too.
    pub(crate) disk: Option<Disk>,
    /// Empty for a process that has ended.
    pub(crate) threads: Vec<Thread>,
    /// Empty where the kernel does not offer it or the children are not counted.
    pub(crate) children: Vec<i32>,
    pub(crate) cores: Cores,
}

/// Resident memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) rss_bytes: u64,
    pub(crate) anonymous_bytes: u64,
}

/// Bytes from and to storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) read_bytes: u64,
    pub(crate) written_bytes: u64,
}

/// One thread of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thread {
    pub(crate) tid: i32,
    pub(crate) cpu_ns: u64,
    /// How long it was ready to run and had no CPU.
    pub(crate) waited_ns: Option<u64>,
    /// Only where the process is looked at alone.
    pub(crate) disk: Option<Disk>,
}

impl Process {
    /// Looks at the process with this id; `None` where there is none (any more). Errors where it
    /// cannot be told, for want of descriptors for example.
    pub(crate) fn look(pid: i32, scope: Scope, kernel: &Kernel) -> io::Result<Option<Self>> {
        match Self::try_look(pid, scope, kernel) {
            Err(Trouble::Kernel(Errno::NOENT | Errno::SRCH)) => Ok(None),
            Err(Trouble::Kernel(errno)) => Err(errno.into()),
            Err(Trouble::Text(what)) => Err(io::Error::new(io::ErrorKind::InvalidData, what)),
            Ok(process) => Ok(Some(process)),
        }
    }

    fn try_look(pid: i32, scope: Scope, kernel: &Kernel) -> Result<Self, Trouble> {
        // Before the directory is opened, which would count where a process looks at itself.
        let descriptors = allowed(descriptors(pid))?;
        let directory = open(CWD, format!("/proc/{pid}"), OFlags::DIRECTORY)?;
        let directory = Directory {
            fd: directory,
            text: Vec::with_capacity(4096),
        };
        directory.look(pid, scope, kernel, descriptors)
    }
}

/// Why a look failed.
#[derive(Debug)]
enum Trouble {
    Kernel(Errno),
    Text(String),
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno)
    }
}

/// `/proc/PID`, opened: all that is read through it is of the same process, whoever gets the id
/// next.
struct Directory {
    fd: OwnedFd,
    /// What was read last.
    text: Vec<u8>,
}

impl Directory {
    fn look(
        mut self,
        pid: i32,
        scope: Scope,
        kernel: &Kernel,
        descriptors: Option<u64>,
    ) -> Result<Process, Trouble> {
        let stat: Stat = self.parse("stat")?;
        let thread_count = u64::try_from(stat.num_threads).unwrap_or(0);
        // A process whose first thread has ended while others go on shows as a zombie, too.
        let zombie = matches!(stat.state, 'Z' | 'X' | 'x');
        let ended = zombie && thread_count <= 1;
        let ticks = stat.utime + stat.stime;
        let reaped_ticks = u64::try_from(stat.cutime + stat.cstime).unwrap_or(0);
        let mut process = Process {
            identity: Identity {
                pid,
                started_ticks: stat.starttime,
            },
            parent: stat.ppid,
            ended,
            cpu_ns: Used {
                own: cpu_clock_ns(pid).unwrap_or(ticks * kernel.tick_ns),
                reaped: reaped_ticks * kernel.tick_ns,
            },
            memory: None,
            thread_count,
            descriptors: descriptors.filter(|_| !zombie),
            disk: None,
            threads: Vec::new(),
            children: Vec::new(),
            cores: Cores::default(),
        };
        if scope == Scope::WithChildren {
            process.disk = allowed(self.disk("io"))?;
        }
        if !zombie {
            process.memory = Some(self.memory(kernel)?);
        }
        if !ended {
            self.look_at_threads(&mut process, scope, kernel)?;
        }
        Ok(process)
    }

    fn look_at_threads(
        &mut self,
        process: &mut Process,
        scope: Scope,
        kernel: &Kernel,
    ) -> Result<(), Trouble> {
        let tids = match process.thread_count {
            1 => vec![process.identity.pid],
            _ => self.tids()?,
        };
        for tid in tids {
            process.cores.add_thread(tid);
            if let Some(thread) = ended_is_none(self.thread(tid, scope, kernel))? {
                process.threads.push(thread);
            }
            if kernel.children && scope == Scope::WithChildren {
                let name = format!("task/{tid}/children");
                match self.read(name) {
                    Ok(text) => process.children.extend(pids_in(text)),
                    Err(Errno::NOENT | Errno::SRCH | Errno::ACCESS | Errno::PERM) => {}
                    Err(errno) => return Err(errno.into()),
                }
            }
        }
        Ok(())
    }

    fn thread(&mut self, tid: i32, scope: Scope, kernel: &Kernel) -> Result<Thread, Trouble> {
        let (cpu_ns, waited_ns) = if kernel.schedstat {
            let times: Schedstat = self.parse(format!("task/{tid}/schedstat"))?;
            (times.sum_exec_runtime, Some(times.run_delay))
        } else {
            let stat: Stat = self.parse(format!("task/{tid}/stat"))?;
            ((stat.utime + stat.stime) * kernel.tick_ns, None)
        };
        // `io` of a process tells its own together with that of the children it waited for; that
        // of its threads does not.
        let disk = match scope {
            Scope::Alone => allowed(self.disk(format!("task/{tid}/io")))?,
            Scope::WithChildren => None,
        };
        Ok(Thread {
            tid,
            cpu_ns,
            waited_ns,
            disk,
        })
    }

    fn memory(&mut self, kernel: &Kernel) -> Result<Memory, Trouble> {
        let pages: StatM = self.parse("statm")?;
        Ok(Memory {
            rss_bytes: pages.resident * kernel.page_bytes,
            // The kernel makes "shared" of file pages and shared memory: the rest is anonymous.
            anonymous_bytes: pages.resident.saturating_sub(pages.shared) * kernel.page_bytes,
        })
    }

    fn disk(&mut self, name: impl Arg) -> Result<Disk, Trouble> {
        let io: Io = self.parse(name)?;
        Ok(Disk {
            read_bytes: io.read_bytes,
            written_bytes: io.write_bytes,
        })
    }

    fn tids(&self) -> Result<Vec<i32>, Trouble> {
        ids_in(open(&self.fd, "task", OFlags::DIRECTORY)?)
    }

    fn parse<T: FromRead>(&mut self, name: impl Arg) -> Result<T, Trouble> {
        let text = self.read(name)?;
        T::from_read(text).map_err(|error| Trouble::Text(error.to_string()))
    }

    fn read(&mut self, name: impl Arg) -> Result<&[u8], Errno> {
        let file = open(&self.fd, name, OFlags::empty())?;
        self.text.clear();
        loop {
            self.text.reserve(1024);
            if rustix::io::read(&file, spare_capacity(&mut self.text))? == 0 {
                return Ok(&self.text);
            }
        }
    }
}

/// All processes with their parents, for kernels without `children`.
pub(crate) fn parents() -> io::Result<Vec<(i32, i32)>> {
    let processes = procfs::process::all_processes().map_err(|error| match error {
        procfs::ProcError::Io(error, _) => error,
        other => io::Error::other(other),
    })?;
    // One that ends during the search has no children to be found any more.
    Ok(processes
        .flatten()
        .filter_map(|process| process.stat().ok())
        .map(|s| (s.pid, s.ppid))
        .collect())
}

fn open(directory: impl AsFd, name: impl Arg, flags: OFlags) -> Result<OwnedFd, Errno> {
    openat(
        directory,
        name,
        flags | OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// CPU time of all threads of a process, those that ended included. Finer than `stat`, which
/// counts in ticks (10 ms).
fn cpu_clock_ns(pid: i32) -> Option<u64> {
    let clock = clock_getcpuclockid(nix::unistd::Pid::from_raw(pid)).ok()?;
    let time = clock_gettime(clock).ok()?;
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    Some(seconds * 1_000_000_000 + u64::try_from(time.tv_nsec()).ok()?)
}

/// Open file descriptors. Linux tells their number as the directory's size since 6.2.
fn descriptors(pid: i32) -> Result<u64, Trouble> {
    let path = format!("/proc/{pid}/fd");
    let size = statat(CWD, path.as_str(), AtFlags::empty())?.st_size;
    if size > 0 {
        return Ok(u64::try_from(size).unwrap_or(0));
    }
    let listed = ids_in(open(CWD, path.as_str(), OFlags::DIRECTORY)?)?.len() as u64;
    // The listing itself takes one.
    let looks_at_itself = pid == rustix::process::getpid().as_raw_nonzero().get();
    Ok(listed - u64::from(looks_at_itself && listed > 0))
}

/// The names in a directory that are numbers.
fn ids_in(directory: OwnedFd) -> Result<Vec<i32>, Trouble> {
    let mut ids = Vec::new();
    for entry in Dir::new(directory)? {
        ids.extend(
            entry?
                .file_name()
                .to_str()
                .ok()
                .and_then(|name| name.parse::<i32>().ok()),
        );
    }
    Ok(ids)
}

fn pids_in(text: &[u8]) -> impl Iterator<Item = i32> {
    text.split(u8::is_ascii_whitespace)
        .filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
}

/// `None` for what this user may not read.
fn allowed<T>(result: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match result {
        Err(Trouble::Kernel(Errno::ACCESS | Errno::PERM)) => Ok(None),
        result => result.map(Some),
    }
}

/// `None` for a thread that ended since it was listed.
fn ended_is_none<T>(result: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match result {
        Err(Trouble::Kernel(Errno::NOENT | Errno::SRCH)) => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{Shell, poll};

    #[test]
    fn lists_of_children() {
        for (text, expected) in [
            ("", vec![]),
            ("12 ", vec![12]),
            ("12 4194304 7 \n", vec![12, 4_194_304, 7]),
        ] {
            assert_eq!(
                pids_in(text.as_bytes()).collect::<Vec<_>>(),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_name_that_looks_like_fields_misleads_nobody() {
        let name = ") Z 1 1 (";
        let shell = Shell::start(&format!("printf %s '{name}' > /proc/$$/comm; read go"));
        poll("the name", || (shell.stat().comm == name).then_some(()));
        let pid = shell.pid().as_raw_nonzero().get();
        let look = Process::look(pid, Scope::WithChildren, &Kernel::ask());
        let process = look.expect("look").expect("runs");
        let own = rustix::process::getpid().as_raw_nonzero().get();
        assert_eq!((process.parent, process.ended), (own, false));
        assert_eq!(process.identity.started_ticks, shell.stat().starttime);
    }

    #[test]
    fn no_process_is_no_error() {
        // Above the highest id that Linux gives.
        let look = Process::look(i32::MAX, Scope::Alone, &Kernel::ask());
        assert!(look.expect("look").is_none());
    }
}
