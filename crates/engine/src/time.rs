//! Time: the run's clock, timers on it, and what a load thread had of its CPU.

pub(crate) mod clock;
pub(crate) mod shutdown;
pub(crate) mod stall;
pub(crate) mod thread_cpu;
pub(crate) mod timers;
pub(crate) mod yielding;
