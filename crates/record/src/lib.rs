//! Run records: histograms, snapshots, the timeline, and the record file with its versioned format.
//!
//! A load thread counts [`Sample`]s with a [`SecondRecorder`] and hands over a [`MetricsSnapshot`] each second. A
//! [`Timeline`] merges the snapshots. A [`RunRecord`] consists of the timeline, the monitor's [`Readings`], the [`Header`]
//! and the [`Ending`] of a run; [`mod@file`] writes and reads it.
//!
//! ```
//! use brunt_record::Histogram;
//!
//! let (mut a, mut b) = (Histogram::default(), Histogram::default());
//! a.record(2_000_000);
//! b.record(9_000_000);
//! a.merge(&b);
//! assert_eq!((a.count(), a.max_ns()), (2, Some(9_000_000)));
//! ```
//!
//! The crate does not depend on the sources and the users of its data: the engine records, the verdict judges, and the
//! reports show it.

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
