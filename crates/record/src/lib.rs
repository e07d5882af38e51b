//! What a run leaves: histograms, intervals, timeline and the versioned run record.
//!
//! This crate does not know where data comes from or where it goes: the engine fills it, the
//! verdict judges it, the reports show it.

mod resources;

pub use resources::{MachineReading, ProcessReading, Reading};
