//! The encoder of header blocks. Constant fields are inserted into the peer's dynamic table once, and take a byte or
//! two from then on. Entries are never evicted; fields for which the table has no room are sent as literals.

use super::integer;
use super::table::{ENTRY_BYTES, static_name};

/// Size of the peer's table until it announces another one, and the maximum that is used.
const TABLE_BYTES_MAX: usize = 4096;
/// The first index of the dynamic table.
const FIRST_INDEX: usize = 62;

/// Identifier of a constant field within a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http2) struct FieldId(pub(in crate::http2) usize);

/// A field to encode.
#[derive(Debug, Clone, Copy)]
pub(in crate::http2) enum Field<'a> {
    /// A field of the static table, by index.
    Static(usize),
    /// A constant field.
    Fixed(FieldId, &'a [u8], &'a [u8]),
    /// A field with varying value. The index is that of its name; 0 for a literal name.
    Varying(usize, &'a [u8], &'a [u8]),
    /// A field that no table on the way may store.
    Secret(usize, &'a [u8], &'a [u8]),
}

#[derive(Debug)]
pub(in crate::http2) struct Encoder {
    /// The insertion number of each constant field, counted from 1; 0 if it is not in the table.
    places: Vec<u32>,
    inserted: u32,
    bytes: usize,
    bytes_max: usize,
    /// Whether the next block has to announce a new table size.
    resized: bool,
}

impl Encoder {
    pub(in crate::http2) fn new() -> Self {
        Self {
            places: Vec::new(),
            inserted: 0,
            bytes: 0,
            bytes_max: TABLE_BYTES_MAX,
            resized: false,
        }
    }

    /// Applies the table size that the peer announced.
    pub(in crate::http2) fn set_bytes_max(&mut self, bytes_max: usize) {
        let bytes_max = bytes_max.min(TABLE_BYTES_MAX);
        if bytes_max != self.bytes_max {
            self.bytes_max = bytes_max;
            self.resized = true;
            self.places.clear();
            (self.inserted, self.bytes) = (0, 0);
        }
    }

    /// Starts a block; writes a pending update of the table size.
    #[inline]
    pub(in crate::http2) fn begin(&mut self, to: &mut Vec<u8>) {
        if self.resized {
            self.resized = false;
            // Emptied first, then resized.
            integer::write(to, 0x20, 5, 0);
            integer::write(to, 0x20, 5, self.bytes_max);
        }
    }

    #[inline]
    pub(in crate::http2) fn write(&mut self, to: &mut Vec<u8>, field: Field<'_>) {
        match field {
            Field::Static(index) => integer::write(to, 0x80, 7, index),
            Field::Fixed(id, name, value) => match self.places.get(id.0) {
                Some(place) if *place > 0 => {
                    let index = FIRST_INDEX + (self.inserted - place) as usize;
                    integer::write(to, 0x80, 7, index);
                }
                _ => self.write_first(to, id, name, value),
            },
            Field::Varying(index, name, value) => write_literal(to, (0, 4), index, name, value),
            Field::Secret(index, name, value) => write_literal(to, (0x10, 4), index, name, value),
        }
    }

    /// Inserts a field into the table if there is room.
    fn write_first(&mut self, to: &mut Vec<u8>, id: FieldId, name: &[u8], value: &[u8]) {
        let index = static_name(name).unwrap_or(0);
        let more = name.len() + value.len() + ENTRY_BYTES;
        if self.bytes + more > self.bytes_max {
            write_literal(to, (0, 4), index, name, value);
            return;
        }
        self.bytes += more;
        self.inserted += 1;
        if self.places.len() <= id.0 {
            self.places.resize(id.0 + 1, 0);
        }
        self.places[id.0] = self.inserted;
        write_literal(to, (0x40, 6), index, name, value);
    }
}

fn write_literal(
    to: &mut Vec<u8>,
    (before, prefix_bits): (u8, u32),
    index: usize,
    name: &[u8],
    value: &[u8],
) {
    integer::write(to, before, prefix_bits, index);
    if index == 0 {
        write_string(to, name);
    }
    write_string(to, value);
}

fn write_string(to: &mut Vec<u8>, string: &[u8]) {
    integer::write(to, 0, 7, string.len());
    to.extend_from_slice(string);
}

#[cfg(test)]
mod tests {
    use brunt_scenario::is_sensitive_name;

    use super::super::decoder::Decoder;
    use super::super::table::static_field;
    use super::*;

    /// A field that is not inserted into the table.
    fn once<'a>(name: &'a [u8], value: &'a [u8]) -> Field<'a> {
        let index = static_name(name).unwrap_or(0);
        match static_field(name, value) {
            Some(known) => Field::Static(known),
            None if is_sensitive_name(name) => Field::Secret(index, name, value),
            None => Field::Varying(index, name, value),
        }
    }

    #[test]
    fn sensitive_names_are_never_indexed() {
        let names = include_str!("../../../../scenario/src/redact/sensitive_names.txt");
        for name in names.lines() {
            let field = once(name.as_bytes(), b"value");
            assert!(matches!(field, Field::Secret(..)), "{name}");
        }
        for name in [&b":authority"[..], b":path", b"accept", b"x-two"] {
            assert!(!matches!(once(name, b"value"), Field::Secret(..)));
        }
    }

    /// The two ends of a connection.
    struct Sides(Encoder, Decoder);

    impl Sides {
        /// Encodes and decodes the fields, which must not change. Returns the size of the block in bytes.
        fn pass(&mut self, fields: &[(Option<usize>, &str, &str)]) -> usize {
            let mut block = Vec::new();
            self.0.begin(&mut block);
            for (id, name, value) in fields {
                let (name, value) = (name.as_bytes(), value.as_bytes());
                let field = match id {
                    Some(id) => Field::Fixed(FieldId(*id), name, value),
                    None => once(name, value),
                };
                self.0.write(&mut block, field);
            }
            let mut found = Vec::new();
            let read = self.1.read(&block, |name, value, _| {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                found.push((text(name), text(value)));
            });
            assert_eq!(read, Ok(()));
            let expected = fields.iter();
            let expected =
                expected.map(|(_, name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(found, expected.collect::<Vec<_>>());
            block.len()
        }
    }

    #[test]
    fn constant_field_takes_one_byte_from_the_second_time() {
        let mut sides = Sides(Encoder::new(), Decoder::new());
        let fields = [
            (None, ":method", "GET"),
            (None, ":scheme", "http"),
            (Some(3), ":authority", "localhost:8080"),
            (Some(0), "x-key", "a value"),
            (None, ":path", "/1"),
            (None, "authorization", "Bearer x"),
        ];
        let first = sides.pass(&fields);
        let later = sides.pass(&fields);
        assert_eq!(later, 4 + (1 + 1 + 2) + (2 + 1 + 8));
        assert!(first > later + 20);
        assert_eq!(sides.pass(&fields), later);
    }

    #[test]
    fn field_without_room_in_the_table_is_literal() {
        let mut sides = Sides(Encoder::new(), Decoder::new());
        let long = "v".repeat(1_000);
        let fields: Vec<_> = (0..6).map(|id| (Some(id), "x", long.as_str())).collect();
        sides.pass(&fields);
        // Three fields of 1,033 bytes fit.
        let later = sides.pass(&fields);
        assert!(later > 3 * 1_000 && later < 3 * 1_020, "{later}");
    }

    #[test]
    fn resized_table_starts_empty() {
        let mut sides = Sides(Encoder::new(), Decoder::new());
        let fields = [(Some(0), "x", "1"), (Some(1), "y", "2")];
        sides.pass(&fields);
        for bytes_max in [40, 0, 4_096, 100_000] {
            sides.0.set_bytes_max(bytes_max);
            sides.pass(&fields);
            sides.pass(&fields);
        }
        assert_eq!(sides.pass(&fields), 2);
    }
}
