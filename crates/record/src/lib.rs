//! What a run leaves: histograms, intervals, timeline and the versioned run record.
//!
//! This crate does not know where data comes from or where it goes: the engine fills it, the
//! verdict judges it, the reports show it.

mod buckets;
mod bytes;
mod clock;
mod columns;
mod command;
mod compact_histogram;
mod distribution;
mod ending;
mod failure;
pub mod file;
mod header;
mod histogram;
mod histogram_window;
pub mod limits;
mod load;
mod measure;
mod merge_error;
mod name;
mod outcome;
mod packed_rows;
mod readings;
mod resources;
mod run_record;
mod sample;
mod second;
mod second_recorder;
mod seconds;
mod snapshot;
mod target;
mod timeline;
mod unavailable;
mod varint;

pub use clock::{duration_ms, duration_ns, second_of, seconds_to_ns};
pub use command::{Command, Event, LoadLevel, SearchPhase};
pub use compact_histogram::CompactHistogram;
pub use distribution::{Distribution, PercentileValue};
pub use ending::{Ending, MissedTarget, StoppedBy};
pub use failure::Failure;
pub use header::{AdditionalTarget, Generator, Header, Machine, OtherHost};
pub use histogram::Histogram;
pub use load::{ArrivalProcess, Load, LoadStage, OpenModel, Search};
pub use measure::{Measure, TimeBasis};
pub use merge_error::MergeError;
pub use name::{NameId, NameKind, RequestName, Scope};
pub use outcome::{FailureKind, Outcome};
pub use readings::Readings;
pub use resources::{Interference, MachineReading, Pressure, ProcessReading, Reading};
pub use run_record::RunRecord;
pub use sample::Sample;
pub use second::Second;
pub use second_recorder::SecondRecorder;
pub use seconds::Seconds;
pub use snapshot::{HistogramEntry, MetricsSnapshot, NameTotals};
pub use target::{Metric, NameSet, Target, ThresholdKind};
pub use timeline::Timeline;
pub use unavailable::{Subject, Unavailable};
