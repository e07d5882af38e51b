//! The phases in which a worker comes to its end.

/// How far a worker is from its end. Phases follow one another in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShutdownPhase {
    /// Tasks are started.
    Running,
    /// No task is started; those in progress may end.
    Draining,
    /// What is in progress is cut off.
    Aborted,
}
