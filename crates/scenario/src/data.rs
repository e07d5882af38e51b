//! Data: lists and tables, of the scenario itself or of its files, with the order in which rows are dealt
//! out to users.

mod file;
mod permutation;
mod rows;

use std::sync::Arc;

use indexmap::IndexMap;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) use file::Format;
pub(crate) use rows::{Block, Rows};

use crate::random::draw_index;
use crate::value::Value;

/// Rows with the order in which they are dealt out.
#[derive(Debug, Clone)]
pub struct DataSource {
    /// Its name in the scenario.
    pub name: String,
    pub(crate) rows: Rows,
    pub(crate) order: Order,
    pub(crate) on_exhausted: OnExhausted,
}

/// The order of `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they stand.
    Sequence,
    /// Each once in a random order, which another round has anew.
    Shuffled,
    /// Any, each time.
    Random,
}

/// What happens to a user for whom no row is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnExhausted {
    StartOver,
    StopUser,
    StopTest,
}

/// A source without rows left for a user: what is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    StopUser,
    StopTest,
}

/// The place of a source among those of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceId(pub(crate) usize);

/// The sources of a scenario, by name.
#[derive(Debug, Default)]
pub(crate) struct Data {
    sources: IndexMap<String, DataSource>,
}

impl DataSource {
    /// The row that is dealt out at a turn.
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
            Order::Shuffled => permutation::place(row, count, seed ^ round),
            _ => row,
        })
    }

    pub(crate) fn any_row(&self, random: &mut Xoshiro256PlusPlus) -> u64 {
        match &self.rows {
            // As a compiled pick draws it.
            Rows::Memory(rows) => draw_index(rows.len(), random) as u64,
            rows @ Rows::Indexed(_) => random.random_range(0..rows.count()),
        }
    }

    pub(crate) fn row(&self, row: u64, last: &mut Option<Block>) -> Result<Value, String> {
        self.rows.get(row, last)
    }

    /// The rows, where they are in memory.
    pub(crate) fn in_memory(&self) -> Option<&Arc<[Value]>> {
        match &self.rows {
            Rows::Memory(rows) => Some(rows),
            Rows::Indexed(_) => None,
        }
    }

    /// The columns that every row has; `None` where rows are no tables.
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
