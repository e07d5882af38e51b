//! Steps and tasks as they are typed.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::fields::FieldsSpec;
use super::json::Json;
use super::response::{CheckSpec, ExtractSpec};
use super::{Spanned, shape};

/// Header fields that brunt sets, and a scenario cannot.
pub(crate) const SET_BY_BRUNT: [&str; 4] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
];

/// A step or a task. The keys that are present determine its kind.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("dependencies" = json!({
    "else": ["if"], "at_most": ["while"], "for_each": ["in", "steps"], "in": ["for_each"], "if": ["steps"],
    "repeat": ["steps"], "while": ["steps"], "group": ["steps"], "check_out": ["steps"], "method": ["path"], "path": ["method"],
})))]
pub(crate) struct StepSpec {
    // Keys of tasks.
    /// Weight of the task, or of a step of `choose`, relative to the others in its list.
    ///
    /// Default: `1`
    #[schemars(range(min = 0))]
    pub(crate) weight: Option<Spanned<f64>>,
    /// Tags of the task: `--tags a,b` runs only tasks with at least one of these tags, `--exclude-tags c` skips tasks
    /// with the tag `c`. Tasks in a list also inherit the list's tags.
    ///
    /// Default: none
    pub(crate) tags: Option<Vec<Spanned<String>>>,
    /// List of tasks, one of which is chosen by weight; with `order = "sequence"` all run, with the class's wait in
    /// between. Lists of tasks may be nested.
    pub(crate) tasks: Option<Spanned<Vec<Spanned<StepSpec>>>>,
    /// Order of `tasks`: `"weight"` or `"sequence"`.
    ///
    /// Default: `"weight"`
    #[schemars(with = "Option<shape::TaskOrder>")]
    pub(crate) order: Option<Spanned<String>>,
    // Keys of steps other than requests.
    /// Steps to run one after another; the body of `if`, `repeat`, `while`, `for_each`, `group` and `check_out`.
    pub(crate) steps: Option<Spanned<Vec<Spanned<StepSpec>>>>,
    /// Time for which the user [pauses](#waits), such as `"1s..3s"`. At the end of the load, a task that is waiting
    /// is aborted.
    #[schemars(with = "Option<shape::StepWait>")]
    pub(crate) wait: Option<Spanned<String>>,
    /// Variables to set, in order, each to a value or to the result of an expression.
    #[schemars(with = "Option<IndexMap<shape::Variable, Json>>")]
    pub(crate) set: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    /// Condition, such as `"total > 100"`: runs `steps` if it holds, and `else` otherwise. Zero, empty values, `false`
    /// and `none` count as false.
    #[serde(rename = "if")]
    pub(crate) condition: Option<Spanned<String>>,
    /// Steps to run if the condition of `if` does not hold.
    #[serde(rename = "else")]
    pub(crate) otherwise: Option<Spanned<Vec<Spanned<StepSpec>>>>,
    /// Number of times to run `steps`: a whole number, or an expression such as `"{{ n }}"`.
    #[schemars(with = "Option<shape::Repeat>")]
    pub(crate) repeat: Option<Spanned<Json>>,
    /// Condition, such as `"page"`: runs `steps` while it holds, at most `at_most` times. Any loop that takes a
    /// million steps without a request or a wait is aborted and counts as a failure.
    #[serde(rename = "while")]
    pub(crate) holds: Option<Spanned<String>>,
    /// Maximum number of iterations of `while`.
    ///
    /// Default: `1000`
    pub(crate) at_most: Option<Spanned<u32>>,
    /// Name of the variable that receives each item of the list `in`, one per iteration of `steps`.
    #[schemars(with = "Option<shape::Variable>")]
    pub(crate) for_each: Option<Spanned<String>>,
    /// List that `for_each` iterates over: an expression such as `"items"`, or a list of values.
    #[serde(rename = "in")]
    pub(crate) list: Option<Spanned<Json>>,
    /// Name under which `steps` are timed as one, from the first intended start to the last response, excluding
    /// waits. Reports have a row for it. It fails if one of its requests fails.
    pub(crate) group: Option<Spanned<String>>,
    /// Custom metrics to record: named numbers from 0 to 70 million, reported with percentiles like response times.
    pub(crate) measure: Option<IndexMap<Spanned<String>, Spanned<Json>>>,
    /// List of steps, each with a `weight` (1 unless set): one of them runs, chosen by weight.
    pub(crate) choose: Option<Spanned<Vec<Spanned<StepSpec>>>>,
    /// Rows to take for the duration of `steps`: a table that maps the name of a variable to the name of
    /// [data](#data). Other users cannot take these rows until they are given back, either after `steps` or when
    /// `steps` is aborted. If every row is taken, the user waits.
    #[schemars(with = "Option<IndexMap<shape::Variable, String>>")]
    pub(crate) check_out: Option<IndexMap<Spanned<String>, Spanned<String>>>,
    /// `true` stops this user for good.
    #[schemars(with = "Option<shape::Flag>")]
    pub(crate) stop_user: Option<Spanned<bool>>,
    /// `true` stops the load. Requests in flight are allowed to finish.
    #[schemars(with = "Option<shape::Flag>")]
    pub(crate) stop_test: Option<Spanned<bool>>,
    /// `true` deletes the user's cookies.
    #[schemars(with = "Option<shape::Flag>")]
    pub(crate) clear_cookies: Option<Spanned<bool>>,
    // Keys of requests.
    /// Name by which reports group requests. It must not contain an expression.
    ///
    /// Default: the path as written
    #[schemars(with = "Option<shape::RequestName>")]
    pub(crate) name: Option<Spanned<String>>,
    /// Path of the request, query included, such as `"/items?page=1"`. The key is the method.
    #[schemars(with = "Option<shape::Path>")]
    pub(crate) get: Option<Spanned<String>>,
    /// Path of the request, query included, such as `"/items?page=1"`. The key is the method.
    #[schemars(with = "Option<shape::Path>")]
    pub(crate) post: Option<Spanned<String>>,
    /// Path of the request, query included, such as `"/items?page=1"`. The key is the method.
    #[schemars(with = "Option<shape::Path>")]
    pub(crate) put: Option<Spanned<String>>,
    /// Path of the request, query included, such as `"/items?page=1"`. The key is the method.
    #[schemars(with = "Option<shape::Path>")]
    pub(crate) patch: Option<Spanned<String>>,
    /// Path of the request, query included, such as `"/items?page=1"`. The key is the method.
    #[schemars(with = "Option<shape::Path>")]
    pub(crate) delete: Option<Spanned<String>>,
    /// Path of the request, query included, such as `"/items?page=1"`. The key is the method.
    #[schemars(with = "Option<shape::Path>")]
    pub(crate) head: Option<Spanned<String>>,
    /// Path of the request, query included, such as `"/items?page=1"`. The key is the method.
    #[schemars(with = "Option<shape::Path>")]
    pub(crate) options: Option<Spanned<String>>,
    /// Any other method, such as `"PURGE"`. Needs `path`.
    #[schemars(with = "Option<shape::Method>")]
    pub(crate) method: Option<Spanned<String>>,
    /// Path of a request with `method`, query included.
    #[schemars(with = "Option<shape::Path>")]
    pub(crate) path: Option<Spanned<String>>,
    /// Query parameters to append to the path, percent-encoded ([fields](#fields)).
    ///
    /// Default: none
    #[schemars(with = "Option<shape::FormFields>")]
    pub(crate) query: Option<Spanned<FieldsSpec>>,
    /// Body: any value, as JSON (`application/json`).
    ///
    /// Default: none
    pub(crate) json: Option<Spanned<Json>>,
    /// Body: form [fields](#fields) (`application/x-www-form-urlencoded`).
    ///
    /// Default: none
    #[schemars(with = "Option<shape::FormFields>")]
    pub(crate) form: Option<Spanned<FieldsSpec>>,
    /// Body: plain text (`text/plain`).
    ///
    /// Default: none
    pub(crate) text: Option<Spanned<String>>,
    /// Body: the content of a file, streamed (`application/octet-stream`). A relative path is resolved against the
    /// scenario's folder.
    ///
    /// Default: none
    pub(crate) file: Option<Spanned<String>>,
    /// Body: named [parts](#multipart-bodies), each a string, `{ file = "…" }` (streamed), `{ text = "…" }`, or a list of
    /// them (`multipart/form-data`).
    ///
    /// Default: none
    pub(crate) multipart: Option<Spanned<IndexMap<Spanned<String>, Spanned<PartSpec>>>>,
    /// Header [fields](#fields) of this request. They replace the scenario's header fields of the same name.
    ///
    /// Default: the scenario's `headers`
    #[schemars(with = "Option<shape::Headers>")]
    pub(crate) headers: Option<Spanned<FieldsSpec>>,
    /// Authorization: `{ user = "…", password = "…" }` (Basic) or `{ bearer = "…" }`.
    ///
    /// Default: none
    pub(crate) auth: Option<Spanned<AuthSpec>>,
    /// Conditions on the response ([checks](#checks)). If one does not hold, the request fails.
    ///
    /// Default: `{ status = "2xx" }`
    pub(crate) check: Option<CheckSpec>,
    /// Variables to take from a successful response ([extraction](#extraction)): a table that maps each name to
    /// a JSONPath or a table.
    ///
    /// Default: none
    #[schemars(with = "Option<IndexMap<shape::Variable, ExtractSpec>>")]
    pub(crate) extract: Option<IndexMap<Spanned<String>, Spanned<ExtractSpec>>>,
    /// Number of redirects to follow, to the same host or one of `redirect_hosts`. `0` follows none.
    ///
    /// Default: `10`
    pub(crate) redirects: Option<Spanned<u8>>,
    /// Maximum duration of the request, including redirects.
    ///
    /// Default: `timeouts.total`
    #[schemars(with = "Option<shape::Duration>")]
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
            ("choose", self.choose.is_some()),
            ("check_out", self.check_out.is_some()),
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
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "dependencies" = json!({ "password": ["user"] })))]
pub(crate) struct AuthSpec {
    /// User name (Basic authentication).
    pub(crate) user: Option<Spanned<String>>,
    /// Password of `user`.
    ///
    /// Default: empty
    pub(crate) password: Option<Spanned<String>>,
    /// Bearer token, instead of `user` and `password`.
    pub(crate) bearer: Option<Spanned<String>>,
}

/// A part of a multipart body: a text or a file, or several parts with the same name.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum PartSpec {
    Text(String),
    File(Box<FilePartSpec>),
    List(Vec<Spanned<PartSpec>>),
}

/// `{ file = "…" }` or `{ text = "…" }`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = json!([{ "required": ["file"] }, { "required": ["text"] }])))]
pub(crate) struct FilePartSpec {
    /// File to send as the part. A relative path is resolved against the scenario's folder. Either `file` or `text`
    /// is required.
    pub(crate) file: Option<Spanned<String>>,
    /// Text to send as the part. With a `name`, the service receives it as a file.
    pub(crate) text: Option<Spanned<String>>,
    /// File name that is sent.
    ///
    /// Default: that of the file; none for a `text`
    pub(crate) name: Option<Spanned<String>>,
    /// Content type of the part.
    ///
    /// Default: `application/octet-stream`; none for a `text` without a `name`
    #[serde(rename = "type")]
    pub(crate) content_type: Option<Spanned<String>>,
}

impl<'de> Deserialize<'de> for PartSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;

        impl<'de> Visitor<'de> for PartVisitor {
            type Value = PartSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, { file = \"…\" }, { text = \"…\" } or a list of them")
            }

            fn visit_str<E>(self, text: &str) -> Result<PartSpec, E> {
                Ok(PartSpec::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PartSpec, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                let part = FilePartSpec::deserialize(map)?;
                Ok(PartSpec::File(Box::new(part)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<PartSpec, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(PartSpec::List(list))
            }
        }

        deserializer.deserialize_any(PartVisitor)
    }
}
