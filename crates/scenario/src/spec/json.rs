//! Values of any type, as they are typed.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Spanned;
use crate::json::numbers;
use crate::value::Value;

/// Any JSON value except null.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Json {
    Text(String),
    Integer(i64),
    Float(f64),
    /// A number as it is written.
    #[schemars(skip)]
    Number(String),
    Bool(bool),
    List(Vec<Spanned<Json>>),
    Table(IndexMap<String, Spanned<Json>>),
}

impl Json {
    /// Whether it is neither a list nor a table.
    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Table(_))
    }

    /// Converts a scalar to a value, and a list or a table to JSON. Expressions in strings are not evaluated.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::text(text.as_str()),
            Self::Integer(number) => Value::Integer(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Number(number) => Value::of_number(number),
            Self::Bool(value) => Value::Bool(*value),
            Self::List(items) => {
                let items: Vec<Value> =
                    items.iter().map(|item| item.get_ref().to_value()).collect();
                Value::list(&items)
            }
            Self::Table(entries) => {
                let entries = entries.iter();
                let entries =
                    entries.map(|(key, value)| (key.clone(), value.get_ref().to_value().to_json()));
                Value::of_json(&serde_json::Value::Object(entries.collect()))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

/// Accepted values, in words.
pub(crate) const ANY_VALUE: &str = "a string, a number, a boolean, a list or a table";

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ANY_VALUE)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(match numbers::of_marked(text) {
            Some(number) => Json::Number(number.to_owned()),
            None => Json::Text(text.to_owned()),
        })
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        if number.is_finite() {
            Ok(Json::Float(number))
        } else {
            Err(E::invalid_value(
                Unexpected::Float(number),
                &"a finite number",
            ))
        }
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut table = IndexMap::new();
        while let Some((key, value)) = entries.next_entry()? {
            table.insert(key, value);
        }
        Ok(Json::Table(table))
    }
}
