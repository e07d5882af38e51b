//! Statistics of user starts.

/// Outcomes of `on_start`. Each user counts once, however often it starts again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartStats {
    /// Number of users that started.
    pub started: u32,
    /// Number of users that failed to start, and stopped.
    pub failed: u32,
    /// The reason of the first failure.
    pub reason: Option<String>,
}

impl StartStats {
    pub(crate) fn count_started(&mut self) {
        self.started += 1;
    }

    pub(crate) fn count_failed(&mut self, reason: String) {
        self.failed += 1;
        self.reason.get_or_insert(reason);
    }

    /// Adds the outcomes of other users.
    pub fn merge(&mut self, other: Self) {
        self.started += other.started;
        self.failed += other.failed;
        self.reason = self.reason.take().or(other.reason);
    }

    /// The reason why no user started; `None` if one did, or none tried.
    pub fn all_failed(&self) -> Option<&str> {
        match self {
            Self {
                started: 0,
                failed: 1..,
                reason: Some(reason),
            } => Some(reason),
            _ => None,
        }
    }
}
