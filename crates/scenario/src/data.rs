//! Data: lists and tables of the scenario or its files, with the order in which users receive the rows.

mod file;
mod rows;

use std::sync::Arc;

use indexmap::IndexMap;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) use file::Format;
pub(crate) use rows::{Block, Rows};

use crate::random::{draw_index, permuted};
use crate::value::Value;

/// Rows with their order.
#[derive(Debug, Clone)]
pub struct DataSource {
    /// Name in the scenario.
    pub name: String,
    pub(crate) rows: Rows,
    pub(crate) order: Order,
    pub(crate) on_exhausted: OnExhausted,
}

/// The order of `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// In the order of the file.
    Sequence,
    /// Each once in a random order, which differs from round to round.
    Shuffled,
    /// Drawn with replacement.
    Random,
    /// The row with the number of the user, always the same.
    PerUser,
}

impl Order {
    /// Whether every row occurs once in a round.
    pub(crate) fn is_once(self) -> bool {
        matches!(self, Self::Sequence | Self::Shuffled)
    }
}

/// Reaction if no row is left for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnExhausted {
    StartOver,
    StopUser,
    StopTest,
}

/// Error of a source without rows left for a user: what stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    StopUser,
    StopTest,
}

/// Index of a source among those of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceId(pub(crate) usize);

/// The sources of a scenario, by name.
#[derive(Debug, Default)]
pub(crate) struct Data {
    sources: IndexMap<String, DataSource>,
}

impl DataSource {
    /// Row number of a turn.
    pub(crate) fn row_of_turn(
        &self,
        turn: u64,
        seed: u64,
        random: &mut Xoshiro256PlusPlus,
    ) -> Result<u64, Exhausted> {
        let count = self.rows.count();
        if self.order == Order::Random {
            return Ok(self.any_row(random));
        }
        if turn >= count {
            match self.on_exhausted {
                OnExhausted::StartOver => {}
                OnExhausted::StopUser => return Err(Exhausted::StopUser),
                OnExhausted::StopTest => return Err(Exhausted::StopTest),
            }
        }
        let (round, row) = (turn / count, turn % count);
        Ok(match self.order {
            Order::Shuffled => permuted(row, count, seed ^ round),
            _ => row,
        })
    }

    pub(crate) fn any_row(&self, random: &mut Xoshiro256PlusPlus) -> u64 {
        match &self.rows {
            // Draws the same as a compiled pick.
            Rows::Memory(rows) => draw_index(rows.len(), random) as u64,
            rows @ Rows::Indexed(_) => random.random_range(0..rows.count()),
        }
    }

    pub(crate) fn row(&self, row: u64, last: &mut Option<Block>) -> Result<Value, String> {
        self.rows.get(row, last)
    }

    /// The rows, if they are in memory.
    pub(crate) fn in_memory(&self) -> Option<&Arc<[Value]>> {
        match &self.rows {
            Rows::Memory(rows) => Some(rows),
            Rows::Indexed(_) => None,
        }
    }

    /// Columns that every row has; `None` if rows are not tables.
    pub(crate) fn columns(&self) -> Option<Vec<String>> {
        self.rows.columns()
    }
}

impl Data {
    pub(crate) fn insert(&mut self, source: DataSource) {
        self.sources.insert(source.name.clone(), source);
    }

    pub(crate) fn get(&self, name: &str) -> Option<(SourceId, &DataSource)> {
        let (at, _, source) = self.sources.get_full(name)?;
        Some((SourceId(at), source))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.sources.keys().map(String::as_str)
    }

    pub(crate) fn into_sources(self) -> Arc<[DataSource]> {
        self.sources.into_values().collect()
    }
}
