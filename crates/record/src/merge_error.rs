//! Errors of merging into a timeline.

use crate::clock::SECONDS_MAX;

/// An snapshot does not fit the run: it was damaged, or made by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// It speaks of a name that the run does not have.
    #[error("request name number {id} is not among the {known} of the run")]
    Name {
        /// The name's number.
        id: u32,
        /// How many names the run has.
        known: usize,
    },
    /// It speaks of a second that no run reaches.
    #[error("second {second} is after the longest run, {SECONDS_MAX} s")]
    Second {
        /// The second.
        second: u32,
    },
    /// Its packed rows are none.
    #[error("{rows} packed rows from {from} on that cannot be unpacked, or that no run has")]
    Rows {
        /// What the first one tells of.
        from: u64,
        /// How many there are.
        rows: u32,
    },
    /// Its intervals have a width that no timeline has.
    #[error("intervals of {width_s} s: a width is 1, 2, 4, 8 … s")]
    Width {
        /// The width, in seconds.
        width_s: u32,
    },
}
