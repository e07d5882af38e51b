//! What a run leaves: histograms, intervals, timeline and the versioned run record.
//!
//! This crate does not know where data comes from or where it goes: the engine fills it, the
//! verdict judges it, the reports show it.

mod buckets;
mod bytes;
mod columns;
mod delta;
mod distribution;
mod failure;
pub mod file;
mod header;
mod histogram;
mod increment;
mod interval;
mod level;
pub mod limits;
mod load;
mod measure;
mod name;
mod outcome;
mod readings;
mod resources;
mod rows;
mod run_record;
mod sample;
mod second;
mod seconds;
mod sparse;
mod target;
mod timeline;
mod unseen;
mod varint;

pub use delta::Delta;
pub use distribution::{Distribution, Waited};
pub use failure::Failure;
pub use header::{Beside, Generator, Header, Machine, OtherHost};
pub use histogram::Histogram;
pub use increment::{Entry, Increment, NameTotals};
pub use level::{Level, Limit, Part, Search};
pub use load::{Law, Load, Open, Stage};
pub use measure::{Belongs, Measure};
pub use name::{NameId, NameKind, RequestName};
pub use outcome::{FailureKind, Outcome};
pub use readings::Readings;
pub use resources::{Interference, MachineReading, Pressure, ProcessReading, Reading};
pub use run_record::{Command, Ending, Event, MissedTarget, RunRecord, StoppedBy};
pub use sample::{Sample, second_of};
pub use second::Second;
pub use seconds::Seconds;
pub use sparse::Sparse;
pub use target::{Metric, Target, TargetNames};
pub use timeline::{Scope, Timeline, Unfit};
pub use unseen::{Unseen, Whose};
