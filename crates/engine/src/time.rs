//! Time: the run's clock, timers, stalls, and the CPU time of load threads.

pub(crate) mod clock;
pub(crate) mod stall;
pub(crate) mod thread_cpu;
pub(crate) mod timers;
pub(crate) mod yielding;
