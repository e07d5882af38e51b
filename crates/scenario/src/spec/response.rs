//! Checks and extraction as they are typed.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::json::Json;
use super::{Spanned, shape};

/// `check = { … }`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckSpec {
    /// Accepted status codes: `200`, `"2xx"`, `"200..204"`, or a list of them.
    ///
    /// Default: `"2xx"`
    #[schemars(with = "Option<shape::Statuses>")]
    pub(crate) status: Option<Spanned<Json>>,
    /// Text that the body must contain, or a list of strings that must all occur in it.
    #[schemars(with = "Option<shape::Texts>")]
    pub(crate) contains: Option<Spanned<Json>>,
    /// Regular expression that must match somewhere in the body, or a list of expressions that must all match.
    #[schemars(with = "Option<shape::Regexes>")]
    pub(crate) matches: Option<Spanned<Json>>,
    /// Text that the entire body must equal.
    pub(crate) equals: Option<Spanned<String>>,
    /// Checks on JSON values: a table that maps each JSONPath (RFC 9535) to a [value test](#value-tests), such as `{
    /// "$.items" = { count = 3 } }`.
    #[schemars(with = "Option<shape::JsonTests>")]
    pub(crate) json: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    /// Checks on header fields: a table that maps each name to a [value test](#value-tests), such as `{ Content-Type
    /// = { contains = "json" } }`.
    #[schemars(with = "Option<shape::HeaderTests>")]
    pub(crate) header: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    /// Size of the decoded body: bytes such as `100`, or a range such as `"1KiB..10MB"` or `"..10MB"`.
    #[schemars(with = "Option<shape::Size>")]
    pub(crate) size: Option<Spanned<Json>>,
    /// Maximum response time, such as `"2s"`.
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) time: Option<Spanned<String>>,
    /// Table with the same keys; none of its conditions may hold.
    pub(crate) not: Option<Box<CheckSpec>>,
}

/// Source of a variable: a JSONPath, or a table.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum ExtractSpec {
    Path(#[schemars(with = "shape::JsonPath")] String),
    Table(Box<ExtractTable>),
}

/// `{ regex = "…" }` and the like.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("dependencies" = json!({ "group": ["regex"] })))]
pub(crate) struct ExtractTable {
    /// JSONPath (RFC 9535) to evaluate against the body, such as `"$.items[0].id"`.
    #[schemars(with = "Option<shape::JsonPath>")]
    pub(crate) json: Option<Spanned<String>>,
    /// Regular expression to search for in the body; with another source, in its values.
    pub(crate) regex: Option<Spanned<String>>,
    /// Capture group of the regular expression: a number or a name. `0` is the entire match.
    ///
    /// Default: the first group; without groups, the entire match
    #[schemars(with = "Option<shape::RegexGroup>")]
    pub(crate) group: Option<Spanned<Json>>,
    /// Header field to take the value from.
    pub(crate) header: Option<Spanned<String>>,
    /// Cookie to take the value from: one that the response sets, or that the user has for its URL.
    pub(crate) cookie: Option<Spanned<String>>,
    /// `true` takes the URL of the response, after redirects.
    pub(crate) url: Option<bool>,
    /// `true` takes the entire body.
    pub(crate) body: Option<bool>,
    /// `true` takes the status code.
    pub(crate) status: Option<bool>,
    /// Which value to take if several are found: `"first"`, `"last"`, `"all"` (a list), `"random"` or `"count"`.
    ///
    /// Default: `"first"`
    #[schemars(with = "Option<shape::Take>")]
    pub(crate) take: Option<Spanned<String>>,
    /// Value of the variable if nothing is found. Without it, the request fails.
    ///
    /// Default: none
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
