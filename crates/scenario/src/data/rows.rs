//! Rows: in memory or, if a file is too large, in the file with an index of their positions.

use std::sync::Arc;

use super::file::{BLOCK_ROWS, Format, Index, index, parse};
use crate::source::environment::FileContent;
use crate::value::Value;

/// Rows of data.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    Memory(Arc<[Value]>),
    Indexed(Arc<IndexedFile>),
}

/// A file with the positions of its blocks of rows.
#[derive(Debug)]
pub(crate) struct IndexedFile {
    content: Arc<dyn FileContent>,
    format: Format,
    /// Column names (CSV).
    columns: Vec<String>,
    /// Start of each block of rows, and the end of the last one.
    blocks: Vec<u64>,
    count: u64,
}

/// A parsed block of rows.
#[derive(Debug)]
pub(crate) struct Block {
    number: u64,
    rows: Vec<Value>,
}

/// Largest file that is loaded into memory, in bytes.
const MEMORY_BYTES_MAX: u64 = 4 << 20;

impl Rows {
    /// Reads the rows of a file.
    pub(crate) fn of_file(content: Arc<dyn FileContent>, format: Format) -> Result<Self, String> {
        Self::of_file_up_to(content, format, MEMORY_BYTES_MAX)
    }

    fn of_file_up_to(
        content: Arc<dyn FileContent>,
        format: Format,
        memory_max: u64,
    ) -> Result<Self, String> {
        let Index {
            format,
            columns,
            blocks,
            count,
        } = index(content.as_ref(), format)?;
        let file = IndexedFile {
            content,
            format,
            columns,
            blocks,
            count,
        };
        if file.content.size() > memory_max {
            return Ok(Self::Indexed(Arc::new(file)));
        }
        let all = Self::Indexed(Arc::new(file));
        let mut block = None;
        let rows = (0..count).map(|row| all.get(row, &mut block));
        Ok(Self::Memory(rows.collect::<Result<_, _>>()?))
    }
}

impl Rows {
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Memory(rows) => rows.len() as u64,
            Self::Indexed(file) => file.count,
        }
    }

    /// Returns a row; `last` is the most recent block.
    pub(crate) fn get(&self, row: u64, last: &mut Option<Block>) -> Result<Value, String> {
        let file = match self {
            Self::Memory(rows) => {
                let at = usize::try_from(row).ok();
                let found = at.and_then(|at| rows.get(at));
                return found
                    .cloned()
                    .ok_or_else(|| "the row does not exist".to_owned());
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

    /// Columns that every row has; `None` if rows are not tables.
    pub(crate) fn columns(&self) -> Option<Vec<String>> {
        match self {
            Self::Indexed(file) if matches!(file.format, Format::Csv(_)) => {
                Some(file.columns.clone())
            }
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
            return Err("the row does not exist".to_owned());
        };
        let length = usize::try_from(end - begin).map_err(|error| error.to_string())?;
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            let place = begin + filled as u64;
            let read = self.content.read_at(&mut bytes[filled..], place);
            match read.map_err(|error| error.to_string())? {
                0 => return Err("the file has been truncated".to_owned()),
                count => filled += count,
            }
        }
        let rows = parse(self.format, &bytes, &self.columns)?;
        Ok(Block { number, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: Format, memory_max: u64) -> Result<Vec<String>, String> {
        let rows = Rows::of_file_up_to(Arc::new(text.as_bytes().to_vec()), format, memory_max)?;
        let mut block = None;
        let texts = (0..rows.count()).map(|row| Ok(rows.get(row, &mut block)?.in_text()));
        texts.collect()
    }

    #[test]
    fn rows_in_memory_equal_those_read_by_the_index() {
        let numbers = 0..150;
        let csv = numbers.clone().fold("id,name\n".to_owned(), |text, row| {
            text + &format!("{row},\"a\nb, {row}\"\n")
        });
        let lines = numbers.clone().fold(String::new(), |text, row| {
            text + &format!("{{\"id\":\"{row}\",\"name\":\"a\\nb, {row}\"}}\n\n")
        });
        let items = numbers
            .clone()
            .map(|row| format!("\n {{\"id\": \"{row}\", \"name\": \"a\\nb, {row}\"}}"));
        let json = format!(" [{}\n]\n", items.collect::<Vec<_>>().join(" ,"));
        let expected: Vec<String> = numbers
            .map(|row| format!("{{\"id\":\"{row}\",\"name\":\"a\\nb, {row}\"}}"))
            .collect();
        let files = [
            (
                csv.replace("id,name", "id;name").replace(",\"a", ";\"a"),
                Format::Csv(None),
            ),
            (csv.clone(), Format::Csv(Some(b','))),
            (csv, Format::Csv(None)),
            (lines, Format::JsonLines),
            (json, Format::Json),
        ];
        for (text, format) in files {
            for memory_max in [0, u64::MAX] {
                let found = read(&text, format, memory_max).expect("rows");
                assert_eq!(found, expected, "{format:?}");
            }
        }
    }

    #[test]
    fn json_items_may_be_any_values() {
        let text = r#"[1, "a],\"[", [], {"b": [1, {"c": "}"}]}, null, [[2]]]"#;
        let found = read(text, Format::Json, 0).expect("rows");
        assert_eq!(
            found,
            [
                "1",
                "a],\"[",
                "[]",
                r#"{"b":[1,{"c":"}"}]}"#,
                "none",
                "[[2]]"
            ]
        );
        assert_eq!(read("[ ]", Format::Json, 0), Ok(Vec::new()));
    }

    /// RFC 4180 for the quotes; spreadsheets write the other delimiters, byte order marks and `sep=`.
    #[test]
    fn delimiter_and_byte_order_mark_are_detected() {
        let expected = r#"{"name":"a, b; c","n":"1"}"#;
        for text in [
            "name,n\n\"a, b; c\",1\n",
            "name;n\n\"a, b; c\";1\n",
            "name\tn\na, b; c\t1\n",
            "name|n\na, b; c|1\n",
            "\u{feff}name;n\n\"a, b; c\";1",
            "\u{feff}\"name\",\"n\"\r\n\"a, b; c\",\"1\"\r\n",
            "sep=;\r\nname;n\r\n\"a, b; c\";1\r\n",
            "\u{feff}sep=\t\nname\tn\na, b; c\t1\n",
            "\n\nname,n\n\n\"a, b; c\",1\n\n",
        ] {
            for memory_max in [0, u64::MAX] {
                assert_eq!(
                    read(text, Format::Csv(None), memory_max),
                    Ok(vec![expected.to_owned()]),
                    "{text:?}"
                );
            }
        }
        for text in ["\u{feff}[{\"a\":1}]", "\u{feff}{\"a\":1}\n"] {
            let format = if text.contains('[') {
                Format::Json
            } else {
                Format::JsonLines
            };
            for memory_max in [0, u64::MAX] {
                assert_eq!(
                    read(text, format, memory_max),
                    Ok(vec!["{\"a\":1}".to_owned()])
                );
            }
        }
        let prices = "name;price, net\napple;1,50\npear;2\n";
        assert_eq!(
            read(prices, Format::Csv(None), 0).expect("rows")[0],
            r#"{"name":"apple","price, net":"1,50"}"#
        );
        assert_eq!(
            read("a\nb, c\n", Format::Csv(Some(b';')), 0).expect("rows"),
            [r#"{"a":"b, c"}"#]
        );
        let wide = "name,n".encode_utf16().flat_map(u16::to_le_bytes);
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(wide).collect();
        let refused = Rows::of_file(Arc::new(wide), Format::Csv(None)).map(|_| ());
        assert_eq!(
            refused,
            Err("the text is UTF-16; save the file as UTF-8".to_owned())
        );
    }

    #[test]
    fn malformed_data_is_rejected() {
        for (text, format, part) in [
            ("{}", Format::Json, "not a JSON list"),
            ("[1, 2", Format::Json, "unterminated"),
            ("[1, oops]", Format::Json, "expected"),
            ("{\"a\": }\n", Format::JsonLines, "expected"),
            ("a,b\n1\n", Format::Csv(None), "fields"),
            ("a;b;a\n1;2;3\n", Format::Csv(None), "two columns"),
        ] {
            let error = read(text, format, u64::MAX).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
