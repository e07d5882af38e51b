//! The scope of an expression: what it reads and what it draws from.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::data::{Block, Source, SourceId};
use crate::expr::error::Halt;
use crate::redact::is_secret_name;
use crate::value::Value;

/// Number of values that are noted of a user.
const NOTED_MAX: usize = 16;

/// What the expressions of a user read and draw from.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The user's randomness.
    pub random: &'a mut Xoshiro256PlusPlus,
    /// The user's variables, by their slots.
    pub variables: &'a [Value],
    /// What the users of a core draw from in common.
    pub stock: &'a Rc<Stock>,
    /// What secret expressions gave the user last.
    pub noted: &'a mut Noted,
}

/// Where a variable is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub(crate) u32);

impl Slot {
    /// Its place among a user's variables.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A core's share of what its users draw from in common: every `stride`-th, beginning with `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The first that is the core's.
    pub first: u64,
    /// How many cores share.
    pub stride: u64,
}

/// What the users of a core draw from in common: rows that are dealt out, and numbers in sequence.
#[derive(Debug)]
pub struct Stock {
    sources: Arc<[Source]>,
    share: Share,
    seed: u64,
    /// Rows taken of each source.
    taken: Box<[Cell<u64>]>,
    /// The part of each source's file that was read last.
    blocks: Box<[RefCell<Option<Block>>]>,
    numbers: Cell<u64>,
    now: fn() -> Timestamp,
}

impl Stock {
    /// A core's share of some sources; `now` tells the time of day.
    pub fn new(sources: Arc<[Source]>, share: Share, seed: u64, now: fn() -> Timestamp) -> Self {
        Self {
            taken: sources.iter().map(|_| Cell::new(0)).collect(),
            blocks: sources.iter().map(|_| RefCell::default()).collect(),
            sources,
            share,
            seed,
            numbers: Cell::new(0),
            now,
        }
    }

    /// One that has nothing, for what draws on nothing.
    pub fn empty() -> Self {
        let share = Share {
            first: 0,
            stride: 1,
        };
        Self::new(Arc::new([]), share, 0, || Timestamp::UNIX_EPOCH)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The next number; no other core has it.
    pub(crate) fn number(&self) -> u64 {
        let number = self.numbers.replace(self.numbers.get() + 1);
        self.share.first + number * self.share.stride + 1
    }

    /// The next row of a source in its order.
    pub(crate) fn next(
        &self,
        SourceId(id): SourceId,
        random: &mut Xoshiro256PlusPlus,
    ) -> Result<Value, Halt> {
        let source = &self.sources[id];
        let taken = self.taken[id].replace(self.taken[id].get() + 1);
        let turn = self.share.first + taken * self.share.stride;
        let row = source.row_of_turn(turn, self.seed, random)?;
        self.row(id, row)
    }

    /// Any row of a source.
    pub(crate) fn pick(
        &self,
        SourceId(id): SourceId,
        random: &mut Xoshiro256PlusPlus,
    ) -> Result<Value, Halt> {
        let row = self.sources[id].any_row(random);
        self.row(id, row)
    }

    fn row(&self, id: usize, row: u64) -> Result<Value, Halt> {
        let source = &self.sources[id];
        let read = source.row(row, &mut self.blocks[id].borrow_mut());
        read.map_err(|error| {
            Halt::Unreadable(format!("row {} of {}: {error}", row + 1, source.name))
        })
    }
}

/// Values that secret expressions gave a user last. What a variable still holds is not among them.
#[derive(Debug, Default)]
pub struct Noted(VecDeque<Value>);

impl Noted {
    pub(crate) fn push(&mut self, value: Value) {
        if self.0.len() == NOTED_MAX {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    /// Notes a value; of a row, the columns that are secret.
    pub(crate) fn push_secrets_of(&mut self, value: Value) {
        let Value::Json(json) = &value else {
            return self.push(value);
        };
        let Some(row) = json.as_object() else {
            return self.push(value);
        };
        let secret = row.iter().filter(|(column, _)| is_secret_name(column));
        secret.for_each(|(_, value)| self.push(Value::of_json(value)));
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }
}
