//! Context in which expressions are evaluated: variables, randomness, shared data and recent secrets.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::data::{Block, DataSource, Order, SourceId};
use crate::expr::error::EvalError;
use crate::random::permuted;
use crate::redact::is_sensitive_name;
use crate::value::Value;

/// Number of recent secrets that are kept for a user.
const NOTED_MAX: usize = 16;

/// State that the expressions of a user read and draw from.
#[derive(Debug)]
pub struct EvalContext<'a> {
    /// The user's randomness.
    pub random: &'a mut Xoshiro256PlusPlus,
    /// The user's variables, by their slots.
    pub variables: &'a [Value],
    /// Data that the users of a core share.
    pub shared: &'a Rc<SharedData>,
    /// Number of the user, from 1; 0 for the set-up.
    pub user: u64,
    /// Most recent results of secret expressions for the user.
    pub recent_secrets: &'a mut RecentSecrets,
}

/// Identifier of a variable: its index among a user's variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VariableId(pub(crate) u32);

impl VariableId {
    /// Index among a user's variables.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One core's part of rows and sequence numbers: every `stride`-th, beginning with `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataShard {
    /// Number of the core's first one.
    pub first: u64,
    /// Number of cores.
    pub stride: u64,
}

/// Data that the users of a core share: rows in their order, and sequence numbers.
#[derive(Debug)]
pub struct SharedData {
    sources: Arc<[DataSource]>,
    shard: DataShard,
    seed: u64,
    /// Rows taken of each source.
    taken: Box<[Cell<u64>]>,
    /// Rows of each source that were given back, the first one first.
    returned: Box<[RefCell<VecDeque<u64>>]>,
    /// The part of each source's file that was read last.
    blocks: Box<[RefCell<Option<Block>>]>,
    numbers: Cell<u64>,
    /// Numbers taken of each sequence with a name.
    named_numbers: RefCell<HashMap<Arc<str>, u64>>,
    now: fn() -> Timestamp,
}

impl SharedData {
    /// One core's shard of the sources; `now` returns the time of day.
    pub fn new(
        sources: Arc<[DataSource]>,
        shard: DataShard,
        seed: u64,
        now: fn() -> Timestamp,
    ) -> Self {
        Self {
            taken: sources.iter().map(|_| Cell::new(0)).collect(),
            returned: sources.iter().map(|_| RefCell::default()).collect(),
            blocks: sources.iter().map(|_| RefCell::default()).collect(),
            sources,
            shard,
            seed,
            numbers: Cell::new(0),
            named_numbers: RefCell::default(),
            now,
        }
    }

    /// Shared data without sources.
    pub fn empty() -> Self {
        let shard = DataShard {
            first: 0,
            stride: 1,
        };
        Self::new(Arc::new([]), shard, 0, || Timestamp::UNIX_EPOCH)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Returns the next number, which no other core returns.
    pub(crate) fn number(&self) -> u64 {
        let number = self.numbers.replace(self.numbers.get() + 1);
        self.shard.first + number * self.shard.stride + 1
    }

    /// Returns the next number of the sequence with this name, which no other core returns. The sequence begins with
    /// `first`.
    pub(crate) fn number_of(&self, name: &Arc<str>, first: u64) -> u64 {
        let mut taken = self.named_numbers.borrow_mut();
        let number = match taken.get_mut(name) {
            Some(taken) => {
                *taken += 1;
                *taken
            }
            None => *taken.entry(name.clone()).or_insert(0),
        };
        let offset = self.shard.first + number * self.shard.stride;
        first.saturating_add(offset)
    }

    /// Returns the next row of a source in its order.
    pub(crate) fn next(
        &self,
        SourceId(id): SourceId,
        user: u64,
        random: &mut Xoshiro256PlusPlus,
    ) -> Result<Value, EvalError> {
        let source = &self.sources[id];
        let turn = if source.order == Order::PerUser {
            user.saturating_sub(1)
        } else {
            let taken = self.taken[id].replace(self.taken[id].get() + 1);
            self.shard.first + taken * self.shard.stride
        };
        let row = source.row_of_turn(turn, self.seed, random)?;
        self.row(id, row)
    }

    /// Returns a random row of a source.
    pub(crate) fn pick(
        &self,
        SourceId(id): SourceId,
        random: &mut Xoshiro256PlusPlus,
    ) -> Result<Value, EvalError> {
        let row = self.sources[id].any_row(random);
        self.row(id, row)
    }

    /// Takes a row of a source that no user has; `None` if all rows of the core are taken. Rows that were never taken
    /// come first, then the one that was given back first.
    pub fn check_out(&self, source: SourceId) -> Result<Option<(TakenRow, Value)>, EvalError> {
        let SourceId(id) = source;
        let source = &self.sources[id];
        let count = source.rows.count();
        if self.shard.first >= count {
            return Err(EvalError::Failed(format!(
                "data `{}` has {count} rows, fewer than the {} threads of the run, and this thread has none; add rows, \
                 or use fewer --threads",
                source.name, self.shard.stride
            )));
        }
        let taken = self.taken[id].get();
        let turn = self.shard.first + taken * self.shard.stride;
        let row = if turn < count {
            self.taken[id].set(taken + 1);
            match source.order {
                Order::Shuffled => permuted(turn, count, self.seed),
                _ => turn,
            }
        } else {
            match self.returned[id].borrow_mut().pop_front() {
                Some(row) => row,
                None => return Ok(None),
            }
        };
        let value = self.row(id, row)?;
        Ok(Some((TakenRow { id, row }, value)))
    }

    /// Gives a row back.
    pub fn give_back(&self, TakenRow { id, row }: TakenRow) {
        self.returned[id].borrow_mut().push_back(row);
    }

    fn row(&self, id: usize, row: u64) -> Result<Value, EvalError> {
        let source = &self.sources[id];
        let read = source.row(row, &mut self.blocks[id].borrow_mut());
        read.map_err(|error| {
            EvalError::Unreadable(format!("row {} of {}: {error}", row + 1, source.name))
        })
    }
}

/// A row that a user has until it is given back.
#[derive(Debug)]
pub struct TakenRow {
    id: usize,
    row: u64,
}

/// Most recent results of secret expressions for a user, except those that a variable still contains.
#[derive(Debug, Default)]
pub struct RecentSecrets(VecDeque<Value>);

impl RecentSecrets {
    pub(crate) fn push(&mut self, value: Value) {
        if self.0.len() == NOTED_MAX {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    /// Adds a value; of a row, its secret columns.
    pub(crate) fn push_secrets_of(&mut self, value: Value) {
        let Value::Json(json) = &value else {
            return self.push(value);
        };
        let Some(row) = json.as_object() else {
            return self.push(value);
        };
        let secret = row.iter().filter(|(column, _)| is_sensitive_name(column));
        secret.for_each(|(_, value)| self.push(Value::of_json(value)));
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }
}
