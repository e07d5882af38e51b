//! The counts of each second of a run, bounded in bytes: the last ones as they are, those before packed. Where
//! a run is so long that they are full, what is kept tells of 2, 4, 8 … seconds, and each of those has its part
//! of it: sums are what they were.

use crate::Second;
use crate::columns::ROWS_MAX;
use crate::packed_rows::{PackedRows, StoredRows};

/// How many bytes the packed ones may take: those of some days.
const BYTES_MAX: usize = 8 << 20;
/// What is this old is packed, so many seconds at once; what comes later of it still counts.
const OPEN: usize = ROWS_MAX;

/// The counts of each second of a run, from second 0 on.
#[derive(Debug, Clone)]
pub struct Seconds {
    packed: PackedRows<Second>,
    /// How many seconds are packed.
    before: usize,
    /// Those that come after them.
    open: Vec<Second>,
    ok: u64,
    not_well: u64,
}

impl Default for Seconds {
    fn default() -> Self {
        Self::bounded(BYTES_MAX)
    }
}

impl Seconds {
    pub(crate) fn bounded(bytes_max: usize) -> Self {
        Self {
            packed: PackedRows::bounded(bytes_max),
            before: 0,
            open: Vec::new(),
            ok: 0,
            not_well: 0,
        }
    }

    /// How many seconds there are.
    pub fn len(&self) -> usize {
        self.before + self.open.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Over so many seconds what is kept of the first ones is even: 1, or a power of two where a very long run
    /// was made to fit.
    pub fn width_s(&self) -> u32 {
        self.packed.each()
    }

    /// The counts of one; `None` after the last.
    pub fn get(&self, second: usize) -> Option<Second> {
        if let Some(open) = second.checked_sub(self.before) {
            return self.open.get(open).cloned();
        }
        let (at, part) = self.place(second);
        let whole = self.packed.get(at)?;
        Some(whole.part(part, self.packed.held(at)))
    }

    /// The counts of some of them, in order.
    pub fn range(&self, seconds: std::ops::Range<usize>) -> impl Iterator<Item = Second> {
        let end = seconds.end.min(self.len());
        (seconds.start..end).filter_map(|second| self.get(second))
    }

    /// The counts of all of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Second> {
        self.range(0..self.len())
    }

    /// The last of them: some minutes, or all of a run that is shorter.
    pub fn recent(&self) -> &[Second] {
        &self.open
    }

    /// Requests answered well in all of them.
    pub fn ok(&self) -> u64 {
        self.ok
    }

    /// Requests failed or never answered in all of them.
    pub fn not_well(&self) -> u64 {
        self.not_well
    }

    fn place(&self, second: usize) -> (usize, u32) {
        let each = self.packed.each();
        // Below `each`, which is a u32.
        let part = u32::try_from(second % each as usize).unwrap_or(0);
        (second / each as usize, part)
    }

    /// Adds what a core counted of a second.
    pub(crate) fn merge(&mut self, second: usize, counts: &Second) {
        self.ok = self.ok.saturating_add(counts.ok);
        let not_well = counts.failed.saturating_add(counts.unanswered);
        self.not_well = self.not_well.saturating_add(not_well);
        let Some(open) = second.checked_sub(self.before) else {
            let (at, _) = self.place(second);
            self.packed.change(at, |known| known.merge(counts));
            return;
        };
        self.reach(open);
        let open = second - self.before;
        self.open[open].merge(counts);
    }

    /// Makes room for a second that comes so much after the packed ones.
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

    /// Makes what is kept of the packed ones tell of at least so many seconds.
    pub(crate) fn widen_to(&mut self, width_s: u32) {
        self.packed.widen_to(width_s);
    }

    /// All seconds in the form in which they are stored.
    pub(crate) fn stored(&self) -> impl Iterator<Item = StoredRows> {
        let open = self
            .open
            .chunks(ROWS_MAX)
            .scan(self.before, |from, seconds| {
                let packed = StoredRows::of(seconds, *from as u64, (1, 1));
                *from += seconds.len();
                Some(packed)
            });
        self.packed.parts().chain(open)
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
