//! When a server ends connections that could go on.

use std::time::Duration;

/// How long, and for how many requests, connections are kept; by default without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// A connection that had an answer is closed after this time without a byte of a next request.
    pub idle: Option<Duration>,
    /// A connection is closed after this many answers.
    pub requests: Option<u64>,
    /// Whether the last of these answers says `Connection: close`. Ends by idleness cannot.
    pub announced: bool,
}

impl KeepAlive {
    /// Closes connections that are idle for this long.
    pub fn idle(idle: Duration) -> Self {
        Self {
            idle: Some(idle),
            ..Self::default()
        }
    }

    /// Closes connections after this many answers, with a word before (`announced`) or without.
    pub fn requests(requests: u64, announced: bool) -> Self {
        Self {
            requests: Some(requests),
            announced,
            ..Self::default()
        }
    }
}
