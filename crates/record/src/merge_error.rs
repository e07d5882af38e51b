//! Errors of merging into a timeline.

use crate::clock::SECONDS_MAX;

/// A snapshot or packed rows that do not belong to the run, or are damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// A name that the run does not have.
    #[error("request name number {id} is not among the {known} of the run")]
    Name {
        /// The name's number.
        id: u32,
        /// Number of names of the run.
        known: usize,
    },
    /// A second after the end of the longest run.
    #[error("second {second} is after the longest run, {SECONDS_MAX} s")]
    Second {
        /// The second.
        second: u32,
    },
    /// Packed rows that cannot be unpacked or have impossible values.
    #[error("invalid packed rows from {from} on ({rows} rows)")]
    Rows {
        /// Position of the first one.
        from: u64,
        /// Number of rows.
        rows: u32,
    },
    /// Intervals of an impossible width.
    #[error("intervals of {width_s} s (must be 1, 2, 4, 8 … s)")]
    Width {
        /// Width in seconds.
        width_s: u32,
    },
}
