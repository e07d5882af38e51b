//! Security schemes of a description. Each requires a secret, which the user has to add.

use serde_json::Value;

use crate::openapi::parameters::component;
use crate::secrets::{PLACEHOLDER, Secret};
use crate::warnings::Warnings;

/// The secret headers that the operations require.
pub(super) fn secrets(root: &Value, warnings: &mut Warnings) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = Vec::new();
    let paths = root.get("paths").and_then(Value::as_object);
    let items = paths
        .into_iter()
        .flatten()
        .filter_map(|(_, item)| item.as_object());
    let operations = items.flat_map(|item| item.values());
    let all = operations.filter(|operation| operation.is_object());
    for scheme in all.flat_map(|operation| schemes(operation, root)) {
        let secret = match (
            text(scheme, "type"),
            text(scheme, "in"),
            text(scheme, "name"),
        ) {
            ("apiKey", "header", name) if is_token(name) => Secret::of_header(name, ""),
            ("apiKey", "cookie", _) => Secret::of_header("Cookie", ""),
            ("http", ..) if text(scheme, "scheme").eq_ignore_ascii_case("basic") => {
                Secret::of_header("Authorization", "Basic ")
            }
            ("basic", ..) => Secret::of_header("Authorization", "Basic "),
            ("http" | "oauth2" | "openIdConnect", ..) => {
                Secret::of_header("Authorization", "Bearer ")
            }
            ("apiKey", "query", name) if !name.is_empty() => {
                let what = format!("a key in the query is {PLACEHOLDER}; write the value to send");
                warnings.at(what, format!("`{name}`"));
                continue;
            }
            _ => continue,
        };
        if !secrets
            .iter()
            .any(|known| known.header.eq_ignore_ascii_case(&secret.header))
        {
            warnings.add(secret.warning());
            secrets.push(secret);
        }
    }
    secrets
}

/// Adds the key that belongs into the query to a path.
pub(super) fn with_key_in_query(path: String, operation: &Value, root: &Value) -> String {
    let names = schemes(operation, root)
        .into_iter()
        .filter(|scheme| text(scheme, "type") == "apiKey" && text(scheme, "in") == "query")
        .map(|scheme| text(scheme, "name"))
        .filter(|name| !name.is_empty());
    names.fold(path, |path, name| {
        let join = if path.contains('?') { '&' } else { '?' };
        format!("{path}{join}{}={PLACEHOLDER}", component(name))
    })
}

/// The schemes of the first security requirement of an operation; empty if one of its requirements is empty.
fn schemes<'a>(operation: &'a Value, root: &'a Value) -> Vec<&'a Value> {
    let requirements = operation.get("security").or_else(|| root.get("security"));
    let requirements = requirements
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let is_empty = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty);
    if requirements.iter().any(is_empty) {
        return Vec::new();
    }
    let described = root
        .pointer("/components/securitySchemes")
        .or_else(|| root.get("securityDefinitions"));
    let names = requirements
        .first()
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|requirement| requirement.keys());
    names.filter_map(|name| described?.get(name)).collect()
}

fn text<'a>(scheme: &'a Value, key: &str) -> &'a str {
    scheme.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
