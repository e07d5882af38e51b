//! One reading of one process, from `/proc/PID` and its CPU clock. Counters start with the process. Values that are not
//! permitted or do not exist are `None`.

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
use crate::usage_accounting::{Identity, Usage};

/// Whether a process is read together with its children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Alone,
    WithChildren,
}

/// Optional features of this kernel, and its units.
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
    pub(crate) fn detect() -> Self {
        Self {
            schedstat: fs::exists("/proc/thread-self/schedstat").unwrap_or(false),
            children: fs::exists("/proc/thread-self/children").unwrap_or(false),
            tick_ns: 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1),
            page_bytes: rustix::param::page_size() as u64,
        }
    }
}

/// State and counters of a process at one moment.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) identity: Identity,
    /// Process ID of its parent.
    pub(crate) parent: i32,
    /// Whether it has ended and was not waited for yet, so that only its CPU time and I/O are left.
    pub(crate) ended: bool,
    /// CPU time in nanoseconds.
    pub(crate) cpu_ns: Usage,
    pub(crate) memory: Option<Memory>,
    pub(crate) thread_count: u64,
    pub(crate) descriptors: Option<u64>,
    /// Disk counters, including those of children that ended and were waited for if children are counted.
    pub(crate) disk: Option<Disk>,
    /// Empty for a process that has ended.
    pub(crate) threads: Vec<Thread>,
    /// Empty if the kernel does not support it or the children are not counted.
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
    /// Time that it waited for a CPU.
    pub(crate) waited_ns: Option<u64>,
    /// Only if the process is read alone.
    pub(crate) disk: Option<Disk>,
}

impl Process {
    /// Reads the process with this ID; `None` if it does not exist or has ended.
    ///
    /// # Errors
    ///
    /// If that is unknown, for example because file descriptors are exhausted.
    pub(crate) fn read(pid: i32, scope: Scope, kernel: &Kernel) -> io::Result<Option<Self>> {
        match Self::try_read(pid, scope, kernel) {
            Err(ReadError::Kernel(Errno::NOENT | Errno::SRCH)) => Ok(None),
            Err(ReadError::Kernel(errno)) => Err(errno.into()),
            Err(ReadError::Text(what)) => Err(io::Error::new(io::ErrorKind::InvalidData, what)),
            Ok(process) => Ok(Some(process)),
        }
    }

    fn try_read(pid: i32, scope: Scope, kernel: &Kernel) -> Result<Self, ReadError> {
        // Before the directory is opened, which would count if a process reads itself.
        let descriptors = allowed(descriptors(pid))?;
        let directory = open(CWD, format!("/proc/{pid}"), OFlags::DIRECTORY)?;
        let directory = Directory {
            fd: directory,
            text: Vec::with_capacity(4096),
        };
        directory.process(pid, scope, kernel, descriptors)
    }
}

/// The reason that a process cannot be read.
#[derive(Debug)]
enum ReadError {
    Kernel(Errno),
    Text(String),
}

impl From<Errno> for ReadError {
    fn from(errno: Errno) -> Self {
        Self::Kernel(errno)
    }
}

/// The open directory `/proc/PID`. All files that are read through it belong to the same process, even if its ID is reused.
struct Directory {
    fd: OwnedFd,
    /// Content of the file that was read last.
    text: Vec<u8>,
}

impl Directory {
    fn process(
        mut self,
        pid: i32,
        scope: Scope,
        kernel: &Kernel,
        descriptors: Option<u64>,
    ) -> Result<Process, ReadError> {
        let stat: Stat = self.parse("stat")?;
        let thread_count = u64::try_from(stat.num_threads).unwrap_or(0);
        // A process whose first thread has ended while others still run is also shown as a zombie.
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
            cpu_ns: Usage {
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
            self.read_threads(&mut process, scope, kernel)?;
        }
        Ok(process)
    }

    fn read_threads(
        &mut self,
        process: &mut Process,
        scope: Scope,
        kernel: &Kernel,
    ) -> Result<(), ReadError> {
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

    fn thread(&mut self, tid: i32, scope: Scope, kernel: &Kernel) -> Result<Thread, ReadError> {
        let (cpu_ns, waited_ns) = if kernel.schedstat {
            let times: Schedstat = self.parse(format!("task/{tid}/schedstat"))?;
            (times.sum_exec_runtime, Some(times.run_delay))
        } else {
            let stat: Stat = self.parse(format!("task/{tid}/stat"))?;
            ((stat.utime + stat.stime) * kernel.tick_ns, None)
        };
        // `io` of a process includes the children that it waited for; `io` of its threads does not.
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

    fn memory(&mut self, kernel: &Kernel) -> Result<Memory, ReadError> {
        let pages: StatM = self.parse("statm")?;
        Ok(Memory {
            rss_bytes: pages.resident * kernel.page_bytes,
            // "shared" consists of file pages and shared memory; the rest is anonymous.
            anonymous_bytes: pages.resident.saturating_sub(pages.shared) * kernel.page_bytes,
        })
    }

    fn disk(&mut self, name: impl Arg) -> Result<Disk, ReadError> {
        let io: Io = self.parse(name)?;
        Ok(Disk {
            read_bytes: io.read_bytes,
            written_bytes: io.write_bytes,
        })
    }

    fn tids(&self) -> Result<Vec<i32>, ReadError> {
        ids_in(open(&self.fd, "task", OFlags::DIRECTORY)?)
    }

    fn parse<T: FromRead>(&mut self, name: impl Arg) -> Result<T, ReadError> {
        let text = self.read(name)?;
        T::from_read(text).map_err(|error| ReadError::Text(error.to_string()))
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
    // A process that ends during the search has no children any more.
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

/// CPU time of all threads of a process, including those that ended. It is more precise than `stat`, which counts in ticks
/// (10 ms).
fn cpu_clock_ns(pid: i32) -> Option<u64> {
    let clock = clock_getcpuclockid(nix::unistd::Pid::from_raw(pid)).ok()?;
    let time = clock_gettime(clock).ok()?;
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    Some(seconds * 1_000_000_000 + u64::try_from(time.tv_nsec()).ok()?)
}

/// Number of open file descriptors. Since Linux 6.2, it is the size of the directory.
fn descriptors(pid: i32) -> Result<u64, ReadError> {
    let path = format!("/proc/{pid}/fd");
    let size = statat(CWD, path.as_str(), AtFlags::empty())?.st_size;
    if size > 0 {
        return Ok(u64::try_from(size).unwrap_or(0));
    }
    let listed = ids_in(open(CWD, path.as_str(), OFlags::DIRECTORY)?)?.len() as u64;
    // The listing itself uses one.
    let is_own = pid == rustix::process::getpid().as_raw_nonzero().get();
    Ok(listed - u64::from(is_own && listed > 0))
}

/// The numeric names in a directory.
fn ids_in(directory: OwnedFd) -> Result<Vec<i32>, ReadError> {
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

/// Maps missing permission to `None`.
fn allowed<T>(result: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match result {
        Err(ReadError::Kernel(Errno::ACCESS | Errno::PERM)) => Ok(None),
        result => result.map(Some),
    }
}

/// Maps a thread that has ended since it was listed to `None`.
fn ended_is_none<T>(result: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match result {
        Err(ReadError::Kernel(Errno::NOENT | Errno::SRCH)) => Ok(None),
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
    fn process_name_that_looks_like_fields_is_parsed() {
        let name = ") Z 1 1 (";
        let shell = Shell::start(&format!("printf %s '{name}' > /proc/$$/comm; read go"));
        poll("the name", || (shell.stat().comm == name).then_some(()));
        let pid = shell.pid().as_raw_nonzero().get();
        let read = Process::read(pid, Scope::WithChildren, &Kernel::detect());
        let process = read.expect("read").expect("runs");
        let own = rustix::process::getpid().as_raw_nonzero().get();
        assert_eq!((process.parent, process.ended), (own, false));
        assert_eq!(process.identity.started_ticks, shell.stat().starttime);
    }

    #[test]
    fn missing_process_is_not_an_error() {
        // Above the highest ID that Linux assigns.
        let read = Process::read(i32::MAX, Scope::Alone, &Kernel::detect());
        assert!(read.expect("read").is_none());
    }
}
