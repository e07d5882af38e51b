//! Parsing of JSON within bounded memory. Small values need many times the memory of their text, and the service under
//! test chooses the text.

use std::cell::Cell;
use std::fmt;
use std::mem::size_of;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as JsonValue};

/// Memory of an item of an array, in bytes.
const ITEM_BYTES: usize = size_of::<JsonValue>();
/// Memory of an entry of an object, in bytes: hash, key, value, and its slot in the index.
const ENTRY_BYTES: usize = size_of::<u64>() + size_of::<String>() + ITEM_BYTES + 20;
/// Memory of an allocation in addition to its content, in bytes.
const ALLOCATION_BYTES: usize = 16;
/// Capacity of the first allocation of an array and of an object.
const ITEMS_LEAST: usize = 4;
const ENTRIES_LEAST: usize = 3;

/// Error of a value that needs more memory than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LimitExceeded;

impl fmt::Display for LimitExceeded {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("over the limit of memory")
    }
}

/// Memory for parsed values.
pub(crate) trait Memory: Copy {
    /// Reserves bytes.
    fn take(self, bytes: usize) -> Result<(), LimitExceeded>;
}

/// Memory without a limit. It has no size, so that a visitor that carries it stays in registers.
#[derive(Clone, Copy)]
pub(crate) struct Unlimited;

impl Memory for Unlimited {
    fn take(self, _bytes: usize) -> Result<(), LimitExceeded> {
        Ok(())
    }
}

/// Remaining memory for parsed values, in bytes; `None` after it was exceeded.
pub(crate) struct MemoryLimit(Cell<Option<usize>>);

impl Memory for &MemoryLimit {
    fn take(self, bytes: usize) -> Result<(), LimitExceeded> {
        let left = self.0.get().and_then(|left| left.checked_sub(bytes));
        self.0.set(left);
        left.map(|_| ()).ok_or(LimitExceeded)
    }
}

impl MemoryLimit {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Cell::new(Some(bytes)))
    }

    pub(crate) fn is_exceeded(&self) -> bool {
        self.0.get().is_none()
    }

    /// Reserves the memory of a copy of a value.
    pub(crate) fn take_copy(&self, json: &JsonValue) -> Result<(), LimitExceeded> {
        self.take(ITEM_BYTES + ALLOCATION_BYTES)?;
        match json {
            JsonValue::String(text) => self.take(text.len()),
            JsonValue::Array(items) => items.iter().try_for_each(|item| self.take_copy(item)),
            JsonValue::Object(entries) => entries.iter().try_for_each(|(key, value)| {
                self.take(ENTRY_BYTES + key.len())?;
                self.take_copy(value)
            }),
            _ => Ok(()),
        }
    }
}

/// Parses a text as JSON; `None` if it is not JSON or needs more memory than the limit.
pub(crate) fn parse(text: &[u8], limit: &MemoryLimit) -> Option<JsonValue> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Bounded(limit).deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(value)
}

/// Builds a value within a limit.
#[derive(Clone, Copy)]
pub(crate) struct Bounded<M>(pub(crate) M);

impl<M: Memory> Bounded<M> {
    fn take<E: Error>(self, bytes: usize) -> Result<(), E> {
        self.0.take(bytes).map_err(E::custom)
    }
}

impl<'de, M: Memory> DeserializeSeed<'de> for Bounded<M> {
    type Value = JsonValue;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<JsonValue, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, M: Memory> Visitor<'de> for Bounded<M> {
    type Value = JsonValue;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<JsonValue, E> {
        Ok(JsonValue::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<JsonValue, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<JsonValue, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<JsonValue, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<JsonValue, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<JsonValue, E> {
        self.take(ALLOCATION_BYTES + text.len())?;
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<JsonValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(self)? {
            if items.len() == items.capacity() {
                let more = items.capacity().max(ITEMS_LEAST);
                self.take(ALLOCATION_BYTES + more * ITEM_BYTES)?;
                items.reserve_exact(more);
            }
            items.push(item);
        }
        Ok(JsonValue::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<JsonValue, A::Error> {
        let mut entries = Map::new();
        let mut room = 0;
        while let Some(key) = from.next_key::<String>()? {
            if entries.len() >= room {
                // 3, 7, 14, 28 …: seven of eight slots of an index are used.
                let more = match room {
                    0 => ENTRIES_LEAST,
                    ENTRIES_LEAST => ENTRIES_LEAST + 1,
                    room => room,
                };
                self.take(ALLOCATION_BYTES + more * ENTRY_BYTES)?;
                room += more;
            }
            self.take(ALLOCATION_BYTES + key.len())?;
            entries.insert(key, from.next_value_seed(self)?);
        }
        Ok(JsonValue::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn within(text: &str, bytes: usize) -> (Option<JsonValue>, bool) {
        let limit = MemoryLimit::new(bytes);
        let json = parse(text.as_bytes(), &limit);
        (json, limit.is_exceeded())
    }

    #[test]
    fn value_over_its_limit_is_refused_and_counted_as_it_grows() {
        let numbers = format!("[{}1]", "1,".repeat(100_000));
        let objects = format!("[{}1]", "{\"a\":1},".repeat(30_000));
        let nested = format!("[{}1]", "[[1]],".repeat(30_000));
        let text = format!("\"{}\"", "x".repeat(100_000));
        for (json, least) in [
            (numbers, 100_000 * ITEM_BYTES),
            (objects, 30_000 * 3 * ENTRY_BYTES),
            (nested, 30_000 * 8 * ITEM_BYTES),
            (text, 100_000),
        ] {
            let start = &json[..8];
            assert_eq!(within(&json, least), (None, true), "{start}");
            let (value, is_exceeded) = within(&json, 3 * least);
            assert!(value.is_some() && !is_exceeded, "{start}");
            let limit = MemoryLimit::new(least / 4);
            assert_eq!(limit.take_copy(&value.unwrap()), Err(LimitExceeded));
        }
    }

    #[test]
    fn text_that_is_not_json_is_none_and_exceeds_nothing() {
        for text in ["", "[1", "[1]x", "{\"a\"}", "nul", "[1,]"] {
            assert_eq!(within(text, usize::MAX), (None, false), "{text}");
        }
        // The depth is bounded by serde_json.
        let deep = "[".repeat(100_000);
        assert_eq!(within(&deep, usize::MAX), (None, false));
    }

    proptest! {
        #[test]
        fn text_is_parsed_as_serde_json_parses_it(text in "[\\[\\]{}:,\"a1. e-]{0,12}") {
            let expected: Option<JsonValue> = serde_json::from_str(&text).ok();
            prop_assert_eq!(within(&text, usize::MAX), (expected, false));
        }
    }
}
