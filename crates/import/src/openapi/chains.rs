//! Chains of operations: an ID in a path that another operation gives, according to its links or its names
//! (`POST /things`, then `GET /things/{id}`).

use serde_json::Value;

use crate::data::{Data, identifier};
use crate::json_path::json_path;
use crate::names::singular;
use crate::openapi::reference::Document;

/// Largest depth of the parts of a schema (`allOf`) and of the objects around an ID.
const DEPTH_MAX: usize = 4;

/// A value that an operation gives to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// Template of the path up to the parameter: `/things/{id}`.
    prefix: String,
    /// Variable of the scenario.
    pub(super) variable: String,
    /// Path and method (in lower case) of the operation that gives it.
    giver: (String, String),
    pub(super) source: Source,
}

/// Part of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// JSONPath.
    Json(String),
    Header(String),
}

/// An operation that may give values.
struct Giver<'a> {
    path: &'a str,
    method: &'a str,
    operation: &'a Value,
}

/// All chains of a description.
#[derive(Debug, Default)]
pub(super) struct Chains(Vec<Chain>);

impl Chains {
    /// Finds the chains. `can_be_sent` is whether a body of an operation can be generated.
    pub(super) fn find(
        document: Document,
        can_be_sent: &dyn Fn(&Value) -> bool,
        data: &mut Data,
    ) -> Self {
        let mut chains = Self::default();
        let paths = document.root.get("paths").and_then(Value::as_object);
        let all: Vec<Giver> = paths
            .into_iter()
            .flatten()
            .flat_map(|(path, item)| {
                let item = document.value(item).and_then(Value::as_object);
                item.into_iter()
                    .flatten()
                    .filter(|(_, operation)| operation.is_object())
                    .map(move |(method, operation)| Giver {
                        path,
                        method,
                        operation,
                    })
            })
            .filter(|giver| giver.operation.get("deprecated") != Some(&Value::Bool(true)))
            .collect();
        let prefixes = prefixes(&all);
        let givers = all.iter().filter(|giver| can_be_sent(giver.operation));
        for giver in givers.clone() {
            for (prefix, source) in of_links(giver, &all, document) {
                chains.add(prefix, giver, source, data);
            }
        }
        for giver in givers.filter(|giver| giver.method.eq_ignore_ascii_case("post")) {
            for prefix in &prefixes {
                if let Some(source) = of_names(giver, prefix, document) {
                    chains.add(prefix.clone(), giver, source, data);
                }
            }
        }
        chains
    }

    fn add(&mut self, prefix: String, giver: &Giver, source: Source, data: &mut Data) {
        let is_circular = giver.path.starts_with(&prefix) || self.needs(giver.path, &prefix, 0);
        if is_circular || self.variable(&prefix).is_some() {
            return;
        }
        let (before, parameter) = prefix.rsplit_once('{').unwrap_or((&prefix, "id"));
        let parameter = parameter.trim_end_matches('}');
        let noun = before
            .split('/')
            .rfind(|segment| !segment.is_empty() && !segment.starts_with('{'));
        let wanted = match noun {
            Some(noun)
                if !parameter
                    .to_ascii_lowercase()
                    .contains(&singular(noun).to_ascii_lowercase()) =>
            {
                format!("{}_{parameter}", singular(noun))
            }
            _ => parameter.to_owned(),
        };
        let variable = data.reserve(&identifier(&wanted));
        self.0.push(Chain {
            prefix,
            variable,
            giver: (giver.path.to_owned(), giver.method.to_ascii_lowercase()),
            source,
        });
    }

    /// Whether a path needs the value of a prefix, directly or through the operations that give its other values.
    fn needs(&self, path: &str, prefix: &str, depth: usize) -> bool {
        depth < 16
            && self.0.iter().any(|chain| {
                path.starts_with(&chain.prefix)
                    && (chain.prefix == prefix
                        || chain.giver.0.starts_with(prefix)
                        || self.needs(&chain.giver.0, prefix, depth + 1))
            })
    }

    /// The variable for the last parameter of a prefix.
    pub(super) fn variable(&self, prefix: &str) -> Option<&str> {
        let chain = self.0.iter().find(|chain| chain.prefix == prefix)?;
        Some(&chain.variable)
    }

    /// The values that an operation gives.
    pub(super) fn given_by(&self, path: &str, method: &str) -> impl Iterator<Item = &Chain> {
        self.0
            .iter()
            .filter(move |chain| chain.giver.0 == path && chain.giver.1 == method)
    }

    /// Paths and methods of the operations whose values a path needs.
    pub(super) fn givers_of(&self, path: &str) -> impl Iterator<Item = &(String, String)> {
        self.0
            .iter()
            .filter(move |chain| path.starts_with(&chain.prefix))
            .map(|chain| &chain.giver)
    }
}

/// All prefixes of paths that end with a parameter.
fn prefixes(all: &[Giver]) -> Vec<String> {
    let mut prefixes: Vec<String> = Vec::new();
    for giver in all {
        for (at, _) in giver.path.match_indices('}') {
            let prefix = giver.path[..=at].to_owned();
            if !prefixes.contains(&prefix) {
                prefixes.push(prefix);
            }
        }
    }
    prefixes
}

/// Chains of the links of an operation (OpenAPI 3.0.4, "Link Object").
fn of_links(giver: &Giver, all: &[Giver], document: Document) -> Vec<(String, Source)> {
    let mut found = Vec::new();
    for response in success_responses(giver.operation, document) {
        let links = response.get("links").and_then(Value::as_object);
        for link in links.into_iter().flatten() {
            let Some(link) = document.value(link.1) else {
                continue;
            };
            let Some(path) = target_of(link, all) else {
                continue;
            };
            let parameters = link.get("parameters").and_then(Value::as_object);
            for (name, expression) in parameters.into_iter().flatten() {
                let name = name.strip_prefix("path.").unwrap_or(name);
                let parameter = format!("{{{name}}}");
                let Some(at) = path.find(&parameter) else {
                    continue;
                };
                if let Some(source) = expression.as_str().and_then(source_of) {
                    found.push((path[..at + parameter.len()].to_owned(), source));
                }
            }
        }
    }
    found
}

/// Path of the operation that a link leads to.
fn target_of<'a>(link: &Value, all: &[Giver<'a>]) -> Option<&'a str> {
    let text = |key: &str| link.get(key).and_then(Value::as_str);
    if let Some(wanted) = text("operationId") {
        let is_it = |giver: &&Giver| {
            giver.operation.get("operationId").and_then(Value::as_str) == Some(wanted)
        };
        return all.iter().find(is_it).map(|giver| giver.path);
    }
    let pointer = text("operationRef")?.strip_prefix("#/paths/")?;
    let (path, method) = pointer.split_once('/')?;
    let path = path.replace("~1", "/").replace("~0", "~");
    let is_it = |giver: &&Giver| giver.path == path && giver.method.eq_ignore_ascii_case(method);
    all.iter().find(is_it).map(|giver| giver.path)
}

/// Source of a runtime expression (OpenAPI 3.0.4, "Runtime Expressions").
fn source_of(expression: &str) -> Option<Source> {
    let expression = expression
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(expression);
    if let Some(name) = expression.strip_prefix("$response.header.") {
        return Some(Source::Header(name.to_owned()));
    }
    let pointer = expression.strip_prefix("$response.body#")?;
    let keys = pointer.strip_prefix('/')?.split('/');
    let keys: Vec<String> = keys
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect();
    Some(Source::Json(json_path(keys.iter().map(String::as_str))))
}

/// Source of the ID in a prefix, if an operation creates the things that the path before it lists.
fn of_names(giver: &Giver, prefix: &str, document: Document) -> Option<Source> {
    let (collection, parameter) = prefix.rsplit_once("/{")?;
    let parameter = parameter.strip_suffix('}')?;
    if giver.path.trim_end_matches('/') != collection || collection.is_empty() {
        return None;
    }
    let noun = singular(collection.rsplit('/').next()?);
    let keys = keys_of(parameter, &noun);
    let responses = success_responses(giver.operation, document);
    let schemas = responses
        .into_iter()
        .filter_map(|response| schema_of(response, document));
    let mut found = None;
    for schema in schemas {
        found = found.or_else(|| id_within(schema, &keys, &noun, document, 0));
    }
    found.map(|keys| Source::Json(json_path(keys.iter().map(String::as_str))))
}

/// Names of the field with the value of a parameter, in plain form, the most likely first.
fn keys_of(parameter: &str, noun: &str) -> Vec<String> {
    let wanted = plain(parameter);
    let mut keys = vec![wanted.clone()];
    if wanted.ends_with("id") {
        keys.extend([
            "id".to_owned(),
            plain(noun) + "id",
            "uuid".to_owned(),
            "guid".to_owned(),
        ]);
    }
    keys
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Path of keys to a field with one of the names: in an object, or in one that contains only that.
fn id_within(
    schema: &Value,
    keys: &[String],
    noun: &str,
    document: Document,
    depth: usize,
) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    collect(schema, document, 0, &mut fields);
    let is_scalar = |schema: &Value| {
        let kind = schema.get("type").and_then(Value::as_str);
        !matches!(kind, Some("object" | "array")) && schema.get("properties").is_none()
    };
    for key in keys {
        let named = fields.iter().find(|(name, _)| plain(name) == *key);
        if let Some((name, _)) = named.filter(|(_, schema)| is_scalar(schema)) {
            return Some(vec![(*name).to_owned()]);
        }
    }
    if depth > 0 {
        return None;
    }
    let is_wrapper = |name: &str| {
        ["data", "result", "item", "attributes"].contains(&name) || plain(name) == plain(noun)
    };
    fields
        .iter()
        .filter(|(name, _)| is_wrapper(name))
        .find_map(|(name, schema)| {
            let mut found = id_within(schema, keys, noun, document, depth + 1)?;
            found.insert(0, (*name).to_owned());
            Some(found)
        })
}

/// Collects the fields of an object with their resolved schemas.
fn collect<'a>(
    schema: &'a Value,
    document: Document<'a>,
    depth: usize,
    fields: &mut Vec<(&'a str, &'a Value)>,
) {
    let Some(schema) = document.value(schema).filter(|_| depth < DEPTH_MAX) else {
        return;
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        fields.push((name, document.value(property).unwrap_or(property)));
    }
    let parts = schema.get("allOf").and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        collect(part, document, depth + 1, fields);
    }
}

fn success_responses<'a>(operation: &'a Value, document: Document<'a>) -> Vec<&'a Value> {
    let responses = operation.get("responses").and_then(Value::as_object);
    responses
        .into_iter()
        .flatten()
        .filter(|(status, _)| status.starts_with('2'))
        .filter_map(|(_, response)| document.value(response))
        .collect()
}

/// Schema of a JSON response, in version 3 or 2.
fn schema_of<'a>(response: &'a Value, document: Document<'a>) -> Option<&'a Value> {
    let content = response.get("content").and_then(Value::as_object);
    let json = content.and_then(|content| {
        let mut media = content.iter();
        media.find(|(name, _)| name.contains("json") || *name == "*/*")
    });
    let schema = json
        .and_then(|(_, media)| media.get("schema"))
        .or_else(|| response.get("schema"))?;
    document.value(schema)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chains(paths: &Value) -> Vec<(String, String, Source)> {
        let root = json!({ "paths": paths, "components": { "schemas": {
            "Thing": { "allOf": [{ "properties": { "id": { "type": "integer" } } }, { "properties": { "name": {} } }] },
        } } });
        let document = Document { root: &root };
        let found = Chains::find(document, &|_| true, &mut Data::default());
        found
            .0
            .into_iter()
            .map(|chain| (chain.prefix, chain.variable, chain.source))
            .collect()
    }

    fn created(schema: &Value) -> Value {
        json!({ "responses": { "201": { "content": { "application/json": { "schema": schema } } } } })
    }

    #[test]
    fn creating_operation_gives_the_id_of_the_path() {
        let json_source = |path: &str| Source::Json(path.to_owned());
        let cases = [
            (
                json!({ "$ref": "#/components/schemas/Thing" }),
                "/things/{id}",
                "thing_id",
                "$.id",
            ),
            (
                json!({ "$ref": "#/components/schemas/Thing" }),
                "/things/{thingId}",
                "thing_id",
                "$.id",
            ),
            (
                json!({ "properties": { "thing_id": {} } }),
                "/things/{id}",
                "thing_id",
                "$.thing_id",
            ),
            (
                json!({ "properties": { "data": { "properties": { "uuid": {} } } } }),
                "/things/{thing-uuid}",
                "thing_uuid",
                "$.data.uuid",
            ),
            (
                json!({ "properties": { "thing": { "properties": { "id": {} } } } }),
                "/things/{id}",
                "thing_id",
                "$.thing.id",
            ),
            (
                json!({ "properties": { "slug": {} } }),
                "/things/{slug}",
                "thing_slug",
                "$.slug",
            ),
            (
                json!({ "properties": { "name": {} } }),
                "/things/{id}",
                "",
                "",
            ),
            (
                json!({ "properties": { "id": { "type": "object" } } }),
                "/things/{id}",
                "",
                "",
            ),
            (
                json!({ "type": "array", "items": { "properties": { "id": {} } } }),
                "/things/{id}",
                "",
                "",
            ),
        ];
        for (schema, path, variable, source) in cases {
            let found =
                chains(&json!({ "/things": { "post": created(&schema) }, path: { "get": {} } }));
            let expected: Vec<_> = (!source.is_empty())
                .then(|| (path.to_owned(), variable.to_owned(), json_source(source)))
                .into_iter()
                .collect();
            assert_eq!(found, expected, "{schema} {path}");
        }
    }

    #[test]
    fn link_gives_the_parameter_of_its_operation() {
        let with_link =
            |link: Value| json!({ "responses": { "200": { "links": { "next": link } } } });
        let paths = |link: Value| {
            json!({
                "/me": { "get": with_link(link) },
                "/users/{login}/repos": { "get": { "operationId": "repos" } },
            })
        };
        let expected =
            |source: Source| vec![("/users/{login}".to_owned(), "user_login".to_owned(), source)];
        // OpenAPI 3.0.4, "Link Object" and "Runtime Expressions".
        let cases = [
            (
                json!({ "operationId": "repos", "parameters": { "login": "$response.body#/user/na~1me" } }),
                Source::Json("$.user['na/me']".into()),
            ),
            (
                json!({ "operationRef": "#/paths/~1users~1{login}~1repos/get",
                     "parameters": { "path.login": "$response.header.X-Login" } }),
                Source::Header("X-Login".into()),
            ),
        ];
        for (link, source) in cases {
            assert_eq!(chains(&paths(link)), expected(source));
        }
        let other =
            json!({ "operationId": "none", "parameters": { "login": "$response.body#/a" } });
        assert!(chains(&paths(other)).is_empty());
        let of_request =
            json!({ "operationId": "repos", "parameters": { "login": "$request.path.id" } });
        assert!(chains(&paths(of_request)).is_empty());
    }

    #[test]
    fn circular_links_are_cut() {
        let link = |to: &str| {
            json!({ "operationId": to, "responses": { "200": { "links": { "l": {
                "operationId": if to == "a" { "b" } else { "a" }, "parameters": { "id": "$response.body#/id" },
            } } } } })
        };
        let found =
            chains(&json!({ "/a/{id}": { "get": link("a") }, "/b/{id}": { "get": link("b") } }));
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
