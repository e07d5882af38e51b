//! The readings of a run, bounded in bytes: the last ones as they are, those before packed. Where a run is so
//! long that they are full, neighbours are merged, and each reading tells of twice as long.

mod row;

use crate::packed_rows::{self, PackedRows, StoredRows};
use crate::{MergeError, Reading, limits};

/// How many bytes the packed ones may take: those of a day and more.
const BYTES_MAX: usize = 8 << 20;
/// The readings of a run, in the order of time.
#[derive(Debug, Clone)]
pub struct Readings {
    rows: PackedRows<Reading>,
}

impl Default for Readings {
    fn default() -> Self {
        Self::bounded(BYTES_MAX)
    }
}

impl Readings {
    pub(crate) fn bounded(bytes_max: usize) -> Self {
        Self {
            rows: PackedRows::bounded(bytes_max),
        }
    }

    /// Adds what was seen last. Its percentages, cores and times are kept to the thousandth.
    pub fn push(&mut self, reading: &Reading) {
        self.rows.push(packed_rows::as_kept(reading), 1);
    }

    /// Adds packed ones, or nothing of them where they are none.
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

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// So many looks are one reading: 1, or a power of two where a very long run was made to fit.
    pub fn each(&self) -> u32 {
        self.rows.each()
    }

    /// One of them; `None` after the last.
    pub fn get(&self, at: usize) -> Option<Reading> {
        self.rows.get(at)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Reading> + Clone {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// The place of the first one after a moment, in milliseconds of the run's clock.
    pub fn after(&self, at_ms: u64) -> usize {
        self.rows.after(at_ms)
    }

    /// All in the form in which they are stored.
    pub(crate) fn stored(&self) -> impl Iterator<Item = StoredRows> {
        self.rows.parts()
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
