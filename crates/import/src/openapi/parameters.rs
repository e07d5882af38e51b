//! Parameters of an operation, in its path, its query, its headers and its cookies.

use indexmap::IndexMap;
use serde_json::Value;

use crate::data::Data;
use crate::names::{noun_before, singular};
use crate::openapi::chains::Chains;
use crate::openapi::example::ExampleGenerator;
use crate::openapi::reference::Document;
use crate::openapi::style::{Format, Place, component};
use crate::secrets;
use crate::warnings::Warnings;

/// Names of parameters that say nothing without the noun before them.
const GENERIC_NAMES: [&str; 9] = [
    "id",
    "uuid",
    "guid",
    "key",
    "name",
    "slug",
    "code",
    "number",
    "identifier",
];

/// Request line and headers of an operation with the values of its parameters.
#[derive(Debug, Default)]
pub(super) struct RequestParts {
    /// The path, without its query.
    pub(super) path: String,
    /// Pairs of the query, encoded.
    pub(super) query: Vec<String>,
    pub(super) headers: IndexMap<String, String>,
    /// Pairs of the `Cookie` header.
    pub(super) cookies: Vec<String>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, Copy)]
struct Parameter<'a> {
    name: &'a str,
    place: Place,
    required: bool,
    typed: &'a Value,
}

/// Writer of the parameters of an operation.
pub(super) struct ParameterWriter<'a, 'b> {
    pub(super) document: Document<'a>,
    /// The operation, for warnings.
    pub(super) at: &'b str,
    /// Values that other operations give.
    pub(super) chains: &'b Chains,
    pub(super) data: &'b mut Data,
    pub(super) warnings: &'b mut Warnings,
}

impl<'a> ParameterWriter<'a, '_> {
    /// Fills in the parameters of a path, and adds those of the query, the headers and the cookies that are required or have
    /// an example.
    pub(super) fn fill(&mut self, template: &'a str, typed: &[&'a Value]) -> RequestParts {
        let parameters = self.read(typed);
        let mut parts = RequestParts {
            path: self.path(template, &parameters),
            ..RequestParts::default()
        };
        for parameter in &parameters {
            if parameter.place == Place::Path
                || !parameter.required && given(parameter.typed, self.document).is_empty()
            {
                continue;
            }
            let is_secret = parameter.name.eq_ignore_ascii_case("authorization");
            if parameter.place == Place::Header && is_secret {
                // The specification ignores it, but it is the only hint at a secret in some descriptions.
                let variable = self.data.secret(parameter.name, None).variable;
                self.warnings.at(
                    secrets::warning(&variable),
                    format!("header of {}", self.at),
                );
                let value = format!("{{{{ env.{variable} }}}}");
                parts.headers.insert("Authorization".to_owned(), value);
                continue;
            }
            if parameter.place == Place::Header && is_set_elsewhere(parameter.name) {
                continue;
            }
            let written = self.written(parameter, template);
            match parameter.place {
                // Nothing is sent for an empty list.
                _ if written.is_empty() => {}
                Place::Query => parts.query.push(written),
                Place::Cookie => parts.cookies.push(written),
                Place::Header => {
                    parts.headers.insert(parameter.name.to_owned(), written);
                }
                Place::Path => {}
            }
        }
        parts
    }

    /// Reads the parameters. Those of the operation come after those of the path, and replace them.
    fn read(&mut self, typed: &[&'a Value]) -> Vec<Parameter<'a>> {
        let mut parameters = IndexMap::new();
        for typed in typed {
            let Some(typed) = self.document.value(typed) else {
                let reference = typed["$ref"].as_str().unwrap_or_default();
                self.warnings.at(
                    "a reference cannot be resolved within this file, left out",
                    reference,
                );
                continue;
            };
            let text = |key: &str| typed.get(key).and_then(Value::as_str);
            let Some((name, within)) = text("name").zip(text("in")) else {
                continue;
            };
            let place = match within {
                "path" => Place::Path,
                "query" => Place::Query,
                "header" => Place::Header,
                "cookie" => Place::Cookie,
                "querystring" => {
                    let what = "parameters of a complete query string are not supported, left out";
                    self.warnings.at(what, format!("`{name}` of {}", self.at));
                    continue;
                }
                _ => continue,
            };
            let parameter = Parameter {
                name,
                place,
                required: typed.get("required") == Some(&Value::Bool(true)),
                typed,
            };
            parameters.insert((within, name), parameter);
        }
        parameters.into_values().collect()
    }

    fn path(&mut self, template: &'a str, parameters: &[Parameter<'a>]) -> String {
        let mut path = String::new();
        let mut rest = template;
        while let Some((before, (name, after))) = rest
            .split_once('{')
            .and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        {
            path += &encoded(before);
            let prefix = &template[..template.len() - after.len()];
            // Some descriptions contain the pattern of a parameter after its name.
            let plain = name.split(':').next().unwrap_or(name);
            let is_this =
                |parameter: &&Parameter| parameter.place == Place::Path && parameter.name == plain;
            let parameter = parameters.iter().find(is_this).copied();
            let undeclared = Parameter {
                name: plain,
                place: Place::Path,
                required: true,
                typed: &Value::Null,
            };
            path += &self.written(&parameter.unwrap_or(undeclared), prefix);
            rest = after;
        }
        path += &encoded(rest);
        if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        }
    }

    /// A parameter in its style. `path` is the template of the path up to the parameter, or the complete one.
    fn written(&mut self, parameter: &Parameter<'a>, path: &str) -> String {
        if let Some(content) = parameter.typed.get("content").and_then(Value::as_object) {
            let value = self.of_content(parameter, content);
            let format = Format::of(&Value::Null, parameter.place);
            return format.serialized(parameter.name, &value);
        }
        let format = Format::of(parameter.typed, parameter.place);
        let value = match self.chains.variable(path) {
            Some(variable) if parameter.place == Place::Path => {
                Value::from(format!("{{{{ {variable} }}}}"))
            }
            _ => self.value(parameter, path),
        };
        format.serialized(parameter.name, &value)
    }

    /// The text of a parameter that is described by a media type, such as JSON.
    fn of_content(
        &mut self,
        parameter: &Parameter<'a>,
        content: &'a serde_json::Map<String, Value>,
    ) -> Value {
        let Some((media, described)) = content.iter().next() else {
            return Value::from("");
        };
        let document = self.document;
        let given = given(parameter.typed, document).into_iter().next();
        let value = given.or_else(|| {
            let mut generator =
                ExampleGenerator::new(document, self.data, self.warnings, self.at, false);
            generator.generate(described.get("schema")?, parameter.name)
        });
        let text = match value {
            Some(Value::String(text)) if !media.contains("json") => text,
            Some(value) => value.to_string(),
            None => String::new(),
        };
        self.data.literal(&text).into()
    }

    /// The value of a parameter, whose strings are those of the scenario file. A single value of a path is always drawn from a
    /// list, in which users can write real values.
    fn value(&mut self, parameter: &Parameter<'a>, path: &str) -> Value {
        let schema = schema_of(parameter.typed, self.document);
        let given: Vec<Value> = given(parameter.typed, self.document)
            .into_iter()
            .map(|value| of_type(value, schema))
            .collect();
        let is_scalar = |value: &Value| !value.is_array() && !value.is_object();
        if let Some(complete) = given.iter().find(|value| !is_scalar(value)) {
            return self.literal(complete);
        }
        if schema.is_some_and(|schema| is_type(schema, "array")) {
            return self.list(parameter, schema, given);
        }
        if schema.is_some_and(|schema| is_type(schema, "object")) {
            return self.generated(parameter).unwrap_or_default();
        }
        if parameter.place == Place::Path {
            return self.of_path(parameter, path, given).into();
        }
        match &given[..] {
            [] => match self.generated(parameter) {
                Some(value) if is_numeric(schema) || is_drawn(&value) => value,
                _ => self.made_up(parameter, path).into(),
            },
            [one] => self.literal(one),
            _ => self.data.pick(parameter.name, given).into(),
        }
    }

    fn literal(&mut self, value: &Value) -> Value {
        crate::json_bodies::literal(value, self.data)
    }

    /// A list whose items are drawn, given or generated.
    fn list(
        &mut self,
        parameter: &Parameter<'a>,
        schema: Option<&'a Value>,
        given: Vec<Value>,
    ) -> Value {
        let item = match &given[..] {
            [] => return self.generated(parameter).unwrap_or_default(),
            [one] => self.literal(one),
            _ => Value::from(self.data.pick(parameter.name, given)),
        };
        let count = schema
            .and_then(|schema| schema.get("minItems"))
            .and_then(Value::as_u64)
            .unwrap_or(1);
        (0..count.clamp(1, 3)).map(|_| item.clone()).collect()
    }

    fn generated(&mut self, parameter: &Parameter<'a>) -> Option<Value> {
        let schema = schema_of(parameter.typed, self.document)?;
        let mut generator =
            ExampleGenerator::new(self.document, self.data, self.warnings, self.at, true);
        generator.generate(schema, parameter.name)
    }

    fn of_path(&mut self, parameter: &Parameter<'a>, path: &str, given: Vec<Value>) -> String {
        if given.is_empty() {
            return self.made_up(parameter, path);
        }
        let name = list_name(parameter.name, path);
        self.data.pick_at(path, &name, given)
    }

    /// Values without an example, in a list that users replace.
    fn made_up(&mut self, parameter: &Parameter<'a>, path: &str) -> String {
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
                Some(value @ Value::String(_)) => vec![value],
                _ => vec![1.into()],
            }
        };
        let what = "there is no example, and generated values were written under [data]";
        self.warnings
            .at(what, format!("`{}` of {}", parameter.name, self.at));
        if parameter.place == Place::Path {
            let name = list_name(parameter.name, path);
            return self.data.pick_generated(path, &name, values);
        }
        let place = format!("{path} {}", parameter.name);
        self.data.pick_generated(&place, parameter.name, values)
    }
}

/// Name of the list for a parameter of a path: `user_id` for `/users/{id}`.
fn list_name(parameter: &str, path: &str) -> String {
    if !GENERIC_NAMES.contains(&parameter.to_ascii_lowercase().as_str()) {
        return parameter.to_owned();
    }
    let noun = singular(noun_before(path, path.split('/').count() - 1));
    match noun.as_str() {
        "path" => parameter.to_owned(),
        noun => format!("{noun}_{parameter}"),
    }
}

/// Whether a header is set by another part of the description or by brunt. Some descriptions contain such parameters, which
/// the specification forbids.
fn is_set_elsewhere(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "accept",
        "content-type",
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

fn is_type(schema: &Value, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => match wanted {
            "array" => schema.get("items").is_some(),
            "object" => schema.get("properties").is_some(),
            _ => false,
        },
    }
}

fn is_numeric(schema: Option<&Value>) -> bool {
    schema.is_some_and(|schema| {
        ["integer", "number", "boolean"]
            .iter()
            .any(|wanted| is_type(schema, wanted))
    })
}

/// Whether a value is an expression.
fn is_drawn(value: &Value) -> bool {
    let is_expression =
        |text: &str| text.starts_with("{{ ") && text.find(" }}") == Some(text.len() - 3);
    value.as_str().is_some_and(is_expression)
}

/// A value as its schema types it: YAML reads `01234` as a text, and `1` as a number.
fn of_type(value: Value, schema: Option<&Value>) -> Value {
    let Some(schema) = schema else { return value };
    match &value {
        Value::String(text) if is_type(schema, "integer") => {
            text.parse::<i64>().map_or(value, Value::from)
        }
        Value::Number(number) if is_type(schema, "string") => number.to_string().into(),
        _ => value,
    }
}

/// The values that the description gives for a parameter.
fn given(typed: &Value, document: Document) -> Vec<Value> {
    let schema = schema_of(typed, document);
    let content = typed.get("content").and_then(Value::as_object);
    let media = content.and_then(|content| content.values().next());
    let mut values: Vec<&Value> = Vec::new();
    for described in [Some(typed), media].into_iter().flatten() {
        values.extend(
            described
                .get("example")
                .or_else(|| described.get("x-example")),
        );
        let named = described.get("examples").and_then(Value::as_object);
        let named = named.into_iter().flat_map(|examples| examples.values());
        values.extend(named.filter_map(|example| document.value(example)?.get("value")));
    }
    if values.is_empty()
        && let Some(schema) = schema
    {
        values.extend(
            ["const", "example", "default"]
                .iter()
                .find_map(|key| schema.get(*key).or_else(|| typed.get(*key))),
        );
        if values.is_empty() {
            let items = schema.get("items").and_then(|items| document.value(items));
            let listed = |key: &str| {
                let list = |schema: &Value| schema.get(key).and_then(Value::as_array).cloned();
                list(schema).or_else(|| list(items?))
            };
            let one = |key: &str| Some(vec![items?.get(key)?.clone()]);
            return listed("examples")
                .or_else(|| one("example"))
                .or_else(|| listed("enum"))
                .or_else(|| one("default"))
                .unwrap_or_default()
                .into_iter()
                .filter(|value| !value.is_null())
                .collect();
        }
    }
    values
        .into_iter()
        .filter(|value| !value.is_null())
        .cloned()
        .collect()
}

/// Encodes a path of a description so that it contains no expression.
fn encoded(text: &str) -> String {
    text.replace('{', "%7B")
        .replace('}', "%7D")
        .replace('#', "%23")
}

/// A pair of a query with a value of the scenario file.
pub(super) fn pair(name: &str, value: &str) -> String {
    format!("{}={value}", component(name))
}
