//! The parser thread of a worker decodes and parses large response bodies, so that the other users do not wait
//! for them. It starts with the first large body.

use std::cell::OnceCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex, PoisonError};

use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::sync::oneshot;

/// Maximum memory, in bytes, of all bodies being parsed in the process.
const MEMORY_MAX: usize = 512 << 20;
/// Niceness of the thread: threads that generate load have priority.
const NICENESS: i32 = 10;

static MEMORY: Budget = Budget {
    left: Mutex::new(MEMORY_MAX),
    freed: Condvar::new(),
};

type Job = Box<dyn FnOnce() + Send>;

/// Reserves memory, in bytes, in the budget of all parser threads until the reservation is dropped. Blocks until
/// enough of it is free.
pub(crate) fn reserve(bytes: usize) -> Reserved<'static> {
    MEMORY.reserve(bytes.min(MEMORY_MAX))
}

/// The parser thread of a worker. It ends with the worker.
pub(crate) struct ParserThread {
    /// The cores on which the process generates load; empty: any.
    cores: Box<[usize]>,
    jobs: OnceCell<Sender<Job>>,
}

impl ParserThread {
    /// Creates the handle. The thread starts with its first job.
    pub(crate) fn new(cores: &[usize]) -> Self {
        Self {
            cores: cores.into(),
            jobs: OnceCell::new(),
        }
    }

    /// Queues a job. If the receiver is dropped before the job starts, the job is dropped. If the job panics, the
    /// receiver gets an error.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<oneshot::Receiver<T>> {
        let jobs = if let Some(jobs) = self.jobs.get() {
            jobs
        } else {
            let jobs = self.start()?;
            self.jobs.get_or_init(|| jobs)
        };
        let (to, result) = oneshot::channel();
        let job = Box::new(move || {
            if to.is_closed() {
                return;
            }
            // The run may have ended before the result was ready.
            to.send(work()).ok();
        });
        // A job that the thread cannot take is dropped, and its receiver gets an error.
        jobs.send(job).ok();
        Ok(result)
    }

    fn start(&self) -> io::Result<Sender<Job>> {
        let (jobs, queue) = channel();
        let cores = self.cores.clone();
        std::thread::Builder::new()
            .name("parser".to_owned())
            .spawn(move || run_jobs(&queue, &cores))?;
        Ok(jobs)
    }
}

fn run_jobs(queue: &Receiver<Job>, cores: &[usize]) {
    // The thread inherits the core and the priority of the worker. If they cannot be changed, it is only slower or
    // competes with the worker.
    setpriority_process(None, NICENESS).ok();
    if !cores.is_empty() {
        let mut all = CpuSet::new();
        cores.iter().for_each(|core| all.set(*core));
        sched_setaffinity(None, &all).ok();
    }
    for job in queue {
        catch_unwind(AssertUnwindSafe(job)).ok();
    }
}

/// A memory budget that threads share.
struct Budget {
    /// Free bytes.
    left: Mutex<usize>,
    freed: Condvar,
}

/// Memory reserved in a budget, until it is dropped.
pub(crate) struct Reserved<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Budget {
    fn reserve(&self, bytes: usize) -> Reserved<'_> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = self.freed.wait_while(left, |left| *left < bytes);
        *enough.unwrap_or_else(PoisonError::into_inner) -= bytes;
        Reserved {
            budget: self,
            bytes,
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let left = self.budget.left.lock();
        *left.unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::ThreadId;

    use super::*;

    #[test]
    fn jobs_run_in_order_on_one_other_thread_and_survive_a_panic() {
        let parser = ParserThread::new(&[]);
        let run = |work: fn() -> ThreadId| parser.run(work).unwrap();
        let first = run(|| std::thread::current().id());
        let panics = run(|| panic!("on purpose"));
        let last = run(|| std::thread::current().id());
        let first = first.blocking_recv().unwrap();
        panics.blocking_recv().unwrap_err();
        assert_ne!(first, std::thread::current().id());
        assert_eq!(last.blocking_recv().unwrap(), first);
    }

    #[test]
    fn job_with_a_dropped_receiver_does_not_start() {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        let parser = ParserThread::new(&[]);
        let (hold, held) = channel::<()>();
        let first = parser.run(move || held.recv()).unwrap();
        drop(parser.run(|| BEGUN.fetch_add(1, Ordering::AcqRel)).unwrap());
        let last = parser.run(|| BEGUN.load(Ordering::Acquire)).unwrap();
        drop(hold);
        assert!(first.blocking_recv().unwrap().is_err());
        assert_eq!(last.blocking_recv().unwrap(), 0);
    }

    #[test]
    fn concurrent_reservations_never_exceed_the_budget() {
        static SMALL: Budget = Budget {
            left: Mutex::new(10),
            freed: Condvar::new(),
        };
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for bytes in [3, 10, 4, 6, 7] {
                let (now, most) = (&now, &most);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let reserved = SMALL.reserve(bytes);
                        let at_once = now.fetch_add(bytes, Ordering::AcqRel) + bytes;
                        most.fetch_max(at_once, Ordering::AcqRel);
                        now.fetch_sub(bytes, Ordering::AcqRel);
                        drop(reserved);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 10);
        assert_eq!(*SMALL.left.lock().unwrap(), 10);
    }
}
