//! Limited capacity: a simulated queue on the clock of a server.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::queue_simulation::{Queue, ServiceDistribution};

/// Responses are sent when a queue with these service times completes them; requests that the queue fails
/// get a 503. Requests queue in the order of their arrival. The clock of the queue starts with the
/// server.
///
/// The queue is computed, not executed: a thread that wakes late delays its own response by some
/// tens of microseconds, and no other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// Distribution of the service times.
    pub distribution: ServiceDistribution,
    /// Seed of the service times.
    pub seed: u64,
}

/// The queue that the requests of all connections enter.
pub(crate) struct ServiceQueue(Mutex<Queue>);

/// Outcome of a request that entered the queue.
pub(crate) struct QueueOutcome {
    /// Completion time, after the server's start.
    pub(crate) done: Duration,
    pub(crate) failed: bool,
}

impl ServiceQueue {
    pub(crate) fn new(service: Service) -> Self {
        Self(Mutex::new(Queue::new(service.distribution, service.seed)))
    }

    /// Adds a request that arrives now, at a server that started at `started`.
    pub(crate) fn enter(&self, started: Instant) -> QueueOutcome {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is taken under the lock, so that arrivals are in order.
        let visit = queue.serve(started.elapsed().as_secs_f64());
        QueueOutcome {
            done: Duration::from_secs_f64(visit.done_s),
            failed: visit.failed,
        }
    }
}
