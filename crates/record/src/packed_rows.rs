//! Packed rows: the rows of a run in the order of time, packed and bounded in bytes. When they exceed the bound, neighboring
//! rows are merged, so that each row covers twice the time.
//!
//! A stored row is a merge of original rows: the power of two [`PackedRows::each`] in all rows but the last one, which may
//! still receive more.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::MergeError;
use crate::bytes::Bytes;
use crate::columns::{self, Column, NUMBERS_MAX, ROWS_MAX};

/// A row that can be packed: a fixed number of integers, any of which may be missing.
pub(crate) trait PackedRow: Clone {
    /// Moment of the row, by which [`PackedRows::after`] searches; rows are added in this order.
    fn at(&self) -> u64;
    /// Number of integers.
    fn width(&self) -> usize;
    /// Appends its integers.
    fn write(&self, numbers: &mut Column);
    /// Creates a row from its integers.
    fn read(numbers: &mut Numbers) -> Self;
    /// Merges the next row into it. `own` and `others` are the numbers of original rows that the two consist of.
    fn merge_next(&mut self, later: &Self, own: u32, others: u32);
}

/// Reads the integers of a row in order.
pub(crate) struct Numbers<'a> {
    columns: &'a [Column],
    row: usize,
    at: usize,
}

impl Numbers<'_> {
    /// The next integer; `None` if it is missing, and after the last one.
    pub(crate) fn next(&mut self) -> Option<i64> {
        let column = self.columns.get(self.at)?;
        self.at += 1;
        column.get(self.row).copied().flatten()
    }

    /// Number of integers that are left.
    pub(crate) fn left(&self) -> usize {
        self.columns.len().saturating_sub(self.at)
    }
}

/// Rows in the order of time.
#[derive(Debug)]
pub(crate) struct PackedRows<T> {
    /// Number of original rows in each row.
    each: u32,
    /// Number of original rows in the last row.
    last: u32,
    chunks: Vec<Chunk>,
    /// The last rows, not packed.
    open: Vec<T>,
    bytes: usize,
    bytes_max: usize,
    /// The chunk that was unpacked last, with its number.
    cache: Mutex<Option<(usize, Arc<[T]>)>>,
}

/// Packed rows.
#[derive(Debug, Clone)]
struct Chunk {
    /// Position of its first row.
    from: usize,
    /// Moment of its first row.
    at: u64,
    rows: usize,
    bytes: Vec<u8>,
}

impl Chunk {
    fn size(&self) -> usize {
        self.bytes.len() + size_of::<Self>()
    }
}

/// Several rows in the form of a record file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRows {
    /// Number of original rows before the first row.
    pub(crate) from: u64,
    /// Number of original rows in each row.
    pub(crate) each: u32,
    /// Number of original rows in the last row.
    pub(crate) last: u32,
    /// Number of rows.
    pub(crate) rows: u32,
    pub(crate) columns: Bytes,
}

impl StoredRows {
    /// Packs rows. `from` original rows precede them; each row consists of `each` original rows, the last one of `last`.
    pub(crate) fn new<T: PackedRow>(rows: &[T], from: u64, (each, last): (u32, u32)) -> Self {
        Self {
            from,
            each,
            last,
            // At most `ROWS_MAX`.
            rows: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            columns: Bytes(packed(rows)),
        }
    }

    /// Unpacks the rows, each with its number of original rows; `None` if they are invalid.
    pub(crate) fn read<T: PackedRow>(&self) -> Option<Vec<(T, u32)>> {
        let fits = self.each.is_power_of_two() && (1..=self.each).contains(&self.last);
        let rows = usize::try_from(self.rows).ok().filter(|_| fits)?;
        let rows: Vec<T> = read(&self.columns.0, rows)?;
        let last = rows.len().saturating_sub(1);
        let held = |at: usize| if at == last { self.last } else { self.each };
        let rows = rows.into_iter().enumerate();
        Some(rows.map(|(at, row)| (row, held(at))).collect())
    }

    /// The error for invalid rows.
    pub(crate) fn merge_error(&self) -> MergeError {
        MergeError::Rows {
            from: self.from,
            rows: self.rows,
        }
    }
}

impl<T: PackedRow> PackedRows<T> {
    /// No rows, whose packed form may take `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            each: 1,
            last: 0,
            chunks: Vec::new(),
            open: Vec::new(),
            bytes: 0,
            bytes_max,
            cache: Mutex::new(None),
        }
    }

    /// Number of original rows in each row.
    pub(crate) fn each(&self) -> u32 {
        self.each
    }

    /// Number of original rows in the row at a position.
    pub(crate) fn held(&self, at: usize) -> u32 {
        if at + 1 == self.len() {
            self.last
        } else {
            self.each
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.packed() + self.open.len()
    }

    fn packed(&self) -> usize {
        self.chunks.last().map_or(0, |last| last.from + last.rows)
    }

    /// Adds a row that consists of `held` original rows.
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

    /// Merges rows in pairs, so that each consists of twice as many original rows.
    fn widen(&mut self) {
        let mut wide = Self {
            each: self.each * 2,
            ..Self::new(self.bytes_max)
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

    /// Merges rows until each consists of at least this many original rows.
    pub(crate) fn widen_to(&mut self, each: u32) {
        while self.each < each {
            self.widen();
        }
    }

    /// The row at a position.
    pub(crate) fn get(&self, at: usize) -> Option<T> {
        if let Some(open) = at.checked_sub(self.packed()) {
            return self.open.get(open).cloned();
        }
        let number = self.chunk_of(at);
        let own = at - self.chunks[number].from;
        self.chunk(number).get(own).cloned()
    }

    /// Number of the chunk that contains a packed row.
    fn chunk_of(&self, at: usize) -> usize {
        // The first chunk begins at 0.
        self.chunks.partition_point(|chunk| chunk.from <= at) - 1
    }

    /// Changes the row at a position.
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
        *self.cache() = None;
    }

    /// Position of the first row after a moment.
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

    /// The cache. A panic cannot leave it in an invalid state.
    fn cache(&self) -> std::sync::MutexGuard<'_, Option<(usize, Arc<[T]>)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chunk(&self, number: usize) -> Arc<[T]> {
        let mut cache = self.cache();
        if let Some((_, rows)) = cache.as_ref().filter(|(known, _)| *known == number) {
            return Arc::clone(rows);
        }
        let rows: Arc<[T]> = unpacked(&self.chunks[number]).into();
        *cache = Some((number, Arc::clone(&rows)));
        rows
    }

    /// All rows in the form of a record file, the open rows included.
    pub(crate) fn stored(&self) -> impl Iterator<Item = StoredRows> {
        let from = |position: usize| (position as u64).saturating_mul(self.each.into());
        let packed = self.chunks.iter().map(move |chunk| StoredRows {
            from: from(chunk.from),
            each: self.each,
            last: self.held(chunk.from + chunk.rows - 1),
            // At most `ROWS_MAX`.
            rows: u32::try_from(chunk.rows).unwrap_or(u32::MAX),
            columns: Bytes(chunk.bytes.clone()),
        });
        let held = (self.each, self.last);
        let open = StoredRows::new(&self.open, from(self.packed()), held);
        packed.chain((open.rows > 0).then_some(open))
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
            cache: Mutex::new(None),
        }
    }
}

/// Packs rows of the same width as columns.
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

/// Unpacks rows; `None` if the bytes are invalid.
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

/// A row with the precision that it has after packing.
pub(crate) fn in_packed_precision<T: PackedRow>(row: &T) -> T {
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
    // These rows were packed above, so they are valid.
    read(&chunk.bytes, chunk.rows).unwrap_or_default()
}
