//! Steps and tasks as they are typed.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;

use super::json::Json;
use super::response::{CheckSpec, ExtractSpec};

/// A step; as a task, with what tells when it is chosen. Which of the keys it has makes it the step that it
/// is.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepSpec {
    // Of tasks.
    pub(crate) weight: Option<Spanned<f64>>,
    pub(crate) tags: Option<Vec<Spanned<String>>>,
    pub(crate) tasks: Option<Spanned<Vec<Spanned<StepSpec>>>>,
    pub(crate) order: Option<Spanned<String>>,
    // Of steps that are no requests.
    pub(crate) steps: Option<Spanned<Vec<Spanned<StepSpec>>>>,
    pub(crate) wait: Option<Spanned<String>>,
    pub(crate) set: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    #[serde(rename = "if")]
    pub(crate) condition: Option<Spanned<String>>,
    #[serde(rename = "else")]
    pub(crate) otherwise: Option<Spanned<Vec<Spanned<StepSpec>>>>,
    pub(crate) repeat: Option<Spanned<Json>>,
    #[serde(rename = "while")]
    pub(crate) holds: Option<Spanned<String>>,
    pub(crate) at_most: Option<Spanned<u32>>,
    pub(crate) for_each: Option<Spanned<String>>,
    #[serde(rename = "in")]
    pub(crate) list: Option<Spanned<Json>>,
    pub(crate) group: Option<Spanned<String>>,
    pub(crate) measure: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    pub(crate) stop_user: Option<Spanned<bool>>,
    pub(crate) stop_test: Option<Spanned<bool>>,
    pub(crate) clear_cookies: Option<Spanned<bool>>,
    // Of requests.
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) get: Option<Spanned<String>>,
    pub(crate) post: Option<Spanned<String>>,
    pub(crate) put: Option<Spanned<String>>,
    pub(crate) patch: Option<Spanned<String>>,
    pub(crate) delete: Option<Spanned<String>>,
    pub(crate) head: Option<Spanned<String>>,
    pub(crate) options: Option<Spanned<String>>,
    pub(crate) method: Option<Spanned<String>>,
    pub(crate) path: Option<Spanned<String>>,
    pub(crate) query: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    pub(crate) json: Option<Spanned<Json>>,
    pub(crate) form: Option<Spanned<IndexMap<Spanned<String>, Spanned<Json>>>>,
    pub(crate) text: Option<Spanned<String>>,
    pub(crate) file: Option<Spanned<String>>,
    pub(crate) multipart: Option<Spanned<IndexMap<Spanned<String>, Spanned<PartSpec>>>>,
    pub(crate) headers: Option<IndexMap<Spanned<String>, Spanned<String>>>,
    pub(crate) auth: Option<Spanned<AuthSpec>>,
    pub(crate) check: Option<CheckSpec>,
    pub(crate) extract: Option<IndexMap<Spanned<String>, Spanned<ExtractSpec>>>,
    pub(crate) redirects: Option<Spanned<u8>>,
    pub(crate) timeout: Option<Spanned<String>>,
}

impl StepSpec {
    /// The methods that were given, with their paths.
    pub(crate) fn methods(&self) -> Vec<(&str, &Spanned<String>)> {
        let all = [
            ("GET", &self.get),
            ("POST", &self.post),
            ("PUT", &self.put),
            ("PATCH", &self.patch),
            ("DELETE", &self.delete),
            ("HEAD", &self.head),
            ("OPTIONS", &self.options),
        ];
        let mut methods: Vec<_> = all
            .into_iter()
            .filter_map(|(method, path)| Some((method, path.as_ref()?)))
            .collect();
        if let (Some(method), Some(path)) = (&self.method, &self.path) {
            methods.push((method.get_ref(), path));
        }
        methods
    }

    /// Keys that only a request has, as far as they are given.
    pub(crate) fn keys_of_requests(&self) -> Vec<&'static str> {
        let keys = [
            ("name", self.name.is_some()),
            ("method", self.method.is_some()),
            ("path", self.path.is_some()),
            ("query", self.query.is_some()),
            ("json", self.json.is_some()),
            ("form", self.form.is_some()),
            ("text", self.text.is_some()),
            ("file", self.file.is_some()),
            ("multipart", self.multipart.is_some()),
            ("headers", self.headers.is_some()),
            ("auth", self.auth.is_some()),
            ("check", self.check.is_some()),
            ("extract", self.extract.is_some()),
            ("redirects", self.redirects.is_some()),
            ("timeout", self.timeout.is_some()),
        ];
        given(&keys)
    }

    /// The keys that make a step what it is, as far as they are given.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = given(&[
            ("wait", self.wait.is_some()),
            ("set", self.set.is_some()),
            ("if", self.condition.is_some()),
            ("repeat", self.repeat.is_some()),
            ("while", self.holds.is_some()),
            ("for_each", self.for_each.is_some()),
            ("group", self.group.is_some()),
            ("measure", self.measure.is_some()),
            ("stop_user", self.stop_user.is_some()),
            ("stop_test", self.stop_test.is_some()),
            ("clear_cookies", self.clear_cookies.is_some()),
            ("tasks", self.tasks.is_some()),
        ]);
        if !self.methods().is_empty() {
            kinds.insert(0, "request");
        }
        if kinds.is_empty() && self.steps.is_some() {
            kinds.push("steps");
        }
        kinds
    }
}

fn given(keys: &[(&'static str, bool)]) -> Vec<&'static str> {
    let given = keys.iter().filter(|(_, given)| *given);
    given.map(|(key, _)| *key).collect()
}

/// `auth = { … }`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthSpec {
    pub(crate) user: Option<Spanned<String>>,
    pub(crate) password: Option<Spanned<String>>,
    pub(crate) bearer: Option<Spanned<String>>,
}

/// A part of a multipart body: a text, or a file.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum PartSpec {
    Text(String),
    File(FilePartSpec),
}

/// `{ file = "…" }`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilePartSpec {
    pub(crate) file: Spanned<String>,
    pub(crate) name: Option<Spanned<String>>,
    #[serde(rename = "type")]
    pub(crate) content_type: Option<Spanned<String>>,
}

impl<'de> Deserialize<'de> for PartSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;

        impl<'de> Visitor<'de> for PartVisitor {
            type Value = PartSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or { file = \"…\" }")
            }

            fn visit_str<E>(self, text: &str) -> Result<PartSpec, E> {
                Ok(PartSpec::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PartSpec, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                FilePartSpec::deserialize(map).map(PartSpec::File)
            }
        }

        deserializer.deserialize_any(PartVisitor)
    }
}
