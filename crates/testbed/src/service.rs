//! Limited capacity with a known law: a queue of virtual time on the clock of a server.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::queue_simulation::{Queue, ServiceDistribution};

/// Answers leave when a queue of this law would be done with them, and those that it fails are
/// answered with 503. Requests queue in the order of their arrival; the law's clock begins with the
/// server.
///
/// The queue is reckoned and not played: a thread that wakes late delays its own answer, by some
/// tens of microseconds, and no other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// The law of the service.
    pub distribution: ServiceDistribution,
    /// Where the randomness starts.
    pub seed: u64,
}

/// Where the requests of all connections are taken in.
pub(crate) struct Counter(Mutex<Queue>);

/// What becomes of a request that was taken in.
pub(crate) struct Turn {
    /// When it is done, after the server's start.
    pub(crate) done: Duration,
    pub(crate) failed: bool,
}

impl Counter {
    pub(crate) fn new(service: Service) -> Self {
        Self(Mutex::new(Queue::new(service.distribution, service.seed)))
    }

    /// Takes in a request that arrives now, at a server that was started then.
    pub(crate) fn admit(&self, started: Instant) -> Turn {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The arrival is taken under the lock: so arrivals never go back in time.
        let visit = queue.serve(started.elapsed().as_secs_f64());
        Turn {
            done: Duration::from_secs_f64(visit.done_s),
            failed: visit.failed,
        }
    }
}
