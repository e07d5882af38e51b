//! Bodies of operations, by their media types.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::data::Data;
use crate::draft::{Body, Part, PartContent};
use crate::openapi::example::ExampleGenerator;
use crate::openapi::reference::Document;
use crate::openapi::style::{Format, Place, component};
use crate::openapi::template::encoded_literals;
use crate::warnings::Warnings;

/// Comment of a task without its required body.
pub(super) const NO_BODY: &str =
    "no example of its body can be generated: send one from a file, and raise the weight";

const FORM: &str = "application/x-www-form-urlencoded";
/// Content of a file that is generated.
const FILE_CONTENT: &[u8] = b"content of a file\n";

/// A body with its media type, if brunt does not set that by itself.
pub(super) type TypedBody = (Body, Option<String>);

/// Writes bodies.
pub(super) struct BodyWriter<'a, 'b> {
    pub(super) document: Document<'a>,
    pub(super) data: &'b mut Data,
    pub(super) warnings: &'b mut Warnings,
    /// The operation, for warnings.
    pub(super) at: &'b str,
}

impl<'a> BodyWriter<'a, '_> {
    /// The body of a request body object; the error is the comment of a task whose body cannot be written.
    pub(super) fn of_content(
        &mut self,
        body: &'a Value,
    ) -> Result<Option<TypedBody>, &'static str> {
        let content = body.get("content").and_then(Value::as_object);
        let media: IndexMap<String, &Value> = content
            .into_iter()
            .flatten()
            .map(|(media, value)| (essence(media), value))
            .filter(|(media, _)| is_media_type(media))
            .collect();
        let find = |accepts: &dyn Fn(&str) -> bool| media.iter().find(|(media, _)| accepts(media));
        if let Some((media, value)) = find(&|media| media.ends_with("json") || media == "*/*") {
            let own = !matches!(media.as_str(), "*/*" | "application/json");
            let json = self.json(value);
            return Ok(json.map(|json| (Body::Json(json), own.then(|| media.clone()))));
        }
        if let Some((_, value)) = find(&|media| media == FORM) {
            return Ok(Some(self.form(value)));
        }
        if let Some((_, value)) = find(&|media| media == "multipart/form-data") {
            return Ok(Some((Body::Multipart(self.parts(value)), None)));
        }
        if let Some((media, value)) =
            find(&|media| media.starts_with("text/") || media.ends_with("xml"))
        {
            let example = self.example(value).and_then(Value::as_str);
            let text = match example {
                Some(example) => self.data.literal(example),
                None if media == "text/plain" => "text".to_owned(),
                None => return Err(self.without_body()),
            };
            return Ok(Some((Body::Text(text), Some(media.clone()))));
        }
        let Some((media, _)) = media.first() else {
            return Ok(None);
        };
        if media.starts_with("multipart/") || media.contains('*') {
            return Err(self.without_body());
        }
        let what = "the content of a file is generated: replace it with a real one";
        self.warnings.at(what, self.at);
        Ok(Some((
            Body::Bytes(FILE_CONTENT.to_vec()),
            Some(media.clone()),
        )))
    }

    fn without_body(&mut self) -> &'static str {
        let what = "no example of the body can be generated, and the task has weight 0";
        self.warnings.at(what, self.at);
        NO_BODY
    }

    fn generator(&mut self, draws: bool) -> ExampleGenerator<'a, '_> {
        ExampleGenerator::new(self.document, self.data, self.warnings, self.at, draws)
    }

    /// The example of a media type.
    fn example(&self, media: &'a Value) -> Option<&'a Value> {
        let examples = media.get("examples").and_then(Value::as_object);
        let mut named = examples
            .into_iter()
            .flat_map(|examples| examples.values())
            .filter_map(|example| self.document.value(example)?.get("value"));
        media.get("example").or_else(|| named.next())
    }

    fn json(&mut self, media: &'a Value) -> Option<Value> {
        let example = self.example(media);
        let mut generator = self.generator(true);
        if let Some(value) = example.and_then(|given| generator.given(given)) {
            return Some(value);
        }
        generator.generate(media.get("schema")?, "body")
    }

    /// The fields of a form, which has the styles of its `encoding` (OpenAPI 3.0.4, "Encoding Object"). By default, a list is a
    /// repeated field, and an object is JSON.
    fn form(&mut self, media: &'a Value) -> TypedBody {
        let Some(Value::Object(fields)) = self.json(media) else {
            return (Body::Form(Vec::new()), None);
        };
        let is_styled = |name: &String| {
            let encoding = encoding_of(media, name).and_then(Value::as_object);
            let mut keys = encoding.into_iter().flat_map(Map::keys);
            keys.any(|key| {
                ["style", "explode", "allowReserved", "collectionFormat"].contains(&key.as_str())
            })
        };
        if !fields.keys().any(is_styled) {
            let mut pairs = Vec::new();
            for (name, value) in &fields {
                let items = match value {
                    Value::Array(items) => &items[..],
                    single => std::slice::from_ref(single),
                };
                let texts = items.iter().filter_map(text_of);
                pairs.extend(texts.map(|text| (name.clone(), text)));
            }
            return (Body::Form(pairs), None);
        }
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| Self::form_field(name, value, encoding_of(media, name)))
            .filter(|pair| !pair.is_empty())
            .collect();
        (Body::Text(pairs.join("&")), Some(FORM.to_owned()))
    }

    /// A field of a form that is encoded here.
    fn form_field(name: &str, value: &Value, encoding: Option<&Value>) -> String {
        let pair = match encoding {
            None if value.is_object() => {
                let encoded = encoded_literals(&value.to_string(), component);
                format!("{}={encoded}", component(name))
            }
            encoding => {
                let described = encoding.unwrap_or(&Value::Null);
                Format::of(described, Place::Query).serialized(name, value)
            }
        };
        // The values of expressions are not encoded in a text.
        pair.replace("{{ ", "{{ urlencode(").replace(" }}", ") }}")
    }

    /// The parts of a multipart body. Binary properties are files with generated content.
    fn parts(&mut self, media: &'a Value) -> Vec<Part> {
        let example = match self.example(media) {
            Some(Value::Object(fields)) => fields.clone(),
            _ => Map::new(),
        };
        let Some(schema) = media.get("schema") else {
            let fields = example.iter();
            return fields
                .flat_map(|(name, value)| Self::text_parts(name, value, None))
                .collect();
        };
        let document = self.document;
        let properties = self.generator(true).properties(schema);
        let mut parts = Vec::new();
        for (name, property) in properties {
            let resolved = document.value(property).unwrap_or(property);
            let encoding = encoding_of(media, name);
            let media_type = encoding
                .and_then(|encoding| encoding.get("contentType"))
                .and_then(Value::as_str)
                .and_then(|list| list.split(',').next())
                .map(essence)
                .filter(|media| is_media_type(media) && !media.contains('*'));
            let items = resolved
                .get("items")
                .and_then(|items| document.value(items));
            if is_binary(resolved) || items.is_some_and(is_binary) {
                parts.push(self.file_part(name, media_type));
                continue;
            }
            let value = match example.get(name) {
                Some(value) => self.generator(true).given(value),
                None => self.generator(true).generate(property, name),
            };
            if let Some(value) = value {
                parts.extend(Self::text_parts(name, &value, media_type.as_ref()));
            }
        }
        parts
    }

    fn file_part(&mut self, name: &str, media: Option<String>) -> Part {
        let what = "the content of a file is generated: replace it with a real one";
        self.warnings.at(what, format!("`{name}` of {}", self.at));
        Part {
            name: name.to_owned(),
            content: PartContent::Bytes(FILE_CONTENT.to_vec()),
            file_name: Some("file.txt".to_owned()),
            media,
        }
    }

    /// A part with a text or with JSON; several of them for a list.
    fn text_parts(name: &str, value: &Value, media: Option<&String>) -> Vec<Part> {
        let items = match value {
            Value::Array(items) if media.is_none() => &items[..],
            single => std::slice::from_ref(single),
        };
        let part = |item: &Value| {
            let is_json = item.is_object() || item.is_array();
            let of_json = || is_json.then(|| "application/json".to_owned());
            Some(Part {
                name: name.to_owned(),
                content: PartContent::Text(text_of(item)?),
                file_name: None,
                media: media.cloned().or_else(of_json),
            })
        };
        items.iter().filter_map(part).collect()
    }
}

/// The `encoding` of a field.
fn encoding_of<'a>(media: &'a Value, field: &str) -> Option<&'a Value> {
    media.get("encoding")?.get(field)
}

/// Text of a value, whose strings are those of the scenario file.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn is_binary(schema: &Value) -> bool {
    let is = |key: &str, values: &[&str]| {
        let text = schema.get(key).and_then(Value::as_str);
        text.is_some_and(|text| values.contains(&text))
    };
    // Since 3.1, a binary file has a content type instead of a format; in Swagger 2.0, its type is `file`.
    is("format", &["binary"])
        || is("type", &["file"])
        || schema.get("contentMediaType").is_some() && schema.get("contentEncoding").is_none()
}

fn essence(media: &str) -> String {
    let essence = media.split(';').next().unwrap_or(media);
    essence.trim().to_ascii_lowercase()
}

fn is_media_type(media: &str) -> bool {
    !media.is_empty() && media.bytes().all(|byte| byte.is_ascii_graphic())
}
