//! The counts of each second of a run, bounded in bytes: the last seconds as they are, the earlier ones packed. If a long run
//! exceeds the bound, packed seconds are merged into rows of 2, 4, 8 … seconds, of which each second gets an equal part, so
//! that sums stay exact.

use crate::Second;
use crate::columns::ROWS_MAX;
use crate::packed_rows::{PackedRows, StoredRows};

/// Largest size of the packed seconds: several days.
const BYTES_MAX: usize = 8 << 20;
/// Number of seconds that are packed at once, when as many follow them. Late counts are still added to packed seconds.
const OPEN: usize = ROWS_MAX;

/// The counts of each second of a run, from second 0 on.
#[derive(Debug, Clone)]
pub struct Seconds {
    packed: PackedRows<Second>,
    /// Number of packed seconds.
    before: usize,
    /// The seconds after them.
    open: Vec<Second>,
    ok: u64,
    not_ok: u64,
}

impl Default for Seconds {
    fn default() -> Self {
        Self::new(BYTES_MAX)
    }
}

impl Seconds {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            packed: PackedRows::new(bytes_max),
            before: 0,
            open: Vec::new(),
            ok: 0,
            not_ok: 0,
        }
    }

    /// Number of seconds.
    pub fn len(&self) -> usize {
        self.before + self.open.len()
    }

    /// Whether there are no seconds.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Width of the packed rows in seconds: 1, or a power of two in a very long run.
    pub fn width_s(&self) -> u32 {
        self.packed.each()
    }

    /// Counts of a second; `None` after the last one.
    pub fn get(&self, second: usize) -> Option<Second> {
        if let Some(open) = second.checked_sub(self.before) {
            return self.open.get(open).cloned();
        }
        let (at, part) = self.position(second);
        let row = self.packed.get(at)?;
        Some(row.part(part, self.packed.held(at)))
    }

    /// Counts of a range of seconds, in order.
    pub fn range(&self, seconds: std::ops::Range<usize>) -> impl Iterator<Item = Second> {
        let end = seconds.end.min(self.len());
        (seconds.start..end).filter_map(|second| self.get(second))
    }

    /// Counts of all seconds, in order.
    pub fn iter(&self) -> impl Iterator<Item = Second> {
        self.range(0..self.len())
    }

    /// Counts of the last minutes, or of all seconds of a shorter run.
    pub fn recent(&self) -> &[Second] {
        &self.open
    }

    /// Number of successful requests in all seconds.
    pub fn ok(&self) -> u64 {
        self.ok
    }

    /// Number of requests that failed or got no response, in all seconds.
    pub fn not_ok(&self) -> u64 {
        self.not_ok
    }

    /// Position of the packed row that contains a second, and the second's number in the row.
    fn position(&self, second: usize) -> (usize, u32) {
        let each = self.packed.each();
        // Less than `each`, which is a u32.
        let part = u32::try_from(second % each as usize).unwrap_or(0);
        (second / each as usize, part)
    }

    /// Adds the counts of a core in a second.
    pub(crate) fn merge(&mut self, second: usize, counts: &Second) {
        self.ok = self.ok.saturating_add(counts.ok);
        let not_ok = counts.failed.saturating_add(counts.unanswered);
        self.not_ok = self.not_ok.saturating_add(not_ok);
        let Some(open) = second.checked_sub(self.before) else {
            let (at, _) = self.position(second);
            self.packed.change(at, |known| known.merge(counts));
            return;
        };
        self.reach(open);
        let open = second - self.before;
        self.open[open].merge(counts);
    }

    /// Adds room for the second at this distance from the packed ones.
    fn reach(&mut self, mut open: usize) {
        while open >= 2 * OPEN {
            let more = self.open.len().max(OPEN);
            self.open.resize_with(more, Second::default);
            for second in self.open.drain(..OPEN) {
                self.packed.push(second, 1);
            }
            self.before += OPEN;
            open -= OPEN;
        }
        if self.open.len() <= open {
            self.open.resize_with(open + 1, Second::default);
        }
    }

    /// Merges packed rows until each covers at least this many seconds.
    pub(crate) fn widen_to(&mut self, width_s: u32) {
        self.packed.widen_to(width_s);
    }

    /// All seconds in the form of a record file.
    pub(crate) fn stored(&self) -> impl Iterator<Item = StoredRows> {
        let open = self
            .open
            .chunks(ROWS_MAX)
            .scan(self.before, |from, seconds| {
                let packed = StoredRows::new(seconds, *from as u64, (1, 1));
                *from += seconds.len();
                Some(packed)
            });
        self.packed.stored().chain(open)
    }
}

impl FromIterator<Second> for Seconds {
    fn from_iter<I: IntoIterator<Item = Second>>(all: I) -> Self {
        let mut seconds = Self::default();
        for (second, counts) in all.into_iter().enumerate() {
            seconds.merge(second, &counts);
        }
        seconds
    }
}

#[cfg(test)]
mod tests;
