//! Header fields, query parameters and form fields as they are typed: a table, or an expression for one.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Spanned;
use super::json::Json;

/// Names with their values.
pub(crate) type FieldTable = IndexMap<Spanned<String>, Spanned<Json>>;

/// Names with values, or an expression whose value is a table of them.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum FieldsSpec {
    Expression(String),
    Table(FieldTable),
}

impl FieldsSpec {
    /// The table; `None` if it is an expression.
    pub(crate) fn table(&self) -> Option<&FieldTable> {
        match self {
            Self::Table(table) => Some(table),
            Self::Expression(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for FieldsSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = FieldsSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table like { name = \"value\" }, or an expression for one")
            }

            fn visit_str<E>(self, text: &str) -> Result<FieldsSpec, E> {
                Ok(FieldsSpec::Expression(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldsSpec, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                FieldTable::deserialize(map).map(FieldsSpec::Table)
            }
        }

        deserializer.deserialize_any(FieldsVisitor)
    }
}
