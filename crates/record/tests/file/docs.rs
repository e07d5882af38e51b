//! An independent reader, written from `docs/record.md` alone: the page is sufficient to read a record.

use std::collections::{BTreeMap, BTreeSet};

use crate::known::V1;

const PAGE: &str = include_str!("../../../../docs/record.md");

/// A `MessagePack` value.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Nil,
    Bool(bool),
    Number(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Table(BTreeMap<String, Value>),
}

impl Value {
    fn get(&self, key: &str) -> &Value {
        let Self::Table(table) = self else {
            panic!("{key} of {self:?}")
        };
        table
            .get(key)
            .unwrap_or_else(|| panic!("{key} in {table:?}"))
    }

    fn list(&self) -> &[Value] {
        let Self::List(list) = self else {
            panic!("{self:?}")
        };
        list
    }

    fn number(&self) -> f64 {
        let Self::Number(number) = self else {
            panic!("{self:?}")
        };
        *number
    }

    fn keys(&self, into: &mut BTreeSet<String>) {
        match self {
            Self::List(list) => list.iter().for_each(|item| item.keys(into)),
            Self::Table(table) => {
                into.extend(table.keys().cloned());
                table.values().for_each(|item| item.keys(into));
            }
            _ => {}
        }
    }
}

/// Bytes that are read from the front.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken.to_vec()
    }

    fn big_endian(&mut self, bytes: usize) -> usize {
        self.bytes(bytes)
            .iter()
            .fold(0, |value, byte| value << 8 | usize::from(*byte))
    }

    fn text(&mut self, length: usize) -> Value {
        Value::Text(String::from_utf8(self.bytes(length)).unwrap())
    }

    fn items(&mut self, count: usize) -> Value {
        Value::List((0..count).map(|_| self.value()).collect())
    }

    fn table(&mut self, count: usize) -> Value {
        let entries = (0..count).map(|_| {
            let Value::Text(key) = self.value() else {
                panic!("a key that is not a string")
            };
            (key, self.value())
        });
        Value::Table(entries.collect())
    }

    /// The next value, according to <https://github.com/msgpack/msgpack/blob/master/spec.md>.
    fn value(&mut self) -> Value {
        let byte = self.bytes(1)[0];
        let low = usize::from(byte);
        match byte {
            0x00..=0x7f => Value::Number(f64::from(byte)),
            0x80..=0x8f => self.table(low & 15),
            0x90..=0x9f => self.items(low & 15),
            0xa0..=0xbf => self.text(low & 31),
            0xc0 => Value::Nil,
            0xc2 | 0xc3 => Value::Bool(byte == 0xc3),
            0xc4 | 0xc5 => {
                let length = self.big_endian(low - 0xc3);
                Value::Bytes(self.bytes(length))
            }
            0xcb => Value::Number(f64::from_be_bytes(self.bytes(8).try_into().unwrap())),
            0xcc..=0xcf => Value::Number(self.big_endian(1 << (byte - 0xcc)) as f64),
            0xd9 => {
                let length = self.big_endian(1);
                self.text(length)
            }
            0xdc => {
                let count = self.big_endian(2);
                self.items(count)
            }
            0xde => {
                let count = self.big_endian(2);
                self.table(count)
            }
            other => panic!("unexpected byte {other:#x}"),
        }
    }

    fn leb128(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = u64::from(self.bytes(1)[0]);
            value |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }
}

/// The frames of a record: kind and content.
fn frames(bytes: &[u8]) -> Vec<(String, Value)> {
    assert_eq!(&bytes[..8], b"brunt\0\x01\0");
    let mut rest = Rest(&bytes[8..]);
    let mut frames = Vec::new();
    while !rest.0.is_empty() {
        let mut little_endian = || {
            let bytes = rest.bytes(4);
            u32::from_le_bytes(bytes.try_into().unwrap())
        };
        let (length, crc) = (little_endian(), little_endian());
        let payload = rest.bytes(length as usize);
        assert_eq!(crc32(&payload), crc);
        let Value::Table(frame) = Rest(&payload).value() else {
            panic!("not a map")
        };
        assert_eq!(frame.len(), 1);
        frames.extend(frame);
    }
    frames
}

/// CRC-32 (IEEE), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| crc >> 1 ^ (0xedb8_8320 * (crc & 1));
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), step)
    })
}

/// The buckets of a histogram with their counts, and its count, sum, minimum and maximum.
fn histogram(bytes: &[u8]) -> (BTreeMap<u64, u64>, [u64; 4]) {
    let mut rest = Rest(bytes);
    let [count, sum] = [(); 2].map(|()| rest.leb128());
    if count == 1 {
        return (BTreeMap::from([(bucket_of(sum), 1)]), [1, sum, sum, sum]);
    }
    let [min, over] = [(); 2].map(|()| rest.leb128());
    let (mut bucket, mut buckets) = (bucket_of(min), BTreeMap::new());
    while !rest.0.is_empty() {
        let twice = rest.leb128();
        bucket += twice / 2;
        let held = if twice % 2 == 1 { rest.leb128() } else { 1 };
        buckets.insert(bucket, held);
    }
    (buckets, [count, sum, min, min + over])
}

/// The columns of packed rows.
fn columns(packed: &Value) -> Vec<Vec<Option<i64>>> {
    let number = packed.get("rows").number();
    let rows = (0_u16..=256).find(|rows| f64::from(*rows) == number);
    let rows = usize::from(rows.unwrap());
    let Value::Bytes(bytes) = packed.get("columns") else {
        panic!("{packed:?}")
    };
    let mut rest = Rest(bytes);
    let columns = (0..rest.leb128())
        .map(|_| column(&mut rest, rows))
        .collect();
    assert!(rest.0.is_empty());
    columns
}

fn column(rest: &mut Rest, rows: usize) -> Vec<Option<i64>> {
    let known = match rest.bytes(1)[0] {
        0 => vec![false; rows],
        1 => vec![true; rows],
        _ => {
            let bits = rest.bytes(rows.div_ceil(8));
            (0..rows)
                .map(|row| bits[row / 8] & 1 << (row % 8) != 0)
                .collect()
        }
    };
    let (mut number, mut again) = (0, 0);
    let mut next = || {
        if again > 0 {
            again -= 1;
            return number;
        }
        let zigzag = rest.leb128().cast_signed();
        number += if zigzag % 2 == 0 {
            zigzag / 2
        } else {
            -(zigzag + 1) / 2
        };
        if zigzag == 0 {
            again = rest.leb128();
        }
        number
    };
    known
        .into_iter()
        .map(|is_known| is_known.then(&mut next))
        .collect()
}

fn bucket_of(ns: u64) -> u64 {
    let octave = ns.ilog2().saturating_sub(10);
    1024 * u64::from(octave) + (ns >> octave)
}

#[test]
fn page_is_sufficient_to_read_a_record() {
    let frames = frames(V1);
    let kinds: Vec<&str> = frames.iter().map(|(kind, _)| kind.as_str()).collect();
    let rewritten = ["header", "seconds", "metrics", "metrics", "readings"];
    let after = ["metrics", "reading", "event", "ending"];
    assert_eq!(kinds, [&rewritten[..], &after].concat());
    let header = &frames[0].1;
    assert_eq!(header.get("profile"), &Value::Text("load".into()));
    assert_eq!(
        header.get("names").list()[1].get("setup"),
        &Value::Bool(true)
    );
    assert_eq!(
        header.get("targets").list()[0]
            .get("metric")
            .get("percentile")
            .number(),
        0.99
    );
    assert_eq!(
        frames[8].1.get("stopped_by"),
        &Value::Text("interrupted".into())
    );
    assert_eq!(frames[6].1.get("machine").get("cpu_percent"), &Value::Nil);

    // Response times (measure 0) of the successful requests (outcome 0) of the first name, over the run.
    let (mut buckets, mut sum_ns, mut ok) = (BTreeMap::<u64, u64>::new(), 0, 0.0);
    let seconds = &frames[1].1;
    assert_eq!(
        ["from", "each", "last"].map(|key| seconds.get(key).number()),
        [0.0, 1.0, 1.0]
    );
    let (seconds, readings) = (columns(seconds), columns(&frames[4].1));
    // Counts: users, and successful requests. Readings: the time, and the resident memory of the target.
    assert_eq!(seconds[0], [Some(2), Some(2)]);
    ok += seconds[3].iter().flatten().sum::<i64>() as f64;
    assert_eq!(
        (&readings[0][..], &readings[5][..]),
        (&[Some(0), Some(1_000)][..], &[Some(1 << 20); 2][..])
    );
    assert_eq!(readings[1 + 17 + 17 + 4], [None, Some(1)], "throttled");
    let snapshots = frames.iter().filter(|(kind, _)| kind == "metrics");
    for (_, snapshot) in snapshots {
        for pair in snapshot.get("seconds").list() {
            ok += pair.list()[1].get("ok").number();
        }
        for entry in snapshot.get("histograms").list() {
            let [_, name, measure, outcome, Value::Bytes(bytes)] = entry.list() else {
                panic!("{entry:?}")
            };
            if [name, measure, outcome]
                .iter()
                .all(|code| code.number() == 0.0)
            {
                let (found, [count, sum, min, max]) = histogram(bytes);
                assert_eq!((count % 2, min, max), (0, 1_000_000, 3_000_000));
                assert_eq!(
                    found.keys().copied().collect::<Vec<_>>(),
                    [min, max].map(bucket_of)
                );
                found
                    .iter()
                    .for_each(|(bucket, count)| *buckets.entry(*bucket).or_default() += count);
                sum_ns += sum;
            }
        }
    }
    assert_eq!((ok, sum_ns), (6.0, 12_000_000));
    assert_eq!(
        buckets,
        BTreeMap::from([1_000_000, 3_000_000].map(|ns| (bucket_of(ns), 3)))
    );
}

#[test]
fn page_documents_every_field() {
    let mut names = BTreeSet::new();
    for (kind, content) in frames(V1) {
        names.insert(kind);
        content.keys(&mut names);
    }
    names.extend(brunt_record::FailureKind::ALL.map(|kind| kind.name().to_owned()));
    assert!(names.len() > 90, "{}", names.len());
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !PAGE.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
