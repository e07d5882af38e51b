//! The cores a thread may use: asked for, chosen, and united over many threads.

use std::{io, thread};

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The ids of the CPUs that the calling thread may run on, in ascending order.
///
/// Ask before pinning: afterwards it answers with what was pinned. Where the kernel does not say
/// (more than 1024 CPUs), the ids from 0 up to the parallelism that the standard library sees.
pub fn allowed_cpus() -> Vec<usize> {
    sched_getaffinity(None).map_or_else(
        |_| (0..thread::available_parallelism().map_or(1, usize::from)).collect(),
        |set| cpus_in(&set).collect(),
    )
}

/// Lets the calling thread run on these CPUs only. Threads and processes that it starts later
/// inherit this.
///
/// Errors where `cpus` is empty or names a CPU that does not exist or that this process may not
/// use (the kernel ignores those as long as one of them can be used).
pub fn pin_current_thread(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "cannot pin to CPU {cpu}: ids up to {} are possible",
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
                "cannot pin to the CPUs {cpus:?}: {error}; CPUs {:?} can be used",
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
    /// Adds what the thread with this id may use. A thread that has ended adds nothing.
    pub(crate) fn add_thread(&mut self, tid: i32) {
        if let Some(Ok(set)) = Pid::from_raw(tid).map(|tid| sched_getaffinity(Some(tid))) {
            self.add(&set);
        }
    }

    /// Adds what others may use.
    pub(crate) fn add_all(&mut self, others: &Self) {
        if let Some(set) = &others.union {
            self.add(set);
        }
    }

    fn add(&mut self, set: &CpuSet) {
        match &mut self.union {
            None => self.union = Some(*set),
            // Nearly all threads of a process share one set, so this is where the work is saved.
            Some(union) if union == set => {}
            Some(union) => cpus_in(set).for_each(|cpu| union.set(cpu)),
        }
    }

    /// How many there are; `None` where no thread told.
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
    fn a_pinned_thread_may_use_only_what_it_was_pinned_to() {
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
        assert_eq!(
            allowed_cpus(),
            before,
            "other threads are left as they were"
        );
    }

    #[test]
    fn cpus_that_cannot_be_used_are_refused_by_name() {
        let empty = pin_current_thread(&[]).expect_err("no CPU at all");
        assert!(
            empty.to_string().starts_with("cannot pin to the CPUs []"),
            "{empty}"
        );
        let beyond = pin_current_thread(&[CpuSet::MAX_CPU]).expect_err("beyond the mask");
        assert_eq!(
            beyond.to_string(),
            "cannot pin to CPU 1024: ids up to 1023 are possible"
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
