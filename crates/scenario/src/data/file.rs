//! Data files: CSV with a header row and any delimiter, JSON (one list), and JSON Lines.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as JsonValue;

use crate::json::numbers;
use crate::source::environment::{FileContent, Reading};
use crate::value::Value;

/// Format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// With its delimiter; `None`: detected.
    Csv(Option<u8>),
    Json,
    JsonLines,
}

/// Reason why a file cannot be read.
const NOT_UTF_8: &str = "the text is not UTF-8; save the file as UTF-8";
/// Rows of a block.
pub(super) const BLOCK_ROWS: u64 = 64;

impl Format {
    /// Format for the extension of a file name.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        Self::named(path.extension()?.to_str()?)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv(None)),
            "tsv" => Some(Self::Csv(Some(b'\t'))),
            "json" => Some(Self::Json),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// Positions of the rows of a file, and its format with the delimiter.
pub(super) struct Index {
    pub(super) format: Format,
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
    let head = head_of(content)?;
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Err("the text is UTF-16; save the file as UTF-8".to_owned());
    }
    let mut start = if head.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let mut index = Index {
        format,
        columns: Vec::new(),
        blocks: Vec::new(),
        count: 0,
    };
    if let Format::Csv(declared) = format {
        let line = declared_delimiter(&head[start..]);
        start += line.map_or(0, |(_, length)| length);
        let found = declared.or(line.map(|(delimiter, _)| delimiter));
        index.format = Format::Csv(Some(
            found.unwrap_or_else(|| detected_delimiter(&head[start..])),
        ));
    }
    let at = start as u64;
    let reader = BufReader::with_capacity(1 << 20, Reading { content, at });
    let end = match index.format {
        Format::Csv(delimiter) => {
            let mut reader = csv_reader(reader, delimiter, true);
            index_csv(&mut reader, at, &mut index)?;
            content.size()
        }
        Format::JsonLines => index_lines(reader, at, &mut index)?,
        Format::Json => index_json(reader, at, &mut index)?,
    };
    index.blocks.push(end);
    Ok(index)
}

/// First bytes of some editors' UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Number of bytes in which the delimiter of a CSV file is searched.
const HEAD_BYTES: usize = 16 << 10;
/// Delimiters that are detected. Of several that are equally likely, the first one counts.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

fn head_of(content: &dyn FileContent) -> Result<Vec<u8>, String> {
    let mut head = Vec::new();
    let reading = Reading { content, at: 0 };
    let read = reading.take(HEAD_BYTES as u64).read_to_end(&mut head);
    read.map_err(|error| error.to_string())?;
    Ok(head)
}

/// Delimiter of a first line like `sep=;`, as Excel writes it, and the length of the line.
fn declared_delimiter(text: &[u8]) -> Option<(u8, usize)> {
    let rest = text
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case(b"sep="));
    let (delimiter, end) = text[rest?.len()..].split_first()?;
    let end = end.strip_prefix(b"\r").unwrap_or(end);
    let end = end.strip_prefix(b"\n")?;
    Some((*delimiter, text.len() - end.len()))
}

/// The delimiter that occurs equally often in every line; otherwise the most frequent one of the first line.
fn detected_delimiter(head: &[u8]) -> u8 {
    let lines = counts_by_line(head);
    let Some(first) = lines.first() else {
        return DELIMITERS[0];
    };
    let score = |at: usize| {
        let is_even = first[at] > 0 && lines.iter().all(|line| line[at] == first[at]);
        (is_even, first[at])
    };
    let best = (0..DELIMITERS.len()).rev().max_by_key(|at| score(*at));
    DELIMITERS[best.unwrap_or(0)]
}

/// Numbers of delimiters in each complete line, without those in quotes.
fn counts_by_line(head: &[u8]) -> Vec<[usize; DELIMITERS.len()]> {
    let mut lines = Vec::new();
    let (mut counts, mut is_quoted, mut is_empty) = ([0; DELIMITERS.len()], false, true);
    for byte in head {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\r' | b'\n' if !is_quoted => {
                if !std::mem::replace(&mut is_empty, true) {
                    lines.push(std::mem::take(&mut counts));
                }
                continue;
            }
            _ if is_quoted => {}
            byte => {
                if let Some(at) = DELIMITERS.iter().position(|known| known == byte) {
                    counts[at] += 1;
                }
            }
        }
        is_empty = false;
    }
    // The last line of the head may be incomplete.
    if !is_empty && (lines.is_empty() || head.len() < HEAD_BYTES) {
        lines.push(counts);
    }
    lines
}

fn csv_reader<R: Read>(from: R, delimiter: Option<u8>, has_headers: bool) -> csv::Reader<R> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(DELIMITERS[0]))
        .has_headers(has_headers)
        .from_reader(from)
}

fn index_csv(
    reader: &mut csv::Reader<impl Read>,
    start: u64,
    index: &mut Index,
) -> Result<(), String> {
    let headers = reader.headers().map_err(|error| error.to_string())?;
    index.columns = headers.iter().map(|name| name.trim().to_owned()).collect();
    for (at, name) in index.columns.iter().enumerate() {
        if !name.is_empty() && index.columns[..at].contains(name) {
            return Err(format!("two columns have the name `{name}`"));
        }
    }
    let mut record = csv::ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| error.to_string())?
    {
        index.add(start + record.position().map_or(0, csv::Position::byte));
    }
    Ok(())
}

fn index_lines(mut from: impl BufRead, start: u64, index: &mut Index) -> Result<u64, String> {
    let (mut line, mut at) = (Vec::new(), start);
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
fn index_json(from: impl BufRead, start: u64, index: &mut Index) -> Result<u64, String> {
    let (mut depth, mut in_text, mut is_escaped) = (0u32, false, false);
    let mut begins = false;
    for (at, byte) in (start..).zip(from.bytes()) {
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
        Format::Csv(delimiter) => csv_reader(bytes, delimiter, false)
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
            .map(|line| {
                let line = std::str::from_utf8(line).map_err(|_| NOT_UTF_8.to_owned())?;
                let json = numbers::parse(line).map_err(|error| error.to_string())?;
                Ok(Value::of_json(&json))
            })
            .collect(),
        Format::Json => {
            let items = bytes.trim_ascii_end();
            let items = items.strip_suffix(b",").unwrap_or(items);
            let items = std::str::from_utf8(items).map_err(|_| NOT_UTF_8.to_owned())?;
            let list = numbers::parse(&format!("[{items}]")).map_err(|error| error.to_string())?;
            let list = list.as_array().map_or(&[][..], Vec::as_slice);
            Ok(list.iter().map(Value::of_json).collect())
        }
    }
}
