//! Counters of the null server, written by its thread and read by its handle.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

/// Counts of a [`NullServer`](crate::NullServer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NullCounts {
    /// Requests that were read completely.
    pub requests: u64,
    /// Accepted connections.
    pub connections: u64,
}

/// Counters that only the server's thread writes.
#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    connections: AtomicU64,
    /// Nanoseconds of the monotonic clock; 0 before the first request.
    first_request_ns: AtomicU64,
}

impl Counters {
    /// Publishes the number of requests so far.
    pub(super) fn set_requests(&self, requests: u64) {
        if self.first_request_ns.load(Ordering::Relaxed) == 0 {
            self.first_request_ns
                .store(monotonic_ns(), Ordering::Relaxed);
        }
        self.requests.store(requests, Ordering::Release);
    }

    /// Publishes the number of accepted connections so far.
    pub(super) fn set_connections(&self, connections: u64) {
        self.connections.store(connections, Ordering::Release);
    }

    /// Time of the first request, in nanoseconds of the monotonic clock.
    pub(super) fn first_request_ns(&self) -> Option<u64> {
        let first_ns = self.first_request_ns.load(Ordering::Acquire);
        (first_ns > 0).then_some(first_ns)
    }

    pub(super) fn counts(&self) -> NullCounts {
        NullCounts {
            requests: self.requests.load(Ordering::Acquire),
            connections: self.connections.load(Ordering::Acquire),
        }
    }
}

fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec).unwrap_or_default()
}
