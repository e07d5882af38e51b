//! Rows: what was told of each second of a run, packed and bounded in bytes. When they are full, neighbouring
//! rows are merged, and each tells of twice as long.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::MergeError;
use crate::bytes::Bytes;
use crate::columns::{self, Column, NUMBERS_MAX, ROWS_MAX};

/// What a run keeps of a moment.
pub(crate) trait PackedRow: Clone {
    /// When it was, where rows are looked for by that; they come in this order.
    fn at(&self) -> u64;
    /// How many numbers it has.
    fn width(&self) -> usize;
    /// Adds it, number by number.
    fn write(&self, numbers: &mut Column);
    /// Takes it from its numbers.
    fn read(numbers: &mut Numbers) -> Self;
    /// Makes it tell of what came after it, too: it told of so many rows, what comes tells of so many.
    fn merge_next(&mut self, later: &Self, own: u32, others: u32);
}

/// The numbers of a row, one after the other.
pub(crate) struct Numbers<'a> {
    columns: &'a [Column],
    row: usize,
    at: usize,
}

impl Numbers<'_> {
    /// The next one; `None` where it is not known, and after the last.
    pub(crate) fn next(&mut self) -> Option<i64> {
        let column = self.columns.get(self.at)?;
        self.at += 1;
        column.get(self.row).copied().flatten()
    }

    /// How many come yet.
    pub(crate) fn left(&self) -> usize {
        self.columns.len().saturating_sub(self.at)
    }
}

/// Rows in the order of time.
#[derive(Debug)]
pub(crate) struct PackedRows<T> {
    /// So many of those that came are one that is kept.
    each: u32,
    /// The last one is so many of those that came.
    last: u32,
    chunks: Vec<Chunk>,
    /// The last rows, as they are.
    open: Vec<T>,
    bytes: usize,
    bytes_max: usize,
    /// The chunk that was unpacked last.
    seen: Mutex<Option<(usize, Arc<[T]>)>>,
}

/// Packed rows.
#[derive(Debug, Clone)]
struct Chunk {
    /// The place of its first row, and the moment of that.
    from: usize,
    at: u64,
    rows: usize,
    bytes: Vec<u8>,
}

impl Chunk {
    fn size(&self) -> usize {
        self.bytes.len() + size_of::<Self>()
    }
}

/// Some rows in the form in which they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRows {
    /// How many came before the first one.
    pub(crate) from: u64,
    /// A row is so many of those that came.
    pub(crate) each: u32,
    /// The last one is so many.
    pub(crate) last: u32,
    /// How many there are.
    pub(crate) rows: u32,
    pub(crate) columns: Bytes,
}

impl StoredRows {
    /// Rows that are each so many of those that came, the last one so many.
    pub(crate) fn of<T: PackedRow>(rows: &[T], from: u64, (each, last): (u32, u32)) -> Self {
        Self {
            from,
            each,
            last,
            // At most `ROWS_MAX`.
            rows: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            columns: Bytes(packed(rows)),
        }
    }

    /// The rows, and so many of those that came each of them is; `None` where they are none.
    pub(crate) fn read<T: PackedRow>(&self) -> Option<Vec<(T, u32)>> {
        let fits = self.each.is_power_of_two() && (1..=self.each).contains(&self.last);
        let rows = usize::try_from(self.rows).ok().filter(|_| fits)?;
        let rows: Vec<T> = read(&self.columns.0, rows)?;
        let last = rows.len().saturating_sub(1);
        let held = |at: usize| if at == last { self.last } else { self.each };
        let rows = rows.into_iter().enumerate();
        Some(rows.map(|(at, row)| (row, held(at))).collect())
    }

    /// That they are none.
    pub(crate) fn merge_error(&self) -> MergeError {
        MergeError::Rows {
            from: self.from,
            rows: self.rows,
        }
    }
}

impl<T: PackedRow> PackedRows<T> {
    /// No rows, to take so many bytes at most where they are packed.
    pub(crate) fn bounded(bytes_max: usize) -> Self {
        Self {
            each: 1,
            last: 0,
            chunks: Vec::new(),
            open: Vec::new(),
            bytes: 0,
            bytes_max,
            seen: Mutex::new(None),
        }
    }

    /// So many of the rows that came are one that is kept.
    pub(crate) fn each(&self) -> u32 {
        self.each
    }

    /// The row at a place is so many of those that came.
    pub(crate) fn held(&self, at: usize) -> u32 {
        if at + 1 == self.len() {
            self.last
        } else {
            self.each
        }
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.packed() + self.open.len()
    }

    fn packed(&self) -> usize {
        self.chunks.last().map_or(0, |last| last.from + last.rows)
    }

    /// Adds a row that is so many of those that came.
    pub(crate) fn push(&mut self, row: T, held: u32) {
        self.add(row, held);
        while self.bytes > self.bytes_max && self.chunks.len() > 1 && self.each < u32::MAX / 2 {
            self.widen();
        }
    }

    fn add(&mut self, row: T, held: u32) {
        let together = self.last.saturating_add(held);
        let numbers = row.width();
        let is_alike = self
            .open
            .first()
            .is_some_and(|first| first.width() == numbers);
        if let Some(last) = self
            .open
            .last_mut()
            .filter(|_| is_alike && together <= self.each)
        {
            last.merge_next(&row, self.last, held);
            self.last = together;
            return;
        }
        let rows = self.open.len();
        let is_full = rows == ROWS_MAX || (rows + 1) * numbers > NUMBERS_MAX;
        if rows > 0 && (is_full || !is_alike) {
            self.pack();
        }
        self.open.push(row);
        self.last = held;
    }

    fn pack(&mut self) {
        let open = std::mem::take(&mut self.open);
        let chunk = Chunk {
            from: self.packed(),
            at: open.first().map_or(0, PackedRow::at),
            rows: open.len(),
            bytes: packed(&open),
        };
        self.bytes += chunk.size();
        self.chunks.push(chunk);
    }

    /// Makes each row twice as many of those that came.
    fn widen(&mut self) {
        let mut wide = Self {
            each: self.each * 2,
            ..Self::bounded(self.bytes_max)
        };
        let (each, last) = (self.each, self.last);
        let length = self.len();
        let held = |at: usize| if at + 1 == length { last } else { each };
        let open = std::mem::take(&mut self.open);
        let mut at = 0;
        for chunk in std::mem::take(&mut self.chunks) {
            for row in unpacked(&chunk) {
                wide.add(row, held(at));
                at += 1;
            }
        }
        for row in open {
            wide.add(row, held(at));
            at += 1;
        }
        *self = wide;
    }

    /// Makes each row at least so many of those that came.
    pub(crate) fn widen_to(&mut self, each: u32) {
        while self.each < each {
            self.widen();
        }
    }

    /// The row at a place.
    pub(crate) fn get(&self, at: usize) -> Option<T> {
        if let Some(open) = at.checked_sub(self.packed()) {
            return self.open.get(open).cloned();
        }
        let number = self.chunk_of(at);
        let own = at - self.chunks[number].from;
        self.chunk(number).get(own).cloned()
    }

    /// The chunk that a packed row is in.
    fn chunk_of(&self, at: usize) -> usize {
        // The first one begins at 0.
        self.chunks.partition_point(|chunk| chunk.from <= at) - 1
    }

    /// Changes the row at a place.
    pub(crate) fn change(&mut self, at: usize, change: impl FnOnce(&mut T)) {
        if let Some(open) = at.checked_sub(self.packed()) {
            if let Some(row) = self.open.get_mut(open) {
                change(row);
            }
            return;
        }
        let number = self.chunk_of(at);
        let chunk = &mut self.chunks[number];
        let mut rows = unpacked(chunk);
        if let Some(row) = rows.get_mut(at - chunk.from) {
            change(row);
        }
        self.bytes -= chunk.size();
        chunk.bytes = packed(&rows);
        self.bytes += chunk.size();
        *self.seen() = None;
    }

    /// The place of the first row after a moment.
    pub(crate) fn after(&self, at: u64) -> usize {
        let in_open = || self.packed() + self.open.partition_point(|row| row.at() <= at);
        if self.open.first().is_some_and(|first| first.at() <= at) {
            return in_open();
        }
        match self
            .chunks
            .partition_point(|chunk| chunk.at <= at)
            .checked_sub(1)
        {
            None => 0,
            Some(number) => {
                let rows = self.chunk(number);
                self.chunks[number].from + rows.partition_point(|row| row.at() <= at)
            }
        }
    }

    /// What was unpacked last; whoever panicked with it left it whole.
    fn seen(&self) -> std::sync::MutexGuard<'_, Option<(usize, Arc<[T]>)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chunk(&self, number: usize) -> Arc<[T]> {
        let mut seen = self.seen();
        if let Some((_, rows)) = seen.as_ref().filter(|(known, _)| *known == number) {
            return Arc::clone(rows);
        }
        let rows: Arc<[T]> = unpacked(&self.chunks[number]).into();
        *seen = Some((number, Arc::clone(&rows)));
        rows
    }

    /// All rows in the form in which they are stored, the open ones as well.
    pub(crate) fn parts(&self) -> impl Iterator<Item = StoredRows> {
        let from = |place: usize| (place as u64).saturating_mul(self.each.into());
        let whole = self.chunks.iter().map(move |chunk| StoredRows {
            from: from(chunk.from),
            each: self.each,
            last: self.held(chunk.from + chunk.rows - 1),
            // At most `ROWS_MAX`.
            rows: u32::try_from(chunk.rows).unwrap_or(u32::MAX),
            columns: Bytes(chunk.bytes.clone()),
        });
        let held = (self.each, self.last);
        let open = StoredRows::of(&self.open, from(self.packed()), held);
        whole.chain((open.rows > 0).then_some(open))
    }
}

impl<T: Clone> Clone for PackedRows<T> {
    fn clone(&self) -> Self {
        Self {
            each: self.each,
            last: self.last,
            chunks: self.chunks.clone(),
            open: self.open.clone(),
            bytes: self.bytes,
            bytes_max: self.bytes_max,
            seen: Mutex::new(None),
        }
    }
}

/// Rows as columns, in bytes. All have as many numbers.
fn packed<T: PackedRow>(rows: &[T]) -> Vec<u8> {
    let mut columns: Vec<Column> = Vec::new();
    let mut numbers = Column::new();
    for row in rows {
        numbers.clear();
        row.write(&mut numbers);
        columns.resize_with(numbers.len(), || Column::with_capacity(rows.len()));
        for (column, number) in columns.iter_mut().zip(&numbers) {
            column.push(*number);
        }
    }
    columns::write(&columns)
}

/// The rows behind some bytes; `None` where the bytes are none.
fn read<T: PackedRow>(bytes: &[u8], rows: usize) -> Option<Vec<T>> {
    let columns = columns::read(bytes, rows)?;
    let row = |row: usize| {
        let mut numbers = Numbers {
            columns: &columns,
            row,
            at: 0,
        };
        T::read(&mut numbers)
    };
    Some((0..rows).map(row).collect())
}

/// A row as it is once it was packed.
pub(crate) fn as_kept<T: PackedRow>(row: &T) -> T {
    let mut numbers = Column::new();
    row.write(&mut numbers);
    let columns: Vec<Column> = numbers.into_iter().map(|number| vec![number]).collect();
    T::read(&mut Numbers {
        columns: &columns,
        row: 0,
        at: 0,
    })
}

fn unpacked<T: PackedRow>(chunk: &Chunk) -> Vec<T> {
    // They were packed here.
    read(&chunk.bytes, chunk.rows).unwrap_or_default()
}
