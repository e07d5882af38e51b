//! Histogram windows: the histograms of an interval of a run. A window that still changes is a map; the others are packed,
//! so that a histogram takes little more than its bytes.

use std::collections::BTreeMap;

use crate::compact_histogram::CompactHistogram;
use crate::measure::{cell_index, cell_key};
use crate::{Measure, NameId, Outcome};

/// Size of a histogram in addition to its bytes: its cell and its end.
const CELL_BYTES: usize = 8;
/// Approximate size of a window in addition to its histograms.
pub(crate) const INTERVAL_BYTES: usize = 96;

/// The histograms of an interval.
#[derive(Debug, Clone)]
pub(crate) enum HistogramWindow {
    /// Histograms by cell.
    Open(BTreeMap<u32, CompactHistogram>),
    /// Histograms in the order of their cells, with the cell and the end of each.
    Packed {
        ends: Box<[(u32, u32)]>,
        bytes: Box<[u8]>,
    },
}

impl Default for HistogramWindow {
    fn default() -> Self {
        Self::Open(BTreeMap::new())
    }
}

impl HistogramWindow {
    /// Adds a histogram, and returns the number of bytes by which the window grows.
    pub(crate) fn merge<B: AsRef<[u8]>>(
        &mut self,
        cell: u32,
        compact: &CompactHistogram<B>,
    ) -> isize {
        let cells = self.opened();
        let Some(known) = cells.get_mut(&cell) else {
            cells.insert(cell, compact.to_owned_bytes());
            return (CELL_BYTES + compact.size()).cast_signed();
        };
        let before = known.size();
        *known = CompactHistogram::merged(known, compact);
        known.size().cast_signed() - before.cast_signed()
    }

    /// Size in bytes.
    pub(crate) fn size(&self) -> usize {
        let cells = self.iter().map(|(_, compact)| CELL_BYTES + compact.size());
        INTERVAL_BYTES + cells.sum::<usize>()
    }

    fn opened(&mut self) -> &mut BTreeMap<u32, CompactHistogram> {
        if matches!(self, Self::Packed { .. }) {
            let cells = self
                .iter()
                .map(|(cell, compact)| (cell, compact.to_owned_bytes()));
            *self = Self::Open(cells.collect());
        }
        match self {
            Self::Open(cells) => cells,
            Self::Packed { .. } => unreachable!("it was opened"),
        }
    }

    /// Packs the histograms. A later sample unpacks them again.
    pub(crate) fn pack(&mut self) {
        let Self::Open(cells) = self else {
            return;
        };
        let mut bytes = Vec::with_capacity(cells.values().map(CompactHistogram::size).sum());
        let ends = cells.iter().map(|(cell, compact)| {
            bytes.extend_from_slice(compact.bytes());
            // The histograms of a timeline take far less than 4 GiB.
            (*cell, u32::try_from(bytes.len()).unwrap_or(u32::MAX))
        });
        *self = Self::Packed {
            ends: ends.collect(),
            bytes: bytes.into(),
        };
    }

    /// The histogram of a name, measure and outcome.
    pub(crate) fn get(
        &self,
        name: NameId,
        measure: Measure,
        outcome: Outcome,
    ) -> Option<CompactHistogram<&[u8]>> {
        let cell = place(name, measure, outcome);
        match self {
            Self::Open(cells) => cells
                .get(&cell)
                .map(|compact| CompactHistogram::from_valid_bytes(compact.bytes())),
            Self::Packed { ends, bytes } => {
                let at = ends.binary_search_by_key(&cell, |(cell, _)| *cell).ok()?;
                Some(packed(ends, bytes, at))
            }
        }
    }

    /// The histograms with their cells.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = (u32, CompactHistogram<&[u8]>)> + '_> {
        match self {
            Self::Open(cells) => {
                let cells = cells.iter();
                Box::new(cells.map(|(cell, compact)| {
                    (*cell, CompactHistogram::from_valid_bytes(compact.bytes()))
                }))
            }
            Self::Packed { ends, bytes } => {
                let places = ends.iter().enumerate();
                Box::new(places.map(|(at, (cell, _))| (*cell, packed(ends, bytes, at))))
            }
        }
    }

    /// The histograms with their name, measure and outcome.
    pub(crate) fn cells(
        &self,
    ) -> impl Iterator<Item = (NameId, Measure, Outcome, CompactHistogram<&[u8]>)> {
        self.iter().map(|(cell, compact)| {
            let (name, measure, outcome) = cell_key(cell as usize);
            (name, measure, outcome, compact)
        })
    }
}

/// Index of a cell, in the size that windows store.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a run's table of names is far from 200 million"
)]
pub(crate) fn place(name: NameId, measure: Measure, outcome: Outcome) -> u32 {
    cell_index(name, measure, outcome) as u32
}

fn packed<'a>(ends: &[(u32, u32)], bytes: &'a [u8], at: usize) -> CompactHistogram<&'a [u8]> {
    let begin = at
        .checked_sub(1)
        .map_or(0, |before| ends[before].1 as usize);
    CompactHistogram::from_valid_bytes(&bytes[begin..ends[at].1 as usize])
}
