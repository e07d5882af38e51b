//! The phases of a worker's shutdown.

/// Phase of a worker's shutdown. Phases follow one another in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShutdownPhase {
    /// Tasks are started.
    Running,
    /// No more tasks are started; running ones may finish.
    Draining,
    /// Running tasks are aborted.
    Aborted,
}
