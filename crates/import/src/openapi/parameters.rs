//! Parameters of an operation, in its path, its query and its headers.

use indexmap::IndexMap;
use serde_json::Value;
use url::form_urlencoded;

use crate::data::Data;
use crate::openapi::example::ExampleGenerator;
use crate::openapi::reference::Document;
use crate::warnings::Warnings;

/// Comment of lists with generated values.
pub(super) const GENERATED: &str = "generated: replace with real values";

/// Path and headers of a request with the values of its parameters.
#[derive(Debug)]
pub(super) struct RequestParts {
    /// The path with its query.
    pub(super) path: String,
    pub(super) headers: IndexMap<String, String>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, Copy)]
struct Parameter<'a> {
    name: &'a str,
    place: &'a str,
    required: bool,
    typed: &'a Value,
}

/// Fills in the parameters of a path, and adds those of the query and the headers that are required or have an example.
pub(super) fn fill<'a>(
    template: &str,
    typed: &[&'a Value],
    document: Document<'a>,
    at: &str,
    data: &mut Data,
    warnings: &mut Warnings,
) -> RequestParts {
    let parameters = read(typed, document, warnings);
    let mut writer = ParameterWriter {
        document,
        at,
        data,
        warnings,
    };
    let mut path = writer.path(template, &parameters);
    let mut headers = IndexMap::new();
    for parameter in parameters.values() {
        let given = given(parameter.typed, document);
        if !parameter.required && given.is_empty() {
            continue;
        }
        match parameter.place {
            "query" => {
                let value = writer.value(parameter, false);
                let join = if path.contains('?') { '&' } else { '?' };
                path = format!("{path}{join}{}={value}", component(parameter.name));
            }
            "header" if !is_set_elsewhere(parameter.name) => {
                let value = writer.value(parameter, false);
                headers.insert(parameter.name.to_owned(), value);
            }
            "cookie" if parameter.required => {
                writer.warnings.at(
                    "a required cookie was left out",
                    format!("`{}` of {at}", parameter.name),
                );
            }
            _ => {}
        }
    }
    RequestParts { path, headers }
}

/// Reads the parameters. Those of the operation come after those of the path, and replace them.
fn read<'a>(
    typed: &[&'a Value],
    document: Document<'a>,
    warnings: &mut Warnings,
) -> IndexMap<(&'a str, &'a str), Parameter<'a>> {
    let mut parameters = IndexMap::new();
    for typed in typed {
        let Some(typed) = document.value(typed) else {
            let reference = typed["$ref"].as_str().unwrap_or_default();
            warnings.at(
                "a reference cannot be resolved within this file, left out",
                reference,
            );
            continue;
        };
        let text = |key: &str| typed.get(key).and_then(Value::as_str);
        let (Some(name), Some(place)) = (text("name"), text("in")) else {
            continue;
        };
        let required = typed.get("required") == Some(&Value::Bool(true));
        parameters.insert(
            (place, name),
            Parameter {
                name,
                place,
                required,
                typed,
            },
        );
    }
    parameters
}

/// Whether a header is set by another part of the description or by brunt. Some descriptions contain such parameters, which
/// the specification forbids.
fn is_set_elsewhere(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "accept",
        "content-type",
        "authorization",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "expect",
        "cookie",
    ];
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    NAMES.contains(&name.to_ascii_lowercase().as_str())
        || name.is_empty()
        || !name.bytes().all(is_token)
}

/// Writes the values of parameters.
struct ParameterWriter<'a, 'b> {
    document: Document<'a>,
    at: &'b str,
    data: &'b mut Data,
    warnings: &'b mut Warnings,
}

impl<'a> ParameterWriter<'a, '_> {
    fn path(
        &mut self,
        template: &str,
        parameters: &IndexMap<(&str, &str), Parameter<'a>>,
    ) -> String {
        let mut path = String::new();
        let mut rest = template;
        while let Some((before, (name, after))) = rest
            .split_once('{')
            .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            path += &encoded(before);
            // Some descriptions contain the pattern of a parameter after its name.
            let plain = name.split(':').next().unwrap_or(name);
            let undeclared = Parameter {
                name: plain,
                place: "path",
                required: true,
                typed: &Value::Null,
            };
            let parameter = parameters.get(&("path", plain)).copied();
            path += &match parameter {
                Some(parameter) => self.value(&parameter, true),
                None => self.list(undeclared.name, &[]),
            };
            rest = after;
        }
        path += &encoded(rest);
        if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        }
    }

    /// The value of a parameter in the encoding of its place. A path parameter is always drawn from a list, in which users can
    /// write real values.
    fn value(&mut self, parameter: &Parameter<'a>, in_path: bool) -> String {
        let encode = |value: &Value| match (value, parameter.place) {
            (Value::String(text), "header") => Value::from(one_line(text)),
            (Value::String(text), _) => Value::from(component(text)),
            (other, _) => other.clone(),
        };
        let given: Vec<Value> = given(parameter.typed, self.document)
            .iter()
            .map(encode)
            .collect();
        if in_path {
            return self.list_of(parameter, &given);
        }
        match &given[..] {
            [] => {}
            [one] => {
                let text = match one {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                return self.data.literal(&text);
            }
            _ => return self.data.pick(parameter.name, given),
        }
        let numeric = schema_of(parameter.typed, self.document)
            .and_then(|schema| schema.get("type"))
            .is_some_and(|kind| kind == "integer" || kind == "number" || kind == "boolean");
        match self.generate(parameter) {
            Some(Value::String(text)) if numeric => text,
            Some(other) if numeric => other.to_string(),
            _ => self.list_of(parameter, &[]),
        }
    }

    fn generate(&mut self, parameter: &Parameter<'a>) -> Option<Value> {
        let schema = schema_of(parameter.typed, self.document)?;
        let mut generator =
            ExampleGenerator::new(self.document, self.data, self.warnings, self.at, true);
        generator.generate(schema, parameter.name)
    }

    fn list_of(&mut self, parameter: &Parameter<'a>, given: &[Value]) -> String {
        if !given.is_empty() {
            return self.data.pick_among(parameter.name, given.to_vec());
        }
        let schema = schema_of(parameter.typed, self.document);
        let kind = schema
            .and_then(|schema| schema.get("type"))
            .and_then(Value::as_str);
        let values = if let Some("integer" | "number") = kind {
            vec![1.into(), 2.into(), 3.into()]
        } else {
            let generated = schema.and_then(|schema| {
                let mut generator =
                    ExampleGenerator::new(self.document, self.data, self.warnings, self.at, false);
                generator.generate(schema, parameter.name)
            });
            match generated {
                Some(Value::String(text)) => vec![component(&text).into()],
                _ => Vec::new(),
            }
        };
        self.list(parameter.name, &values)
    }

    fn list(&mut self, name: &str, values: &[Value]) -> String {
        let values = if values.is_empty() {
            vec![1.into()]
        } else {
            values.to_vec()
        };
        let drawn = self.data.pick_among(name, values);
        self.data.comment(&drawn, GENERATED);
        let what = "there is no example, and generated values were written under [data]";
        self.warnings.at(what, format!("`{name}` of {}", self.at));
        drawn
    }
}

/// The schema of a parameter; before version 3, it is the parameter itself.
fn schema_of<'a>(typed: &'a Value, document: Document<'a>) -> Option<&'a Value> {
    let content = typed.get("content").and_then(Value::as_object);
    let media = content.and_then(|content| content.values().next());
    let schema = typed
        .get("schema")
        .or_else(|| media.and_then(|media| media.get("schema")));
    let own = typed.get("type").map(|_| typed);
    document.value(schema.or(own)?)
}

/// The values that the description gives for a parameter.
fn given(typed: &Value, document: Document) -> Vec<Value> {
    let schema = schema_of(typed, document);
    let of_parameter = typed.get("example");
    let named = typed
        .get("examples")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let named = named.filter_map(|(_, example)| document.value(example)?.get("value"));
    let mut values: Vec<&Value> = of_parameter.into_iter().chain(named).collect();
    if values.is_empty()
        && let Some(schema) = schema
    {
        // A list has one item.
        let items = schema.get("items").and_then(|items| document.value(items));
        let listed =
            |schema: &'_ Value, key: &str| schema.get(key).and_then(Value::as_array).cloned();
        let single = |key: &str| schema.get(key).or_else(|| typed.get(key));
        values.extend(single("example").or_else(|| single("default")));
        if values.is_empty() {
            let several = ["examples", "enum"]
                .iter()
                .find_map(|key| listed(schema, key).or_else(|| listed(items?, key)));
            return several
                .unwrap_or_default()
                .iter()
                .filter_map(scalar)
                .collect();
        }
    }
    values.into_iter().filter_map(scalar).collect()
}

/// A value for a path, a query or a header; the first item of a list.
fn scalar(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) | Value::Bool(_) => Some(value.clone()),
        Value::Number(number) if number.as_i64().is_some() || number.is_f64() => {
            Some(value.clone())
        }
        Value::Array(items) => items
            .first()
            .filter(|item| !item.is_array())
            .and_then(scalar),
        _ => None,
    }
}

/// Encodes a text for a segment of a path or for a query.
pub(super) fn component(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// Encodes a path of a description so that it contains no expression.
fn encoded(text: &str) -> String {
    text.replace('{', "%7B")
        .replace('}', "%7D")
        .replace('#', "%23")
}

fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}
