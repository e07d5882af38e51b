//! Data as it is typed: a list, or a table that names rows or a file, and their order.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::json::Json;
use super::{Spanned, shape};

/// A value of `[data]`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum DataSpec {
    List(Vec<Spanned<Json>>),
    Table(DataTable),
}

/// `[data.NAME]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataTable {
    /// Rows, as a list. Either `rows` or `file` is required.
    pub(crate) rows: Option<Vec<Spanned<Json>>>,
    /// File with the rows: CSV or TSV with a header row, JSON (one list), or JSON Lines (one value per line), in
    /// UTF-8, with or without a byte order mark. A large file is not loaded into memory. A relative path is resolved
    /// against the scenario's folder.
    pub(crate) file: Option<Spanned<String>>,
    /// Format of the file: `"csv"`, `"tsv"`, `"json"` or `"jsonl"`.
    ///
    /// Default: by the file's extension
    #[schemars(with = "Option<shape::FileFormat>")]
    pub(crate) format: Option<Spanned<String>>,
    /// Delimiter of a CSV file: one character, such as `";"` or `"\t"`.
    ///
    /// Default: detected among comma, semicolon, tab and `|`
    #[schemars(with = "Option<shape::Delimiter>")]
    pub(crate) delimiter: Option<Spanned<String>>,
    /// Order in which `next` returns the rows: `"sequence"`, `"shuffled"` (each once, in random order), `"random"`
    /// (drawn with replacement) or `"per_user"` (each user has a row of its own, always the same).
    ///
    /// Default: `"sequence"`
    #[schemars(with = "Option<shape::RowOrder>")]
    pub(crate) order: Option<Spanned<String>>,
    /// Reaction when `next` has used up all rows: `"start_over"`, `"stop_user"` (reports state how many users
    /// stopped; if more than a tenth of the planned load is missing, no target is graded good) or `"stop_test"`.
    ///
    /// Default: `"start_over"`
    #[schemars(with = "Option<shape::OnExhausted>")]
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
