//! Samples: one finished request, with its moments on the run's clock.

use crate::{FailureKind, NameId, Outcome};

/// One finished request as the user saw it, with its redirects. Moments are nanoseconds since the
/// run's clock started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// What it is grouped by.
    pub name: NameId,
    /// When the schedule wanted it.
    pub intended_ns: u64,
    /// When brunt took it up.
    pub dispatched_ns: u64,
    /// When its first byte was given to the kernel; `None` where it never got that far.
    pub sent_ns: Option<u64>,
    /// When the first byte of the answer came.
    pub first_byte_ns: Option<u64>,
    /// When the answer was whole, or the request was given up.
    pub done_ns: u64,
    /// How long opening connections took; `None` where none was opened.
    pub connect_ns: Option<u64>,
    /// How long TLS handshakes took; `None` where there was none.
    pub tls_ns: Option<u64>,
    /// How long the generator stood still between dispatched and done.
    pub generator_stall_ns: u64,
    /// `None`: answered, and every check held.
    pub failure: Option<FailureKind>,
    /// Requests on the wire: more than one with redirects, none where no connection came about.
    pub wire_requests: u32,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
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

    /// How it ended.
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

    /// Dispatched → done without what was the generator's own, in nanoseconds.
    pub fn lag_corrected_ns(&self) -> u64 {
        let taken_ns = self.done_ns.saturating_sub(self.dispatched_ns);
        taken_ns.saturating_sub(self.generator_stall_ns)
    }
}
