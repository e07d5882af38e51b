//! Samples: finished requests with their times on the run's clock.

use crate::{FailureKind, NameId, Outcome};

/// A finished request as the user saw it, including its redirects. Times are nanoseconds of the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Name that it is grouped by.
    pub name: NameId,
    /// Start that the schedule intended.
    pub intended_ns: u64,
    /// Time at which brunt started it.
    pub dispatched_ns: u64,
    /// Time at which its first byte was passed to the kernel; `None` if it was not sent.
    pub sent_ns: Option<u64>,
    /// Time of the first byte of the response.
    pub first_byte_ns: Option<u64>,
    /// Time at which the response was complete, or the request was given up.
    pub done_ns: u64,
    /// Duration of opening connections; `None` if the request opened no connection.
    pub connect_ns: Option<u64>,
    /// Duration of TLS handshakes; `None` without a handshake.
    pub tls_ns: Option<u64>,
    /// Time that the generator stalled between dispatched and done.
    pub generator_stall_ns: u64,
    /// Reason of its failure; `None`: it got a response that passed every check.
    pub failure: Option<FailureKind>,
    /// Number of requests on the wire: several with redirects, 0 without a connection.
    pub wire_requests: u32,
    /// Number of bytes sent.
    pub bytes_sent: u64,
    /// Number of bytes received.
    pub bytes_received: u64,
}

impl Sample {
    /// Successful sample of something for which nothing was sent: a group, a value of a custom metric, or a request that
    /// was never sent. It was dispatched when it was intended.
    pub fn unsent(name: NameId, intended_ns: u64, done_ns: u64) -> Self {
        Self {
            name,
            intended_ns,
            dispatched_ns: intended_ns,
            sent_ns: None,
            first_byte_ns: None,
            done_ns,
            connect_ns: None,
            tls_ns: None,
            generator_stall_ns: 0,
            failure: None,
            wire_requests: 0,
            bytes_sent: 0,
            bytes_received: 0,
        }
    }

    /// Its outcome.
    pub fn outcome(&self) -> Outcome {
        self.failure.map_or(Outcome::Ok, FailureKind::outcome)
    }

    /// Intended start → done, in nanoseconds.
    pub fn response_ns(&self) -> u64 {
        self.done_ns.saturating_sub(self.intended_ns)
    }

    /// Intended start → dispatched, in nanoseconds.
    pub fn lag_ns(&self) -> u64 {
        self.dispatched_ns.saturating_sub(self.intended_ns)
    }

    /// Dispatched → done without the stalls of the generator, in nanoseconds.
    pub fn lag_corrected_ns(&self) -> u64 {
        let taken_ns = self.done_ns.saturating_sub(self.dispatched_ns);
        taken_ns.saturating_sub(self.generator_stall_ns)
    }
}
