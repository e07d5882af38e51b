//! What the kernel counts of a core's thread, in `/proc/thread-self/schedstat`: time on a CPU, time ready
//! to run without one, and how often it came on one.

use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The thread's account with the kernel. Where the kernel does not tell, it is nothing.
pub(crate) struct CpuAccount {
    file: Option<File>,
    /// When it was last asked.
    seen: Cell<CpuUse>,
}

/// Since it was last asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuUse {
    /// On a CPU.
    pub(crate) ran_ns: u64,
    /// Ready, and without one.
    pub(crate) waited_ns: u64,
    /// Times that the thread came on a CPU.
    pub(crate) wake_ups: u64,
}

impl CpuUse {
    /// The mean wait of each time.
    pub(crate) fn waited_each_ns(&self) -> u64 {
        self.waited_ns / self.wake_ups.max(1)
    }
}

impl CpuAccount {
    /// Of the thread that calls.
    pub(crate) fn of_this_thread() -> Self {
        let account = Self {
            file: File::open("/proc/thread-self/schedstat").ok(),
            seen: Cell::default(),
        };
        account.take();
        account
    }

    /// Takes what was since the last time.
    pub(crate) fn take(&self) -> CpuUse {
        let Some(now) = self.file.as_ref().and_then(read) else {
            return CpuUse::default();
        };
        let before = self.seen.replace(now);
        CpuUse {
            ran_ns: now.ran_ns.saturating_sub(before.ran_ns),
            waited_ns: now.waited_ns.saturating_sub(before.waited_ns),
            wake_ups: now.wake_ups.saturating_sub(before.wake_ups),
        }
    }
}

fn read(file: &File) -> Option<CpuUse> {
    let mut bytes = [0; 96];
    let length = file.read_at(&mut bytes, 0).ok()?;
    let text = std::str::from_utf8(&bytes[..length]).ok()?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    Some(CpuUse {
        ran_ns: numbers.next()?.ok()?,
        waited_ns: numbers.next()?.ok()?,
        wake_ups: numbers.next()?.ok()?,
    })
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
            let account = CpuAccount::of_this_thread();
            while began.elapsed().as_millis() < 400 {
                std::hint::black_box(0);
            }
            account.take()
        };
        let threads = [(); 2].map(|()| std::thread::spawn(spin));
        let waited = threads.map(|thread| thread.join().unwrap());
        if waited.iter().all(|waited| waited.waited_ns == 0) {
            // A kernel without these counts tells nothing, and says so by telling nothing.
            return;
        }
        for waited in waited {
            assert!(waited.waited_ns > 50_000_000, "{waited:?}");
            assert!(waited.ran_ns > 50_000_000, "{waited:?}");
            assert!(waited.waited_each_ns() > 100_000, "{waited:?}");
        }
    }
}
