//! Rows: in memory, or in a file that is too large for it, with an index of where they begin.

use std::sync::Arc;

use super::file::{Format, parse};
use crate::surroundings::FileContent;
use crate::value::Value;

/// Rows of data.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    Memory(Arc<[Value]>),
    Indexed(Arc<IndexedFile>),
}

/// A file with the places at which its blocks of rows begin.
#[derive(Debug)]
pub(crate) struct IndexedFile {
    pub(super) content: Arc<dyn FileContent>,
    pub(super) format: Format,
    /// Of CSV: the names of the columns.
    pub(super) columns: Vec<String>,
    /// Where each block of rows begins, and where the last one ends.
    pub(super) blocks: Vec<u64>,
    pub(super) count: u64,
}

/// A block of rows that was read.
#[derive(Debug)]
pub(crate) struct Block {
    number: u64,
    rows: Vec<Value>,
}

/// Rows of a block.
pub(super) const BLOCK_ROWS: u64 = 64;

impl Rows {
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Memory(rows) => rows.len() as u64,
            Self::Indexed(file) => file.count,
        }
    }

    /// A row; `last` is the block that was read last.
    pub(crate) fn get(&self, row: u64, last: &mut Option<Block>) -> Result<Value, String> {
        let file = match self {
            Self::Memory(rows) => {
                let at = usize::try_from(row).ok();
                let found = at.and_then(|at| rows.get(at));
                return found
                    .cloned()
                    .ok_or_else(|| "there is no such row".to_owned());
            }
            Self::Indexed(file) => file,
        };
        let number = row / BLOCK_ROWS;
        if last.as_ref().is_none_or(|block| block.number != number) {
            *last = Some(file.block(number)?);
        }
        let at = usize::try_from(row % BLOCK_ROWS).unwrap_or(0);
        let found = last.as_ref().and_then(|block| block.rows.get(at));
        found
            .cloned()
            .ok_or_else(|| "the file has changed since it was indexed".to_owned())
    }

    /// The columns that every row has; `None` where rows are no tables.
    pub(crate) fn columns(&self) -> Option<Vec<String>> {
        match self {
            Self::Indexed(file) if file.format == Format::Csv => Some(file.columns.clone()),
            // The rows of other files may differ.
            Self::Indexed(_) => None,
            Self::Memory(rows) => {
                let mut common: Option<Vec<String>> = None;
                for row in rows.iter() {
                    let Value::Json(json) = row else { return None };
                    let own = json.as_object()?;
                    match &mut common {
                        None => common = Some(own.keys().cloned().collect()),
                        Some(common) => common.retain(|name| own.contains_key(name)),
                    }
                }
                common
            }
        }
    }
}

impl IndexedFile {
    fn block(&self, number: u64) -> Result<Block, String> {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let (Some(begin), Some(end)) = (self.blocks.get(at), self.blocks.get(at + 1)) else {
            return Err("there is no such row".to_owned());
        };
        let length = usize::try_from(end - begin).map_err(|error| error.to_string())?;
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            let place = begin + filled as u64;
            let read = self.content.read_at(&mut bytes[filled..], place);
            match read.map_err(|error| error.to_string())? {
                0 => return Err("the file has become shorter".to_owned()),
                count => filled += count,
            }
        }
        let rows = parse(self.format, &bytes, &self.columns)?;
        Ok(Block { number, rows })
    }
}
