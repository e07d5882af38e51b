//! How long a core's thread was ready to run and had no CPU: the kernel counts it, in
//! `/proc/thread-self/schedstat` (time on a CPU, time waiting for one, times on a CPU).

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The thread's wait for a CPU. Where the kernel does not tell, it is nothing.
pub(crate) struct CpuWait {
    file: Option<File>,
    /// Waited so far, in nanoseconds, and so many times on a CPU.
    seen: Cell<(u64, u64)>,
}

/// What was waited since it was last asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waited {
    pub(crate) ns: u64,
    /// Mean of each time that the thread came on a CPU.
    pub(crate) each_ns: u64,
}

impl CpuWait {
    /// Of the thread that calls.
    pub(crate) fn of_this_thread() -> Self {
        let wait = Self {
            file: File::open("/proc/thread-self/schedstat").ok(),
            seen: Cell::default(),
        };
        wait.take();
        wait
    }

    /// Takes what was waited since the last time.
    pub(crate) fn take(&self) -> Waited {
        let Some((ns, times)) = self.file.as_ref().and_then(read) else {
            return Waited::default();
        };
        let (ns_before, times_before) = self.seen.replace((ns, times));
        let ns = ns.saturating_sub(ns_before);
        Waited {
            ns,
            each_ns: ns / times.saturating_sub(times_before).max(1),
        }
    }
}

fn read(file: &File) -> Option<(u64, u64)> {
    let mut bytes = [0; 96];
    let length = file.read_at(&mut bytes, 0).ok()?;
    let text = std::str::from_utf8(&bytes[..length]).ok()?;
    let mut numbers = text.split_ascii_whitespace().skip(1);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two threads that never rest, on one CPU: each waits for about half of the time.
    #[test]
    fn who_shares_a_cpu_waits_for_it() {
        let began = std::time::Instant::now();
        let spin = move || {
            let mut set = rustix::thread::CpuSet::new();
            let allowed = rustix::thread::sched_getaffinity(None).unwrap();
            let cpu = (0..1024).find(|cpu| allowed.is_set(*cpu)).unwrap();
            set.set(cpu);
            rustix::thread::sched_setaffinity(None, &set).unwrap();
            let wait = CpuWait::of_this_thread();
            while began.elapsed().as_millis() < 400 {
                std::hint::black_box(0);
            }
            wait.take()
        };
        let threads = [(); 2].map(|()| std::thread::spawn(spin));
        let waited = threads.map(|thread| thread.join().unwrap());
        if waited.iter().all(|waited| waited.ns == 0) {
            // A kernel without these counts tells nothing, and says so by telling nothing.
            return;
        }
        for waited in waited {
            assert!(waited.ns > 50_000_000, "{waited:?}");
            assert!(waited.each_ns > 100_000, "{waited:?}");
        }
    }
}
