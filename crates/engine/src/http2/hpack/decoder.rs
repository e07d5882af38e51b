//! The decoder of header blocks (RFC 7541, sections 3 and 6), and the validity of their fields (RFC 9113, section 8.2.1).

use super::huffman;
use super::integer;
use super::table::Table;

/// Size limit of a connection's dynamic table, in bytes: the default of HTTP/2.
const TABLE_BYTES_MAX: usize = 4096;

/// A header block that violates HPACK. The connection cannot continue, since the dynamic tables differ from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http2) struct BadBlock;

#[derive(Debug)]
pub(in crate::http2) struct Decoder {
    table: Table,
    /// The field being decoded: its name, followed by its value.
    field: Vec<u8>,
    /// Whether the table contains a malformed field. Otherwise, fields from the table are not checked again.
    has_malformed: bool,
}

impl Decoder {
    pub(in crate::http2) fn new() -> Self {
        Self {
            table: Table::new(TABLE_BYTES_MAX),
            field: Vec::new(),
            has_malformed: false,
        }
    }

    /// Decodes a block; `on_field` is called with the name, the value and the defect of each field, in order.
    #[inline]
    pub(in crate::http2) fn read(
        &mut self,
        mut block: &[u8],
        mut on_field: impl FnMut(&[u8], &[u8], Option<Malformed>),
    ) -> Result<(), BadBlock> {
        let mut is_first = true;
        while let Some(first) = block.first() {
            match first {
                0x80.. => {
                    let index = integer::take(&mut block, 7).ok_or(BadBlock)?;
                    let (name, value) = self.table.field(index).ok_or(BadBlock)?;
                    let malformed = if self.has_malformed {
                        fault_of_name(name).or_else(|| fault_of_value(value))
                    } else {
                        None
                    };
                    on_field(name, value, malformed);
                }
                0x40.. => {
                    let (name_bytes, malformed) = self.read_literal(&mut block, 6)?;
                    let (name, value) = self.field.split_at(name_bytes);
                    on_field(name, value, malformed);
                    self.has_malformed |= malformed.is_some();
                    self.table.insert(&self.field, name_bytes);
                }
                0x20.. => {
                    let bytes_max = integer::take(&mut block, 5).ok_or(BadBlock)?;
                    if !is_first || bytes_max > TABLE_BYTES_MAX {
                        return Err(BadBlock);
                    }
                    self.table.set_bytes_max(bytes_max);
                    // Another size update may follow.
                    continue;
                }
                _ => {
                    let (name_bytes, malformed) = self.read_literal(&mut block, 4)?;
                    let (name, value) = self.field.split_at(name_bytes);
                    on_field(name, value, malformed);
                }
            }
            is_first = false;
        }
        Ok(())
    }

    /// Decodes a literal field, whose name may be indexed. Returns the length of the name, and the defect of the
    /// field, if it has one.
    #[inline]
    fn read_literal(
        &mut self,
        block: &mut &[u8],
        prefix_bits: u32,
    ) -> Result<(usize, Option<Malformed>), BadBlock> {
        let index = integer::take(block, prefix_bits).ok_or(BadBlock)?;
        self.field.clear();
        let mut malformed = None;
        if index == 0 {
            read_string(block, &mut self.field)?;
            malformed = fault_of_name(&self.field);
        } else {
            let (name, _) = self.table.field(index).ok_or(BadBlock)?;
            self.field.extend_from_slice(name);
            if self.has_malformed {
                malformed = fault_of_name(&self.field);
            }
        }
        let name_bytes = self.field.len();
        read_string(block, &mut self.field)?;
        let malformed = malformed.or_else(|| fault_of_value(&self.field[name_bytes..]));
        Ok((name_bytes, malformed))
    }
}

#[inline]
fn read_string(block: &mut &[u8], to: &mut Vec<u8>) -> Result<(), BadBlock> {
    let is_encoded = block.first().ok_or(BadBlock)? & 0x80 != 0;
    let bytes = integer::take(block, 7).ok_or(BadBlock)?;
    let (string, rest) = block.split_at_checked(bytes).ok_or(BadBlock)?;
    *block = rest;
    if is_encoded {
        huffman::decode(string, to).ok_or(BadBlock)
    } else {
        to.extend_from_slice(string);
        Ok(())
    }
}

/// The defect of a malformed field. A message that contains one is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http2) struct Malformed(pub(in crate::http2) &'static str);

/// The defect of a name. It must consist of visible ASCII characters without uppercase letters, and only its first
/// character may be a colon.
fn fault_of_name(name: &[u8]) -> Option<Malformed> {
    let rest = name.strip_prefix(b":").unwrap_or(name);
    let is_valid =
        |byte: &u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && *byte != b':';
    let fault = Malformed("a field name is empty or not in visible lowercase ASCII");
    (rest.is_empty() || !rest.iter().all(is_valid)).then_some(fault)
}

/// The defect of a value. It must not contain NUL, CR or LF, nor start or end with a space or a tab.
#[inline]
fn fault_of_value(value: &[u8]) -> Option<Malformed> {
    let ends = |byte: u8| matches!(byte, b'\0' | b'\r' | b'\n');
    // One branch for all bytes.
    if value.iter().fold(false, |found, byte| found | ends(*byte)) {
        return Some(Malformed("a field value contains NUL, CR or LF"));
    }
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let fault = Malformed("a field value starts or ends with a space or tab");
    (is_blank(value.first()) || is_blank(value.last())).then_some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: String = hex.split_whitespace().collect();
        let at = (0..digits.len()).step_by(2);
        at.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    }

    fn read(decoder: &mut Decoder, block: &[u8]) -> Result<String, BadBlock> {
        let mut fields = Vec::new();
        decoder.read(block, |name, value, _| {
            let text = [name, b"=", value].concat();
            fields.push(String::from_utf8(text).unwrap());
        })?;
        Ok(fields.join("; "))
    }

    /// Three consecutive responses (RFC 7541, sections C.5 and C.6, with tables of 256 bytes), plain and
    /// Huffman-coded.
    #[test]
    fn examples_of_the_rfc() {
        let clear = [
            "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 \
             3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "4803 3330 37c1 c0bf",
            "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 \
             7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 \
             6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        ];
        let encoded = [
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
             1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
            "4883 640e ffc1 c0bf",
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 \
             e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        ];
        let date = "date=Mon, 21 Oct 2013 20:13:2";
        let place = "location=https://www.example.com";
        let expected = [
            format!(":status=302; cache-control=private; {date}1 GMT; {place}"),
            format!(":status=307; cache-control=private; {date}1 GMT; {place}"),
            format!(
                ":status=200; cache-control=private; {date}2 GMT; {place}; content-encoding=gzip; \
                 set-cookie=foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"
            ),
        ];
        for blocks in [clear, encoded] {
            let mut decoder = Decoder::new();
            decoder.table.set_bytes_max(256);
            for (block, expected) in blocks.iter().zip(&expected) {
                assert_eq!(read(&mut decoder, &bytes(block)).as_ref(), Ok(expected));
            }
            // Evicted entries are gone.
            assert_eq!(read(&mut decoder, &[0x80 | 0x41]), Err(BadBlock));
        }
    }

    #[test]
    fn invalid_block_is_rejected() {
        for block in [
            "80", // index 0
            "be", // an entry that does not exist
            "ff ff ff ff ff 7f",
            "40",       // a missing name
            "40 01 61", // a missing value
            "40 02 61", // a truncated name
            "00 81 ff 00",
            "3f e2 1f", // a table of more than 4,096 bytes
            "88 20",    // a size update after a field
        ] {
            let found = read(&mut Decoder::new(), &bytes(block));
            assert_eq!(found, Err(BadBlock), "{block}");
        }
    }

    #[test]
    fn table_shrinks_and_grows() {
        let mut decoder = Decoder::new();
        let stored = read(&mut decoder, &bytes("40 01 61 01 62")).unwrap();
        assert_eq!(stored, "a=b");
        assert_eq!(read(&mut decoder, &bytes("be")).unwrap(), "a=b");
        assert_eq!(
            read(&mut decoder, &bytes("20 3f e1 1f 88")).unwrap(),
            ":status=200"
        );
        assert_eq!(read(&mut decoder, &bytes("be")), Err(BadBlock));
    }

    #[test]
    fn field_larger_than_the_table_empties_it() {
        let mut decoder = Decoder::new();
        read(&mut decoder, &bytes("40 01 61 01 62")).unwrap();
        let mut large = bytes("40 01 63");
        integer::write(&mut large, 0, 7, 5_000);
        large.resize(large.len() + 5_000, b'x');
        assert!(read(&mut decoder, &large).unwrap().starts_with("c=xx"));
        assert_eq!(read(&mut decoder, &bytes("be")), Err(BadBlock));
    }
}
