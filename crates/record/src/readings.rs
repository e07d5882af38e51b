//! The readings of a run, packed and bounded in bytes. If a long run exceeds the bound, neighboring readings are merged, so
//! that each reading covers twice the time.

mod row;

use crate::packed_rows::{self, PackedRows, StoredRows};
use crate::{MergeError, Reading, limits};

/// Largest size of the packed readings: more than a day in seconds.
const BYTES_MAX: usize = 8 << 20;

/// The readings of a run, in the order of time.
#[derive(Debug, Clone)]
pub struct Readings {
    rows: PackedRows<Reading>,
}

impl Default for Readings {
    fn default() -> Self {
        Self::new(BYTES_MAX)
    }
}

impl Readings {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            rows: PackedRows::new(bytes_max),
        }
    }

    /// Adds the latest reading. Percentages, cores and times are rounded to thousandths.
    pub fn push(&mut self, reading: &Reading) {
        self.rows.push(packed_rows::in_packed_precision(reading), 1);
    }

    /// Adds packed readings, or none of them if any is invalid.
    pub(crate) fn merge(&mut self, packed: &StoredRows) -> Result<(), MergeError> {
        let readings: Vec<(Reading, u32)> = packed.read().ok_or_else(|| packed.merge_error())?;
        if readings
            .iter()
            .any(|(reading, _)| limits::reading(reading).is_err())
        {
            return Err(packed.merge_error());
        }
        self.rows.widen_to(packed.each);
        for (reading, held) in readings {
            self.rows.push(reading, held);
        }
        Ok(())
    }

    /// Number of readings.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no readings.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of original readings in each reading: 1, or a power of two in a very long run.
    pub fn each(&self) -> u32 {
        self.rows.each()
    }

    /// The reading at a position; `None` after the last one.
    pub fn get(&self, at: usize) -> Option<Reading> {
        self.rows.get(at)
    }

    /// All readings, in the order of time.
    pub fn iter(&self) -> impl Iterator<Item = Reading> + Clone {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Position of the first reading after a moment, in milliseconds of the run's clock.
    pub fn after(&self, at_ms: u64) -> usize {
        self.rows.after(at_ms)
    }

    /// All readings in the form of a record file.
    pub(crate) fn stored(&self) -> impl Iterator<Item = StoredRows> {
        self.rows.stored()
    }
}

impl FromIterator<Reading> for Readings {
    fn from_iter<I: IntoIterator<Item = Reading>>(all: I) -> Self {
        let mut readings = Self::default();
        all.into_iter().for_each(|reading| readings.push(&reading));
        readings
    }
}

impl Extend<Reading> for Readings {
    fn extend<I: IntoIterator<Item = Reading>>(&mut self, more: I) {
        more.into_iter().for_each(|reading| self.push(&reading));
    }
}

#[cfg(test)]
mod tests;
