//! CPU affinity: the cores that threads may use, and pinning to cores.

use std::{io, thread};

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// IDs of the CPUs that the calling thread may run on, in ascending order.
///
/// After pinning, these are the pinned CPUs. If the kernel does not report them (more than 1024 CPUs), they are the IDs from 0
/// up to the parallelism that the standard library detects.
pub fn allowed_cpus() -> Vec<usize> {
    sched_getaffinity(None).map_or_else(
        |_| (0..thread::available_parallelism().map_or(1, usize::from)).collect(),
        |set| cpus_in(&set).collect(),
    )
}

/// Pins the calling thread to these CPUs. Threads and processes that it starts later inherit this.
///
/// # Errors
///
/// If `cpus` is empty or contains a CPU that does not exist or that this process may not use. The kernel ignores such CPUs if
/// at least one other CPU can be used.
pub fn pin_current_thread(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "cannot pin to CPU {cpu}: must be at most {}",
                    CpuSet::MAX_CPU - 1
                ),
            ));
        }
        set.set(cpu);
    }
    sched_setaffinity(None, &set).map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(
            error.kind(),
            format!(
                "cannot pin to the CPUs {cpus:?}: {error}; available: {:?}",
                allowed_cpus()
            ),
        )
    })
}

/// The CPUs that any of several threads may run on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cores {
    union: Option<CpuSet>,
}

impl Cores {
    /// Adds the CPUs of the thread with this ID. A thread that has ended adds none.
    pub(crate) fn add_thread(&mut self, tid: i32) {
        if let Some(Ok(set)) = Pid::from_raw(tid).map(|tid| sched_getaffinity(Some(tid))) {
            self.add(&set);
        }
    }

    /// Adds the CPUs of other threads.
    pub(crate) fn add_all(&mut self, others: &Self) {
        if let Some(set) = &others.union {
            self.add(set);
        }
    }

    fn add(&mut self, set: &CpuSet) {
        match &mut self.union {
            None => self.union = Some(*set),
            // Nearly all threads of a process have the same set, so this is the fast path.
            Some(union) if union == set => {}
            Some(union) => cpus_in(set).for_each(|cpu| union.set(cpu)),
        }
    }

    /// Number of CPUs; `None` if no thread could be read.
    pub(crate) fn count(&self) -> Option<u32> {
        self.union.map(|set| set.count()).filter(|count| *count > 0)
    }
}

fn cpus_in(set: &CpuSet) -> impl Iterator<Item = usize> {
    (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_thread_may_use_only_its_cpus() {
        let before = allowed_cpus();
        let last = *before.last().expect("a running thread has a CPU");
        let (pinned, counted) = thread::spawn(move || {
            pin_current_thread(&[last]).expect("pin to an allowed CPU");
            let mut cores = Cores::default();
            cores.add_thread(rustix::thread::gettid().as_raw_nonzero().get());
            (allowed_cpus(), cores.count())
        })
        .join()
        .expect("join");
        assert_eq!(pinned, [last]);
        assert_eq!(counted, Some(1));
        assert_eq!(allowed_cpus(), before, "other threads are not affected");
    }

    #[test]
    fn error_names_cpus_that_cannot_be_used() {
        let empty = pin_current_thread(&[]).expect_err("no CPU at all");
        assert!(
            empty.to_string().starts_with("cannot pin to the CPUs []"),
            "{empty}"
        );
        let beyond = pin_current_thread(&[CpuSet::MAX_CPU]).expect_err("beyond the mask");
        assert_eq!(
            beyond.to_string(),
            "cannot pin to CPU 1024: must be at most 1023"
        );
    }

    #[test]
    fn cores_are_the_union_over_threads() {
        let set = |cpus: &[usize]| {
            let mut set = CpuSet::new();
            cpus.iter().for_each(|cpu| set.set(*cpu));
            Cores { union: Some(set) }
        };
        let mut cores = Cores::default();
        assert_eq!(cores.count(), None);
        cores.add_all(&set(&[0, 1]));
        cores.add_all(&set(&[0, 1]));
        cores.add_all(&Cores::default());
        assert_eq!(cores.count(), Some(2));
        cores.add_all(&set(&[1, 70]));
        assert_eq!(cores.count(), Some(3));
    }
}
