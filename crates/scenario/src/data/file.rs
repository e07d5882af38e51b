//! Data files: CSV with a header row, JSON (one list), and JSON Lines.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as JsonValue;

use crate::source::environment::{FileContent, Reading};
use crate::value::Value;

/// Format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Json,
    JsonLines,
}

/// Rows of a block.
pub(super) const BLOCK_ROWS: u64 = 64;

impl Format {
    /// Format for the extension of a file name.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        Self::named(path.extension()?.to_str()?)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// Positions of the rows of a file.
pub(super) struct Index {
    pub(super) columns: Vec<String>,
    pub(super) blocks: Vec<u64>,
    pub(super) count: u64,
}

impl Index {
    fn add(&mut self, begin: u64) {
        if self.count.is_multiple_of(BLOCK_ROWS) {
            self.blocks.push(begin);
        }
        self.count += 1;
    }
}

pub(super) fn index(content: &dyn FileContent, format: Format) -> Result<Index, String> {
    let mut index = Index {
        columns: Vec::new(),
        blocks: Vec::new(),
        count: 0,
    };
    let reader = BufReader::with_capacity(1 << 20, Reading { content, at: 0 });
    let end = match format {
        Format::Csv => index_csv(reader, content.size(), &mut index)?,
        Format::JsonLines => index_lines(reader, &mut index)?,
        Format::Json => index_json(reader, &mut index)?,
    };
    index.blocks.push(end);
    Ok(index)
}

fn csv_reader<R: Read>(from: R, has_headers: bool) -> csv::Reader<R> {
    csv::ReaderBuilder::new()
        .has_headers(has_headers)
        .from_reader(from)
}

fn index_csv(from: impl Read, size: u64, index: &mut Index) -> Result<u64, String> {
    let mut reader = csv_reader(from, true);
    let headers = reader.headers().map_err(|error| error.to_string())?;
    index.columns = headers
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let mut record = csv::ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| error.to_string())?
    {
        index.add(record.position().map_or(0, csv::Position::byte));
    }
    Ok(size)
}

fn index_lines(mut from: impl BufRead, index: &mut Index) -> Result<u64, String> {
    let (mut line, mut at) = (Vec::new(), 0);
    loop {
        line.clear();
        let read = from.read_until(b'\n', &mut line);
        let length = read.map_err(|error| error.to_string())? as u64;
        if length == 0 {
            return Ok(at);
        }
        if !line.trim_ascii().is_empty() {
            index.add(at);
        }
        at += length;
    }
}

/// Finds the items of the list by brackets and commas. The items are parsed later.
fn index_json(from: impl BufRead, index: &mut Index) -> Result<u64, String> {
    let (mut depth, mut in_text, mut is_escaped) = (0u32, false, false);
    let mut begins = false;
    for (at, byte) in (0u64..).zip(from.bytes()) {
        let byte = byte.map_err(|error| error.to_string())?;
        if in_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        if depth == 0 && byte != b'[' {
            return Err("not a JSON list of rows".to_owned());
        }
        if depth == 1 && begins && byte != b']' {
            index.add(at);
            begins = false;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' => {
                begins |= depth == 0;
                depth += 1;
            }
            b']' | b'}' if depth == 1 => return Ok(at),
            b']' | b'}' => depth -= 1,
            b',' if depth == 1 => begins = true,
            _ => {}
        }
    }
    Err("unterminated JSON list of rows".to_owned())
}

/// Parses the rows in a range of bytes of a file.
pub(super) fn parse(
    format: Format,
    bytes: &[u8],
    columns: &[String],
) -> Result<Vec<Value>, String> {
    match format {
        Format::Csv => csv_reader(bytes, false)
            .records()
            .map(|record| {
                let record = record.map_err(|error| error.to_string())?;
                let texts = record.iter().map(JsonValue::from);
                let row = columns.iter().cloned().zip(texts).collect();
                Ok(Value::Json(Arc::new(JsonValue::Object(row))))
            })
            .collect(),
        Format::JsonLines => bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .map(|line| serde_json::from_slice(line).map(|json: JsonValue| Value::of_json(&json)))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string()),
        Format::Json => {
            let items = bytes.trim_ascii_end();
            let items = items.strip_suffix(b",").unwrap_or(items);
            let list = [b"[", items, b"]"].concat();
            let list: Vec<JsonValue> =
                serde_json::from_slice(&list).map_err(|error| error.to_string())?;
            Ok(list.iter().map(Value::of_json).collect())
        }
    }
}
