//! A deserializer that has nothing to read, and notes what it is asked for.
//!
//! Structs and their fields, lists, maps and numbers are named by serde. Where a type takes whatever comes
//! (`deserialize_any`), one kind after the other is offered, until all are known that it takes.

mod offered;

use std::any::type_name;
use std::cell::RefCell;
use std::fmt;

use indexmap::IndexMap;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::{Value, json};

use offered::{Entries, Items, Place};

/// The name that `toml` gives to a value with its place.
const SPANNED: &str = "$__serde_spanned_private_Spanned";
/// The field of it that is the value.
const SPANNED_VALUE: &str = "$__serde_spanned_private_value";
/// A type is offered no more than this.
const ROUNDS_MAX: usize = 1000;

/// What was found out.
pub(super) struct Traced {
    /// The name of the whole.
    pub(super) root: String,
    /// Types by name.
    pub(super) definitions: IndexMap<String, Value>,
}

/// Finds out what a type reads.
pub(super) fn trace<T: DeserializeOwned>() -> Traced {
    let state = RefCell::new(State::default());
    let mut root = Value::Null;
    for _ in 0..ROUNDS_MAX {
        state.borrow_mut().begin();
        let read = T::deserialize(Tracer {
            state: &state,
            out: &mut root,
            brief: false,
        });
        if read.is_ok() && state.borrow().is_complete() {
            break;
        }
    }
    let known = state.borrow().definitions.clone();
    for (name, definition) in &known {
        let fields = definition["properties"].as_object().into_iter().flatten();
        for (field, _) in fields {
            state.borrow_mut().begin();
            state.borrow_mut().omitted = Some((name.clone(), field.clone()));
            let read = T::deserialize(Tracer {
                state: &state,
                out: &mut Value::Null,
                brief: false,
            });
            state.borrow_mut().omitted = None;
            if read.is_err() {
                state
                    .borrow_mut()
                    .required
                    .push((name.clone(), field.clone()));
            }
        }
    }
    let state = state.into_inner();
    Traced {
        root: root["$ref"]
            .as_str()
            .unwrap_or_default()
            .trim_start_matches(PREFIX)
            .to_owned(),
        definitions: state.finished(known),
    }
}

const PREFIX: &str = "#/definitions/";

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{PREFIX}{name}") })
}

/// What is known so far.
#[derive(Debug, Default)]
struct State {
    definitions: IndexMap<String, Value>,
    /// Structs that are seen in this round, or were.
    seen: Vec<String>,
    required: Vec<(String, String)>,
    /// A field that is not given, to see whether it may be missing.
    omitted: Option<(String, String)>,
    choices: IndexMap<String, Choice>,
    /// Whether it is known who did not take what was offered in this round.
    blamed: bool,
}

/// A type that takes several kinds.
#[derive(Debug, Default)]
struct Choice {
    offered: usize,
    taken: Vec<(usize, Value)>,
    /// The fields of its table, where it has fixed ones.
    fields: Option<&'static [&'static str]>,
    expecting: String,
}

/// The kinds that are offered, in order.
const KINDS: [&str; 6] = ["string", "integer", "number", "boolean", "array", "object"];
const LIST: usize = 4;
const TABLE: usize = 5;

impl State {
    fn begin(&mut self) {
        self.seen.clear();
        self.blamed = false;
    }

    fn is_complete(&self) -> bool {
        self.choices
            .values()
            .all(|choice| choice.offered == KINDS.len())
    }

    fn finished(self, mut definitions: IndexMap<String, Value>) -> IndexMap<String, Value> {
        for (name, field) in self.required {
            let definition = definitions.get_mut(&name).and_then(Value::as_object_mut);
            let Some(definition) = definition else {
                continue;
            };
            let required = definition.entry("required").or_insert_with(|| json!([]));
            if let Some(list) = required.as_array_mut() {
                list.push(field.into());
            }
        }
        for (name, mut choice) in self.choices {
            choice.taken.sort_by_key(|(kind, _)| *kind);
            let kinds: Vec<Value> = choice.taken.into_iter().map(|(_, schema)| schema).collect();
            definitions.insert(
                name,
                json!({ "description": choice.expecting, "anyOf": kinds }),
            );
        }
        definitions
    }
}

/// Why a round ended before its end.
#[derive(Debug)]
struct Refused {
    /// The fields that there are, in the place of the one that was offered.
    fields: Option<&'static [&'static str]>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was offered is not taken")
    }
}

impl std::error::Error for Refused {}

impl serde::de::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self { fields: None }
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self {
            fields: Some(expected),
        }
    }
}

/// Notes one value.
struct Tracer<'s> {
    state: &'s RefCell<State>,
    out: &'s mut Value,
    /// Gives as little as may be: what it is of is known, or is being seen.
    brief: bool,
}

macro_rules! integers {
    ($($method:ident $visit:ident $kind:ty),*) => {$(
        fn $method<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
            *self.out = json!({ "type": "integer", "minimum": <$kind>::MIN, "maximum": <$kind>::MAX });
            visitor.$visit(0)
        }
    )*};
}

impl Deserializer<'static> for Tracer<'_> {
    type Error = Refused;

    integers!(
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    );

    fn deserialize_bool<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.out = json!({ "type": "boolean" });
        visitor.visit_bool(false)
    }

    fn deserialize_f32<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.out = json!({ "type": "number" });
        visitor.visit_f64(0.0)
    }

    fn deserialize_str<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        *self.out = json!({ "type": "string" });
        visitor.visit_borrowed_str("")
    }

    fn deserialize_string<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        if self.brief {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'static>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        let mut items = Value::Null;
        let read = visitor.visit_seq(Items {
            tracer: (!self.brief).then_some(self.state),
            items: &mut items,
        })?;
        *self.out = json!({ "type": "array", "items": items });
        Ok(read)
    }

    fn deserialize_map<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        let mut entries = Entries::of_any(self.state, self.brief);
        let read = visitor.visit_map(&mut entries)?;
        *self.out = json!({ "type": "object", "additionalProperties": entries.any });
        Ok(read)
    }

    fn deserialize_struct<V: Visitor<'static>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        if name == SPANNED {
            return visitor.visit_map(Place {
                state: self.state,
                out: self.out,
                brief: self.brief,
                fields,
                at: 0,
            });
        }
        *self.out = reference(name);
        let is_seen = self.state.borrow().seen.iter().any(|seen| seen == name);
        if !is_seen {
            self.state.borrow_mut().seen.push(name.to_owned());
        }
        let mut entries = Entries::of_struct(self.state, self.brief || is_seen, name, fields);
        let read = visitor.visit_map(&mut entries)?;
        if !entries.brief && self.state.borrow().omitted.is_none() {
            let definition = json!({
                "type": "object", "properties": entries.properties, "additionalProperties": false,
            });
            self.state
                .borrow_mut()
                .definitions
                .insert(name.to_owned(), definition);
        }
        Ok(read)
    }

    fn deserialize_enum<V: Visitor<'static>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        *self.out = json!({ "type": "string", "enum": variants });
        let first = variants
            .first()
            .ok_or_else(|| Refused::custom("no variant"))?;
        visitor.visit_enum(BorrowedStrDeserializer::new(first))
    }

    fn deserialize_any<V: Visitor<'static>>(self, visitor: V) -> Result<V::Value, Refused> {
        let name = choice_name::<V>();
        *self.out = reference(&name);
        let expecting = Expecting(&visitor).to_string();
        let (kind, fields) = self.offer(&name, expecting);
        let (state, mut schema) = (self.state, json!({ "type": KINDS[kind] }));
        let mut items = Value::Null;
        let mut entries = match fields {
            Some(fields) => Entries::of_struct(state, false, &name, fields),
            None => Entries::of_any(state, false),
        };
        let read = match kind {
            0 => visitor.visit_borrowed_str(""),
            1 => visitor.visit_i64(0),
            2 => visitor.visit_f64(0.5),
            3 => visitor.visit_bool(false),
            LIST => visitor.visit_seq(Items {
                tracer: Some(state),
                items: &mut items,
            }),
            _ => visitor.visit_map(&mut entries),
        };
        if kind == LIST {
            schema["items"] = items;
        }
        if kind == TABLE && fields.is_some() {
            schema["properties"] = Value::Object(entries.properties);
            schema["additionalProperties"] = false.into();
        } else if kind == TABLE {
            schema["additionalProperties"] = entries.any;
        }
        note(state, &name, kind, schema, read)
    }

    serde::forward_to_deserialize_any! {
        <V: Visitor<'static>>
        i128 u128 bytes byte_buf unit unit_struct tuple tuple_struct ignored_any
    }
}

impl Tracer<'_> {
    /// The kind that is offered to a type next: one that it does not know yet, or the first that it took.
    fn offer(&self, name: &str, expecting: String) -> (usize, Option<&'static [&'static str]>) {
        let mut state = self.state.borrow_mut();
        let is_omitting = state.omitted.is_some();
        let choice = state.choices.entry(name.to_owned()).or_default();
        choice.expecting = expecting;
        if choice.offered < KINDS.len() && !is_omitting {
            choice.offered += 1;
            return (choice.offered - 1, choice.fields);
        }
        let taken = choice.taken.first().map_or(0, |(kind, _)| *kind);
        (taken, choice.fields)
    }
}

/// Notes whether a type took what it was offered.
fn note<T>(
    state: &RefCell<State>,
    name: &str,
    kind: usize,
    schema: Value,
    read: Result<T, Refused>,
) -> Result<T, Refused> {
    let mut state = state.borrow_mut();
    let was_blamed = state.blamed;
    state.blamed |= read.is_err();
    let Some(choice) = state.choices.get_mut(name) else {
        return read;
    };
    match &read {
        Ok(_) if choice.taken.iter().all(|(known, _)| *known != kind) => {
            choice.taken.push((kind, schema));
        }
        // Its table has fixed fields: it is offered with them.
        Err(Refused {
            fields: Some(fields),
        }) if kind == TABLE && choice.fields.is_none() => {
            choice.fields = Some(fields);
            choice.offered = TABLE;
        }
        // What lies within did not take what it was offered: it is offered once more.
        Err(_) if was_blamed => choice.offered = choice.offered.min(kind),
        _ => {}
    }
    read
}

/// `Connections` of `scenario::spec::ConnectionsVisitor`.
fn choice_name<V>() -> String {
    let name = type_name::<V>();
    // Without the types that it is generic over.
    let name = if name.ends_with('>') {
        name.split('<').next().unwrap_or(name)
    } else {
        name
    };
    let name = name.rsplit("::").next().unwrap_or_default();
    name.trim_end_matches("Visitor").to_owned()
}

/// What a visitor says that it wants.
struct Expecting<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> fmt::Display for Expecting<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}
