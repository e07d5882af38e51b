//! API descriptions: OpenAPI 3.0 and 3.1, as JSON or YAML, and Swagger 2.0 on a best-effort basis.

mod example;
mod parameters;
mod reference;
mod security;
mod swagger2;

use indexmap::IndexMap;
use serde_json::Value;
use url::Url;

use crate::data::Data;
use crate::draft::{Body, Draft, Method, Status, Task};
use crate::error::ImportError;
use crate::headers;
use crate::scenario_text::{self, Imported};
use crate::warnings::{Warnings, one_line};

use example::ExampleGenerator;
use reference::Document;

/// Imports a description. `from` is the URL that it was read from, if any: the URL of its server may be relative to it.
pub fn openapi(text: &str, from: Option<&str>) -> Result<Imported, ImportError> {
    let root = parsed(text.trim_start_matches('\u{feff}'))?;
    let mut warnings = Warnings::default();
    let is_old = version(&root, &mut warnings)?;
    let mut reader = Reader {
        document: Document { root: &root },
        is_old,
        data: Data::default(),
        warnings,
        deprecated: 0,
        other_methods: 0,
    };
    let tasks = reader.tasks();
    let (deprecated, other_methods) = (reader.deprecated, reader.other_methods);
    let Reader {
        data, mut warnings, ..
    } = reader;
    if deprecated > 0 {
        warnings.add(format!("left out: deprecated operations ({deprecated})"));
    }
    if other_methods > 0 {
        warnings.add(format!(
            "left out: operations with other methods, such as OPTIONS ({other_methods})"
        ));
    }
    if tasks.is_empty() {
        let reason = "it contains no paths with operations".to_owned();
        return Err(ImportError::Nothing { reason });
    }
    let operations = tasks.len();
    let mut draft = Draft {
        source: match operations {
            1 => "an API description with one operation".to_owned(),
            _ => format!("an API description with {operations} operations"),
        },
        host: host(&root, is_old, from, &mut warnings),
        data,
        tasks,
        ..Draft::default()
    };
    draft.secrets = security::secrets(&root, &mut warnings);
    if draft.tasks.iter().all(|task| task.weight == 0) {
        // A scenario needs a task with a weight.
        draft.tasks.iter_mut().for_each(|task| task.weight = 1);
    } else if draft.tasks.iter().any(|task| task.method == Method::Delete) {
        warnings.add("operations that delete have weight 0; raise it to enable them");
    }
    let mut all: Vec<_> = draft
        .tasks
        .iter_mut()
        .map(|task| &mut task.headers)
        .collect();
    draft.headers = headers::common(&mut all);
    Ok(scenario_text::imported(&draft, warnings))
}

fn parsed(text: &str) -> Result<Value, ImportError> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    // The largest public descriptions have a few hundred thousand values. The budget bounds the expansion of anchors.
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: 5_000_000,
            max_events: 20_000_000,
            max_total_scalar_bytes: 256 << 20,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| ImportError::InvalidFormat {
        expected: "an API description (OpenAPI)",
        reason: one_line(&format!("it is neither JSON nor YAML: {error}")),
    })
}

/// Whether the description has version 2.
fn version(root: &Value, warnings: &mut Warnings) -> Result<bool, ImportError> {
    let version = |key: &str| match root.get(key) {
        Some(Value::String(version)) => Some(version.clone()),
        Some(Value::Number(version)) => Some(version.to_string()),
        _ => None,
    };
    match (version("openapi"), version("swagger")) {
        (Some(version), _) if version.starts_with('3') => Ok(false),
        (Some(version), _) => {
            warnings.add(one_line(&format!(
                "unknown version {version}, read as OpenAPI 3.1"
            )));
            Ok(false)
        }
        (None, Some(version)) => {
            warnings.add(one_line(&format!(
                "Swagger {version} is older than OpenAPI 3; review the scenario"
            )));
            Ok(true)
        }
        (None, None) if root.get("paths").is_some() => {
            warnings.add("the file does not contain its version, read as OpenAPI 3.1");
            Ok(false)
        }
        (None, None) => Err(ImportError::InvalidFormat {
            expected: "an API description (OpenAPI)",
            reason: "it contains neither `openapi` nor `paths`".to_owned(),
        }),
    }
}

/// URL of the first server, with the default values of its variables.
fn host(root: &Value, is_old: bool, from: Option<&str>, warnings: &mut Warnings) -> Option<String> {
    let first = root.pointer("/servers/0");
    let server = if is_old {
        swagger2::server(root)
    } else {
        first.and_then(|server| {
            let url = server.get("url")?.as_str()?.to_owned();
            let variables = server.get("variables").and_then(Value::as_object);
            Some(
                variables
                    .into_iter()
                    .flatten()
                    .fold(url, |url, (name, variable)| {
                        let value = variable
                            .get("default")
                            .and_then(Value::as_str)
                            .unwrap_or_default();
                        url.replace(&format!("{{{name}}}"), value)
                    }),
            )
        })
    };
    let base = from.and_then(|from| Url::parse(from).ok());
    let server = server.unwrap_or_else(|| "/".to_owned());
    let url = match &base {
        Some(base) => base.join(&server).ok(),
        None => Url::parse(&server).ok(),
    };
    let usable = |url: &Url| {
        let is_plain = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some() && is_plain
    };
    let Some(mut url) = url.filter(usable) else {
        warnings.add(one_line(&format!(
            "the description contains no usable server URL (`{server}`); set `host`, or use --host"
        )));
        return None;
    };
    url.set_query(None);
    url.set_fragment(None);
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// Comment of a task without its required body.
const NO_BODY: &str =
    "no example of its body can be generated: send one from a file, and raise the weight";

/// Reads the operations.
struct Reader<'a> {
    document: Document<'a>,
    is_old: bool,
    data: Data,
    warnings: Warnings,
    deprecated: usize,
    other_methods: usize,
}

impl<'a> Reader<'a> {
    fn tasks(&mut self) -> Vec<Task> {
        let paths = self.document.root.get("paths").and_then(Value::as_object);
        let mut tasks = Vec::new();
        for (path, item) in paths
            .into_iter()
            .flatten()
            .filter(|(path, _)| !path.starts_with("x-"))
        {
            let Some(item) = self.document.value(item) else {
                self.warnings
                    .at("a path refers to another file, which is not read", path);
                continue;
            };
            for (method, operation) in item.as_object().into_iter().flatten() {
                let is_method =
                    matches!(method.as_str(), "options" | "trace" | "connect" | "query");
                self.other_methods += usize::from(is_method);
                let Some(method) = Method::parse(method) else {
                    continue;
                };
                if operation.get("deprecated") == Some(&Value::Bool(true)) {
                    self.deprecated += 1;
                } else if operation.is_object() {
                    tasks.push(self.task(path, item, method, operation));
                }
            }
        }
        tasks
    }

    fn task(&mut self, path: &str, item: &'a Value, method: Method, operation: &'a Value) -> Task {
        let at = one_line(&format!("{} {path}", method.key().to_uppercase()));
        let list = |value: &'a Value, key: &str| {
            value
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        let typed: Vec<&Value> = list(item, "parameters")
            .chain(list(operation, "parameters"))
            .collect();
        let mut filled = parameters::fill(
            path,
            &typed,
            self.document,
            &at,
            &mut self.data,
            &mut self.warnings,
        );
        filled.path = security::with_key_in_query(filled.path, operation, self.document.root);
        let (body, comment) = match self.body(&typed, operation, &at) {
            Ok(Some((body, media))) => {
                if !matches!(
                    (&body, media.as_str()),
                    (Body::Json(_), "application/json") | (Body::Form(_), _)
                ) {
                    filled.headers.insert("Content-Type".to_owned(), media);
                }
                (Some(body), None)
            }
            Ok(None) => (None, None),
            Err(comment) => (None, Some(comment)),
        };
        let name: String = path.chars().filter(|letter| !letter.is_control()).collect();
        let deletes =
            (method == Method::Delete).then_some("deletes data: raise the weight to enable it");
        Task {
            name: if name.starts_with('/') {
                name
            } else {
                format!("/{name}")
            },
            weight: u64::from(comment.is_none() && deletes.is_none()),
            method,
            path: filled.path,
            headers: filled
                .headers
                .into_iter()
                .map(|(name, value)| (name, vec![value]))
                .collect(),
            auth: None,
            body,
            check: statuses(operation),
            redirects: None,
            timeout: None,
            comment: comment.or(deletes),
        }
    }

    /// The body with its type; the error is the comment of a task whose body cannot be written.
    fn body(
        &mut self,
        typed: &[&'a Value],
        operation: &'a Value,
        at: &str,
    ) -> Result<Option<(Body, String)>, &'static str> {
        let document = self.document;
        if self.is_old {
            let resolved: Vec<&Value> = typed
                .iter()
                .filter_map(|typed| document.value(typed))
                .collect();
            let body = swagger2::request_body(&resolved, operation, document.root);
            // The body lives only during this call, but its references point into the description.
            return body.map_or(Ok(None), |body| {
                let mut writer = Writer {
                    document,
                    data: &mut self.data,
                    warnings: &mut self.warnings,
                    at,
                };
                writer.of_content(&body)
            });
        }
        let Some(body) = operation
            .get("requestBody")
            .and_then(|body| document.value(body))
        else {
            return Ok(None);
        };
        let mut writer = Writer {
            document,
            data: &mut self.data,
            warnings: &mut self.warnings,
            at,
        };
        writer.of_content(body)
    }
}

/// Writes bodies.
struct Writer<'a, 'b> {
    document: Document<'a>,
    data: &'b mut Data,
    warnings: &'b mut Warnings,
    at: &'b str,
}

impl Writer<'_, '_> {
    fn of_content(&mut self, body: &Value) -> Result<Option<(Body, String)>, &'static str> {
        let none = serde_json::Map::new();
        let content = body
            .get("content")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let media: IndexMap<String, &Value> = content
            .iter()
            .map(|(media, value)| {
                (
                    media
                        .split(';')
                        .next()
                        .unwrap_or(media)
                        .trim()
                        .to_ascii_lowercase(),
                    value,
                )
            })
            .filter(|(media, _)| {
                !media.is_empty() && media.bytes().all(|byte| byte.is_ascii_graphic())
            })
            .collect();
        let find = |accepts: &dyn Fn(&str) -> bool| media.iter().find(|(media, _)| accepts(media));
        if let Some((media, value)) = find(&|media| media.ends_with("json") || media == "*/*") {
            let media = if media == "*/*" {
                "application/json"
            } else {
                media
            };
            return Ok(self
                .json(value)
                .map(|json| (Body::Json(json), media.to_owned())));
        }
        if let Some((media, value)) = find(&|media| media == "application/x-www-form-urlencoded") {
            return Ok(Some((Body::Form(self.form(value)), media.clone())));
        }
        if let Some((media, value)) =
            find(&|media| media.starts_with("text/") || media.ends_with("xml"))
        {
            let example = value.get("example").and_then(Value::as_str);
            return match example {
                Some(example) => Ok(Some((
                    Body::Bytes(example.as_bytes().to_vec()),
                    media.clone(),
                ))),
                None if media == "text/plain" => {
                    Ok(Some((Body::Bytes(b"text".to_vec()), media.clone())))
                }
                None => Err(NO_BODY),
            };
        }
        if media.is_empty() {
            return Ok(None);
        }
        self.warnings.at(
            "no example of the body can be generated, and the task has weight 0",
            self.at,
        );
        Err(NO_BODY)
    }

    fn json(&mut self, media: &Value) -> Option<Value> {
        let examples = media.get("examples").and_then(Value::as_object);
        let named = examples
            .and_then(|examples| examples.values().find_map(|example| example.get("value")));
        let mut generator =
            ExampleGenerator::new(self.document, self.data, self.warnings, self.at, true);
        if let Some(given) = media.get("example").or(named)
            && let Some(value) = generator.given(given)
        {
            return Some(value);
        }
        generator.generate(media.get("schema")?, "body")
    }

    /// The fields of a form with fixed values.
    fn form(&mut self, media: &Value) -> Vec<(String, String)> {
        let mut generator =
            ExampleGenerator::new(self.document, self.data, self.warnings, self.at, false);
        let schema = media.get("schema");
        let generated = schema.and_then(|schema| generator.generate(schema, "body"));
        let Some(Value::Object(fields)) = generated else {
            return Vec::new();
        };
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        fields
            .into_iter()
            .map(|(name, value)| (self.data.literal(&name), self.data.literal(&text(value))))
            .collect()
    }
}

/// The described statuses of success.
fn statuses(operation: &Value) -> Vec<Status> {
    let responses = operation.get("responses").and_then(Value::as_object);
    let keys = responses.into_iter().flat_map(|responses| responses.keys());
    let mut statuses: Vec<Status> = keys
        .filter_map(|key| match key.parse::<u16>() {
            Ok(status @ 200..=299) => Some(Status::One(status)),
            _ if key.eq_ignore_ascii_case("2xx") => Some(Status::Class(2)),
            _ => None,
        })
        .collect();
    if statuses.is_empty() || statuses.contains(&Status::Class(2)) {
        return vec![Status::Class(2)];
    }
    statuses.sort_unstable();
    statuses
}
