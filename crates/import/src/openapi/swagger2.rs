//! Swagger 2.0: the parts whose structure differs from OpenAPI 3.

use serde_json::{Map, Value, json};

/// URL of the server. `scheme` is that of the description's own URL.
pub(super) fn server(root: &Value, scheme: &str) -> Option<String> {
    let text = |key: &str| root.get(key).and_then(Value::as_str);
    let host = text("host").filter(|host| !host.is_empty());
    let path = text("basePath").unwrap_or_default().trim_end_matches('/');
    let schemes: Vec<&str> = list(root, "schemes").filter_map(Value::as_str).collect();
    let scheme = if schemes.is_empty() {
        scheme
    } else if schemes.contains(&"https") {
        "https"
    } else {
        "http"
    };
    match host {
        Some(host) => Some(format!("{scheme}://{host}{path}")),
        None => (!path.is_empty()).then(|| path.to_owned()),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The body of an operation in the structure of version 3, from the body parameter or the form parameters.
pub(super) fn request_body(
    parameters: &[&Value],
    operation: &Value,
    root: &Value,
) -> Option<Value> {
    let is_in = |parameter: &&&Value, place: &str| {
        parameter.get("in").and_then(Value::as_str) == Some(place)
    };
    let consumes: Vec<&str> = list(operation, "consumes")
        .chain(list(root, "consumes"))
        .filter_map(Value::as_str)
        .collect();
    if let Some(body) = parameters.iter().find(|parameter| is_in(parameter, "body")) {
        let media = consumes
            .iter()
            .find(|media| media.contains("json"))
            .or(consumes.first());
        let media = media.copied().unwrap_or("application/json");
        let schema = body.get("schema").cloned().unwrap_or_else(|| json!({}));
        return Some(json!({ "content": { media: { "schema": schema } } }));
    }
    let fields: Vec<&&Value> = parameters
        .iter()
        .filter(|parameter| is_in(parameter, "formData"))
        .collect();
    if fields.is_empty() {
        return None;
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let Some(name) = field.get("name").and_then(Value::as_str) else {
            continue;
        };
        properties.insert(name.to_owned(), (*field).clone());
        if field.get("required") == Some(&Value::Bool(true)) {
            required.push(name);
        }
    }
    let has_file = properties
        .values()
        .any(|field| field.get("type") == Some(&json!("file")));
    let in_parts = has_file || consumes.first() == Some(&"multipart/form-data");
    let media = if in_parts {
        "multipart/form-data"
    } else {
        "application/x-www-form-urlencoded"
    };
    // `required` of a parameter is a boolean, which has no meaning in a schema.
    Some(json!({ "content": { media: {
        "schema": { "type": "object", "properties": properties, "required": required },
    } } }))
}
