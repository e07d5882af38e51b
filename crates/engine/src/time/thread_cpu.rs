//! CPU time of the present thread from `/proc/thread-self/schedstat`: time on a CPU, time ready to run without one, and
//! how often it came on one.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The counts of a thread; all zero if the kernel does not have them.
pub(crate) struct ThreadCpu {
    file: Option<File>,
    /// The counts of the last call.
    seen: Cell<CpuUsage>,
}

/// CPU time since the last call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuUsage {
    /// On a CPU.
    pub(crate) ran_ns: u64,
    /// Ready, and without one.
    pub(crate) waited_ns: u64,
    /// Number of times that the thread came on a CPU.
    pub(crate) timeslices: u64,
}

impl CpuUsage {
    /// The mean wait before it came on a CPU.
    pub(crate) fn waited_each_ns(&self) -> u64 {
        self.waited_ns / self.timeslices.max(1)
    }
}

impl ThreadCpu {
    /// The counts of the calling thread.
    pub(crate) fn of_this_thread() -> Self {
        let account = Self {
            file: File::open("/proc/thread-self/schedstat").ok(),
            seen: Cell::default(),
        };
        account.take();
        account
    }

    /// Takes the CPU time since the last call.
    pub(crate) fn take(&self) -> CpuUsage {
        let Some(now) = self.file.as_ref().and_then(read) else {
            return CpuUsage::default();
        };
        let before = self.seen.replace(now);
        CpuUsage {
            ran_ns: now.ran_ns.saturating_sub(before.ran_ns),
            waited_ns: now.waited_ns.saturating_sub(before.waited_ns),
            timeslices: now.timeslices.saturating_sub(before.timeslices),
        }
    }
}

fn read(file: &File) -> Option<CpuUsage> {
    let mut bytes = [0; 96];
    let length = file.read_at(&mut bytes, 0).ok()?;
    let text = std::str::from_utf8(&bytes[..length]).ok()?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    Some(CpuUsage {
        ran_ns: numbers.next()?.ok()?,
        waited_ns: numbers.next()?.ok()?,
        timeslices: numbers.next()?.ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two threads that never sleep, on one CPU: each waits for about half of the time.
    #[test]
    fn thread_that_shares_a_cpu_waits_for_it() {
        let began = std::time::Instant::now();
        let spin = move || {
            let mut set = rustix::thread::CpuSet::new();
            let allowed = rustix::thread::sched_getaffinity(None).unwrap();
            let cpu = (0..1024).find(|cpu| allowed.is_set(*cpu)).unwrap();
            set.set(cpu);
            rustix::thread::sched_setaffinity(None, &set).unwrap();
            let account = ThreadCpu::of_this_thread();
            while began.elapsed().as_millis() < 400 {
                std::hint::black_box(0);
            }
            account.take()
        };
        let threads = [(); 2].map(|()| std::thread::spawn(spin));
        let waited = threads.map(|thread| thread.join().unwrap());
        if waited.iter().all(|waited| waited.waited_ns == 0) {
            // The kernel does not have these counts.
            return;
        }
        for waited in waited {
            assert!(waited.waited_ns > 50_000_000, "{waited:?}");
            assert!(waited.ran_ns > 50_000_000, "{waited:?}");
            assert!(waited.waited_each_ns() > 100_000, "{waited:?}");
        }
    }
}
