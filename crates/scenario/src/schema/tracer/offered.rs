//! What is offered to a type: an item of a list, the fields of a struct, an entry of a map.

use std::cell::RefCell;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Refused, SPANNED_VALUE, State, Tracer};

/// One item of a list, or none.
pub(super) struct Items<'s> {
    pub(super) tracer: Option<&'s RefCell<State>>,
    pub(super) items: &'s mut Value,
}

impl SeqAccess<'static> for Items<'_> {
    type Error = Refused;

    fn next_element_seed<T: DeserializeSeed<'static>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refused> {
        let Some(state) = self.tracer.take() else {
            return Ok(None);
        };
        seed.deserialize(Tracer {
            state,
            out: self.items,
            brief: false,
        })
        .map(Some)
    }
}

/// The place of a value, which is nowhere, and the value.
pub(super) struct Place<'s> {
    pub(super) state: &'s RefCell<State>,
    pub(super) out: &'s mut Value,
    pub(super) brief: bool,
    pub(super) fields: &'static [&'static str],
    pub(super) at: usize,
}

impl MapAccess<'static> for Place<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        let Some(field) = self.fields.get(self.at) else {
            return Ok(None);
        };
        self.at += 1;
        seed.deserialize(BorrowedStrDeserializer::new(field))
            .map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'static>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, Refused> {
        let is_value = self.fields.get(self.at - 1) == Some(&SPANNED_VALUE);
        let mut unseen = Value::Null;
        let out = if is_value {
            &mut *self.out
        } else {
            &mut unseen
        };
        seed.deserialize(Tracer {
            state: self.state,
            out,
            brief: self.brief,
        })
    }
}

/// The fields of a struct, or one entry of a map.
pub(super) struct Entries<'s> {
    state: &'s RefCell<State>,
    pub(super) brief: bool,
    name: String,
    fields: &'static [&'static str],
    at: usize,
    pub(super) properties: Map<String, Value>,
    /// What the values of a map are.
    pub(super) any: Value,
    is_map: bool,
}

impl<'s> Entries<'s> {
    pub(super) fn of_struct(
        state: &'s RefCell<State>,
        brief: bool,
        name: &str,
        fields: &'static [&'static str],
    ) -> Self {
        Self {
            state,
            brief,
            name: name.to_owned(),
            fields,
            at: 0,
            properties: Map::new(),
            any: Value::Null,
            is_map: false,
        }
    }

    pub(super) fn of_any(state: &'s RefCell<State>, brief: bool) -> Self {
        let fields: &'static [&'static str] = if brief { &[] } else { &["?"] };
        Self {
            is_map: true,
            ..Self::of_struct(state, brief, "", fields)
        }
    }

    fn is_omitted(&self, field: &str) -> bool {
        let state = self.state.borrow();
        let omitted = state.omitted.as_ref();
        !self.brief && omitted.is_some_and(|(name, omitted)| *name == self.name && omitted == field)
    }
}

impl MapAccess<'static> for &mut Entries<'_> {
    type Error = Refused;

    fn next_key_seed<K: DeserializeSeed<'static>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refused> {
        while let Some(field) = self.fields.get(self.at) {
            self.at += 1;
            if self.is_omitted(field) {
                continue;
            }
            // The key of a map may have a place of its own.
            return if self.is_map {
                seed.deserialize(Key(field)).map(Some)
            } else {
                seed.deserialize(BorrowedStrDeserializer::new(field))
                    .map(Some)
            };
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'static>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, Refused> {
        let mut out = Value::Null;
        let read = seed.deserialize(Tracer {
            state: self.state,
            out: &mut out,
            brief: self.brief,
        })?;
        if self.is_map {
            self.any = out;
        } else {
            self.properties
                .insert(self.fields[self.at - 1].to_owned(), out);
        }
        Ok(read)
    }
}

/// A key, with its place where one is asked for.
struct Key(&'static str);

impl Deserializer<'static> for Key {
    type Error = Refused;

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        let state = RefCell::new(State::default());
        visitor.visit_map(Place {
            state: &state,
            out: &mut Value::Null,
            brief: true,
            fields,
            at: 0,
        })
    }

    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_borrowed_str(self.0)
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'static>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
