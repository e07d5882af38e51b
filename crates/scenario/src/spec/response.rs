//! What is looked for in answers, as it is typed.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;

use super::json::Json;

/// `check = { … }`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckSpec {
    pub(crate) status: Option<Spanned<Json>>,
    pub(crate) contains: Option<Spanned<Json>>,
    pub(crate) matches: Option<Spanned<Json>>,
    pub(crate) equals: Option<Spanned<String>>,
    pub(crate) json: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    pub(crate) header: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    pub(crate) size: Option<Spanned<Json>>,
    pub(crate) time: Option<Spanned<String>>,
    pub(crate) not: Option<Box<CheckSpec>>,
}

/// What a variable is taken from: a `JSONPath`, or a table.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum ExtractSpec {
    Path(String),
    Table(Box<ExtractTable>),
}

/// `{ regex = "…" }` and the like.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtractTable {
    pub(crate) json: Option<Spanned<String>>,
    pub(crate) regex: Option<Spanned<String>>,
    pub(crate) group: Option<Spanned<Json>>,
    pub(crate) header: Option<Spanned<String>>,
    pub(crate) cookie: Option<Spanned<String>>,
    pub(crate) body: Option<bool>,
    pub(crate) status: Option<bool>,
    pub(crate) take: Option<Spanned<String>>,
    pub(crate) default: Option<Spanned<Json>>,
}

impl<'de> Deserialize<'de> for ExtractSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ExtractVisitor;

        impl<'de> Visitor<'de> for ExtractVisitor {
            type Value = ExtractSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSONPath like \"$.token\" or a table like { regex = \"…\" }")
            }

            fn visit_str<E>(self, text: &str) -> Result<ExtractSpec, E> {
                Ok(ExtractSpec::Path(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExtractSpec, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                let table = ExtractTable::deserialize(map)?;
                Ok(ExtractSpec::Table(Box::new(table)))
            }
        }

        deserializer.deserialize_any(ExtractVisitor)
    }
}
