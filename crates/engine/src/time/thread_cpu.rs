//! CPU time of the current thread from `/proc/thread-self/schedstat`: time on a CPU, time in the run queue, and number
//! of time slices.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Counters of a thread; all zero if the kernel does not provide them.
pub(crate) struct ThreadCpu {
    file: Option<File>,
    /// Counters at the last call.
    seen: Cell<CpuUsage>,
}

/// CPU time since the last call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuUsage {
    /// Time on a CPU.
    pub(crate) ran_ns: u64,
    /// Time in the run queue.
    pub(crate) waited_ns: u64,
    /// Number of time slices.
    pub(crate) timeslices: u64,
}

impl CpuUsage {
    /// Mean time in the run queue per time slice.
    pub(crate) fn waited_each_ns(&self) -> u64 {
        self.waited_ns / self.timeslices.max(1)
    }
}

impl ThreadCpu {
    /// Counters of the calling thread.
    pub(crate) fn for_current_thread() -> Self {
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
            let account = ThreadCpu::for_current_thread();
            while began.elapsed().as_millis() < 400 {
                std::hint::black_box(0);
            }
            account.take()
        };
        let threads = [(); 2].map(|()| std::thread::spawn(spin));
        let waited = threads.map(|thread| thread.join().unwrap());
        if waited.iter().all(|waited| waited.waited_ns == 0) {
            // The kernel does not provide these counters.
            return;
        }
        for waited in waited {
            assert!(waited.waited_ns > 50_000_000, "{waited:?}");
            assert!(waited.ran_ns > 50_000_000, "{waited:?}");
            assert!(waited.waited_each_ns() > 100_000, "{waited:?}");
        }
    }
}
