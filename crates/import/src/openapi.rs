//! API descriptions: OpenAPI 3.0 and 3.1, as JSON or YAML, and Swagger 2.0 on a best-effort basis.

mod bodies;
mod chains;
mod example;
mod order;
mod parameters;
mod reference;
mod security;
mod servers;
mod style;
mod swagger2;
mod template;
mod yaml;

use serde_json::Value;

use crate::data::Data;
use crate::draft::{Draft, Extract, Flow, Method, Status, Task};
use crate::error::ImportError;
use crate::headers;
use crate::scenario_text::{self, Imported};
use crate::warnings::{Warnings, one_line};

use bodies::{BodyWriter, TypedBody};
use chains::{Chains, Source};
use order::Operation;
use parameters::{ParameterWriter, RequestParts};
use reference::Document;
use security::Security;
use servers::Servers;

/// Imports a description. `from` is the URL that it was read from, if any: the URL of its server may be relative to it.
pub fn openapi(text: &str, from: Option<&str>) -> Result<Imported, ImportError> {
    let root = yaml::parsed(text.trim_start_matches('\u{feff}'))?;
    let mut warnings = Warnings::default();
    let is_old = version(&root, &mut warnings)?;
    reference::check_external(&root)?;
    let servers = Servers::read(&root, is_old, from);
    let host = servers.host(&mut warnings);
    let mut reader = Reader {
        document: Document { root: &root },
        is_old,
        servers,
        chains: Chains::default(),
        data: Data::default(),
        warnings,
        deprecated: 0,
        other_methods: 0,
    };
    reader.find_chains();
    let operations = reader.operations();
    let Reader {
        chains,
        data,
        mut warnings,
        deprecated,
        other_methods,
        ..
    } = reader;
    if deprecated > 0 {
        warnings.add(format!("left out: deprecated operations ({deprecated})"));
    }
    if other_methods > 0 {
        warnings.add(format!(
            "left out: operations with other methods, such as TRACE ({other_methods})"
        ));
    }
    if operations.is_empty() {
        let reason = "it contains no paths with operations".to_owned();
        return Err(ImportError::Nothing { reason });
    }
    let source = match operations.len() {
        1 => "an API description with one operation".to_owned(),
        count => format!("an API description with {count} operations"),
    };
    let mut draft = Draft {
        source,
        host,
        data,
        tasks: order::ordered(operations, &chains),
        ..Draft::default()
    };
    let is_disabled_delete = |task: &Task| task.method == Method::Delete && task.weight == 0;
    if draft.tasks.iter().all(|task| task.weight == 0) {
        // A scenario needs a task with a weight.
        draft.tasks.iter_mut().for_each(|task| task.weight = 1);
    } else if draft.tasks.iter().any(is_disabled_delete) {
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

/// Reads the operations.
struct Reader<'a> {
    document: Document<'a>,
    is_old: bool,
    servers: Servers,
    chains: Chains,
    data: Data,
    warnings: Warnings,
    deprecated: usize,
    other_methods: usize,
}

impl<'a> Reader<'a> {
    fn find_chains(&mut self) {
        let (document, is_old) = (self.document, self.is_old);
        let can_be_sent = |operation: &Value| {
            is_old || {
                let (mut data, mut warnings) = (Data::default(), Warnings::default());
                let mut writer = BodyWriter {
                    document,
                    data: &mut data,
                    warnings: &mut warnings,
                    at: "",
                };
                let body = operation.get("requestBody");
                let body = body.and_then(|body| document.value(body));
                body.is_none_or(|body| writer.of_content(body).is_ok())
            }
        };
        self.chains = Chains::find(document, &can_be_sent, &mut self.data);
    }

    fn operations(&mut self) -> Vec<Operation> {
        let paths = self.document.root.get("paths").and_then(Value::as_object);
        let mut operations = Vec::new();
        for (path, item) in paths
            .into_iter()
            .flatten()
            .filter(|(path, _)| !path.starts_with("x-"))
        {
            let Some(item) = self.document.value(item) else {
                self.warnings
                    .at("a path refers to nothing in this file, left out", path);
                continue;
            };
            for (method, operation) in item.as_object().into_iter().flatten() {
                let is_method = matches!(method.as_str(), "trace" | "connect" | "query");
                self.other_methods += usize::from(is_method);
                let Some(method) = described_method(method) else {
                    continue;
                };
                if operation.get("deprecated") == Some(&Value::Bool(true)) {
                    self.deprecated += 1;
                } else if operation.is_object() {
                    let task = self.task(path, item, method, operation);
                    let path = path.clone();
                    operations.push(Operation { path, task });
                }
            }
        }
        operations
    }

    fn task(
        &mut self,
        path: &'a str,
        item: &'a Value,
        method: Method,
        operation: &'a Value,
    ) -> Task {
        let at = one_line(&format!("{} {path}", method.key().to_uppercase()));
        let list = |value: &'a Value| {
            let list = value.get("parameters").and_then(Value::as_array);
            list.into_iter().flatten()
        };
        let typed: Vec<&Value> = list(item).chain(list(operation)).collect();
        let mut writer = ParameterWriter {
            document: self.document,
            at: &at,
            chains: &self.chains,
            data: &mut self.data,
            warnings: &mut self.warnings,
        };
        let mut parts = writer.fill(path, &typed);
        let root = self.document.root;
        let security = Security::of(operation, root, &mut self.data, &mut self.warnings);
        add_security(&mut parts, security);
        let (body, comment) = match self.body(&typed, operation, &at) {
            Ok(Some((body, media))) => {
                if let Some(media) = media {
                    parts.headers.insert("Content-Type".to_owned(), media);
                }
                (Some(body), None)
            }
            Ok(None) => (None, None),
            Err(comment) => (None, Some(comment)),
        };
        let deletes = (method == Method::Delete && self.chains.givers_of(path).next().is_none())
            .then_some("deletes data: raise the weight to enable it");
        let target = self.servers.target(item, operation, &mut self.warnings);
        let query = parts.query.join("&");
        let question = if query.is_empty() { "" } else { "?" };
        let name: String = path.chars().filter(|letter| !letter.is_control()).collect();
        let headers = parts.headers.into_iter();
        Task {
            name: if name.starts_with('/') {
                name
            } else {
                format!("/{name}")
            },
            weight: u64::from(comment.is_none() && deletes.is_none()),
            path: format!("{}{}{question}{query}", target.prefix, parts.path),
            headers: headers.map(|(name, value)| (name, vec![value])).collect(),
            auth: None,
            body,
            check: statuses(operation),
            redirects: None,
            timeout: None,
            comment: comment.or(deletes),
            flow: Flow {
                extracts: self.extracts(path, &method),
                host: target.host,
                ..Flow::default()
            },
            method,
        }
    }

    /// The values that an operation gives to others.
    fn extracts(&self, path: &str, method: &Method) -> Vec<Extract> {
        let given = self.chains.given_by(path, method.key());
        given
            .map(|chain| Extract {
                variable: chain.variable.clone(),
                source: match &chain.source {
                    Source::Json(path) => Value::from(path.as_str()),
                    Source::Header(name) => serde_json::json!({ "header": name }),
                },
            })
            .collect()
    }

    /// The body with its type; the error is the comment of a task whose body cannot be written.
    fn body(
        &mut self,
        typed: &[&'a Value],
        operation: &'a Value,
        at: &str,
    ) -> Result<Option<TypedBody>, &'static str> {
        let document = self.document;
        let old;
        let body = if self.is_old {
            let resolved: Vec<&Value> = typed
                .iter()
                .filter_map(|typed| document.value(typed))
                .collect();
            old = swagger2::request_body(&resolved, operation, document.root);
            old.as_ref()
        } else {
            operation
                .get("requestBody")
                .and_then(|body| document.value(body))
        };
        let Some(body) = body else {
            return Ok(None);
        };
        // The body of version 2 lives only during this call, but its references point into the description.
        let mut writer = BodyWriter {
            document,
            data: &mut self.data,
            warnings: &mut self.warnings,
            at,
        };
        writer.of_content(body)
    }
}

fn described_method(key: &str) -> Option<Method> {
    match key.to_ascii_lowercase().as_str() {
        "options" => Some(Method::Options),
        key => Method::parse(key),
    }
}

fn add_security(parts: &mut RequestParts, security: Security) {
    parts.query.extend(security.query);
    parts.headers.extend(security.headers);
    parts.cookies.extend(security.cookies);
    if !parts.cookies.is_empty() {
        let cookies = parts.cookies.join("; ");
        parts.headers.insert("Cookie".to_owned(), cookies);
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
