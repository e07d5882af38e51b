//! Intervals: the histograms of one stretch of a run. Those that are being added to are a map; the others are
//! packed, so that each takes little more than its bytes.

use std::collections::BTreeMap;

use crate::compact_histogram::CompactHistogram;
use crate::measure::{cell_index, cell_key};
use crate::{Measure, NameId, Outcome};

/// What a histogram takes beside its bytes: whose it is, and where it ends.
const CELL_BYTES: usize = 8;
/// What an interval takes beside its histograms, about.
pub(crate) const INTERVAL_BYTES: usize = 96;

/// The histograms of an interval.
#[derive(Debug, Clone)]
pub(crate) enum HistogramWindow {
    /// By their place among the cells.
    Open(BTreeMap<u32, CompactHistogram>),
    /// Each with where it ends, in the order of their place.
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
    /// Adds a histogram; what it takes grows by so many bytes.
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

    /// How many bytes it takes.
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

    /// Packs the histograms; a later sample unpacks them again.
    pub(crate) fn pack(&mut self) {
        let Self::Open(cells) = self else {
            return;
        };
        let mut bytes = Vec::with_capacity(cells.values().map(CompactHistogram::size).sum());
        let ends = cells.iter().map(|(cell, compact)| {
            bytes.extend_from_slice(compact.bytes());
            // The histograms of a timeline are bounded far below 4 GiB.
            (*cell, u32::try_from(bytes.len()).unwrap_or(u32::MAX))
        });
        *self = Self::Packed {
            ends: ends.collect(),
            bytes: bytes.into(),
        };
    }

    /// One of its histograms.
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

    /// Its histograms, each with its place among the cells.
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

    /// Its histograms: subject, of what, and how the requests ended.
    pub(crate) fn cells(
        &self,
    ) -> impl Iterator<Item = (NameId, Measure, Outcome, CompactHistogram<&[u8]>)> {
        self.iter().map(|(cell, compact)| {
            let (name, measure, outcome) = cell_key(cell as usize);
            (name, measure, outcome, compact)
        })
    }
}

/// The place of a name's histogram among the cells.
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
