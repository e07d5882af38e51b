//! Data as it is typed: a list, or a table that says where rows are and in which order they are dealt out.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;

use super::json::Json;

/// A value of `[data]`.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum DataSpec {
    List(Vec<Spanned<Json>>),
    Table(DataTable),
}

/// `[data.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataTable {
    pub(crate) rows: Option<Vec<Spanned<Json>>>,
    pub(crate) file: Option<Spanned<String>>,
    pub(crate) format: Option<Spanned<String>>,
    pub(crate) order: Option<Spanned<String>>,
    pub(crate) on_exhausted: Option<Spanned<String>>,
}

impl<'de> Deserialize<'de> for DataSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DataVisitor;

        impl<'de> Visitor<'de> for DataVisitor {
            type Value = DataSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list, or a table like { file = \"users.csv\" }")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<DataSpec, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(DataSpec::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DataSpec, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                DataTable::deserialize(map).map(DataSpec::Table)
            }
        }

        deserializer.deserialize_any(DataVisitor)
    }
}
