//! Example values of a schema: the given example if there is one, and a generated value otherwise.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::data::Data;
use crate::json_bodies;
use crate::openapi::reference::Document;
use crate::secrets::{self, PLACEHOLDER};
use crate::warnings::Warnings;

/// Depth below which optional fields are left out.
const OPTIONAL_DEPTH_MAX: usize = 2;
/// Largest depth of a value.
const DEPTH_MAX: usize = 12;
/// Largest number of parts of a body, since schemas that refer to each other can have millions.
const PARTS_MAX: usize = 400;
/// Largest length of a string, even if its schema requires a longer one.
const LENGTH_MAX: usize = 200;

/// Generates values.
pub(super) struct ExampleGenerator<'a, 'b> {
    document: Document<'a>,
    data: &'b mut Data,
    warnings: &'b mut Warnings,
    /// The operation, for warnings.
    place: &'b str,
    /// Whether values may be drawn for each request.
    draws: bool,
    /// The references that are being followed.
    trail: Vec<&'a str>,
    parts_left: usize,
}

impl<'a, 'b> ExampleGenerator<'a, 'b> {
    pub(super) fn new(
        document: Document<'a>,
        data: &'b mut Data,
        warnings: &'b mut Warnings,
        place: &'b str,
        draws: bool,
    ) -> Self {
        Self {
            document,
            data,
            warnings,
            place,
            draws,
            trail: Vec::new(),
            parts_left: PARTS_MAX,
        }
    }

    /// Generates a value of a schema, whose strings are those of the scenario file; `None` if that is impossible.
    pub(super) fn generate(&mut self, schema: &'a Value, name: &str) -> Option<Value> {
        self.value(schema, name, 0)
    }

    /// The properties of an object's schema that are sent.
    pub(super) fn properties(&mut self, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let mut fields = Fields::default();
        self.collect(schema, &mut fields, 0);
        let document = self.document;
        let is_sent = |property: &Value| {
            let resolved = document.value(property).unwrap_or(property);
            ["readOnly", "deprecated"]
                .iter()
                .all(|key| resolved.get(*key) != Some(&Value::Bool(true)))
        };
        fields.properties.retain(|_, property| is_sent(property));
        // A required field without a schema has any value.
        for name in fields.required {
            fields.properties.entry(name).or_insert(&Value::Null);
        }
        fields.properties.into_iter().collect()
    }

    /// Converts a value of the description for a scenario file.
    pub(super) fn given(&mut self, value: &Value) -> Option<Value> {
        let value = json_bodies::public(value, self.place, self.warnings)?;
        Some(if self.draws {
            json_bodies::literal(&value, self.data)
        } else {
            value
        })
    }

    fn value(&mut self, schema: &'a Value, name: &str, depth: usize) -> Option<Value> {
        if self.parts_left == 0 || depth > DEPTH_MAX {
            self.warnings.at(
                "a body was shortened, since its schema is recursive or very large",
                self.place,
            );
            return None;
        }
        self.parts_left -= 1;
        let Some(found) = self.document.find(schema) else {
            let reference = schema["$ref"].as_str().unwrap_or_default();
            self.warnings.at(
                "a reference cannot be resolved within this file, left out",
                reference,
            );
            return None;
        };
        // A recursive schema ends here.
        if found.by.iter().any(|by| self.trail.contains(by)) {
            return None;
        }
        let before = self.trail.len();
        self.trail.extend(found.by);
        let value = self.of_schema(found.value, name, depth);
        self.trail.truncate(before);
        value
    }

    fn of_schema(&mut self, schema: &'a Value, name: &str, depth: usize) -> Option<Value> {
        let listed = schema.get("examples").and_then(|examples| match examples {
            Value::Array(list) => list.first(),
            _ => None,
        });
        let given = [
            schema.get("const"),
            schema.get("example"),
            listed,
            schema.get("default"),
        ];
        for value in given.into_iter().flatten() {
            if let Some(value) = self.given(value) {
                return Some(value);
            }
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return self.one_of(values, name);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Value::Array(options)) = schema.get(key)
                && schema.get("properties").is_none()
            {
                return options
                    .iter()
                    .find_map(|option| self.value(option, name, depth + 1));
            }
        }
        match kind(schema) {
            Kind::Object => Some(self.object(schema, depth)),
            Kind::Array => Some(self.array(schema, name, depth)),
            Kind::Merged => self.merged(schema, name, depth),
            Kind::Boolean => Some(true.into()),
            Kind::Integer => Some(self.integer(schema)),
            Kind::Number => Some(self.number(schema)),
            Kind::Text => self.text(schema, name),
            Kind::Null => None,
        }
    }

    fn one_of(&mut self, values: &[Value], name: &str) -> Option<Value> {
        let is_scalar =
            |value: &&Value| value.is_string() || value.is_boolean() || value.as_i64().is_some();
        let scalars: Vec<Value> = values.iter().filter(is_scalar).cloned().collect();
        match &scalars[..] {
            [] => values.iter().find_map(|value| self.given(value)),
            [_, _, ..] if self.draws => Some(self.data.pick(name, scalars).into()),
            [one, ..] => self.given(one),
        }
    }

    /// A value of `allOf`: an object with all fields, or else the value of the first part that has one.
    fn merged(&mut self, schema: &'a Value, name: &str, depth: usize) -> Option<Value> {
        let mut fields = Fields::default();
        self.collect(schema, &mut fields, depth);
        if !fields.properties.is_empty() {
            return Some(self.fields(&fields, depth));
        }
        let parts = schema.get("allOf").and_then(Value::as_array)?;
        parts
            .iter()
            .find_map(|part| self.value(part, name, depth + 1))
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Value {
        let mut fields = Fields::default();
        self.collect(schema, &mut fields, depth);
        self.fields(&fields, depth)
    }

    /// Collects the fields of an object and of the schemas that it consists of.
    fn collect(&mut self, schema: &'a Value, fields: &mut Fields<'a>, depth: usize) {
        if self.parts_left == 0 || depth > DEPTH_MAX {
            return;
        }
        self.parts_left -= 1;
        let Some(found) = self.document.find(schema) else {
            return;
        };
        if found.by.iter().any(|by| self.trail.contains(by)) {
            return;
        }
        let before = self.trail.len();
        self.trail.extend(found.by);
        let schema = found.value;
        let list = |key: &str| {
            schema
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        };
        for part in list("allOf") {
            self.collect(part, fields, depth + 1);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(part) = list(key).next() {
                self.collect(part, fields, depth + 1);
            }
        }
        for (name, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            fields.properties.insert(name, property);
        }
        fields
            .required
            .extend(list("required").filter_map(Value::as_str));
        self.trail.truncate(before);
    }

    fn fields(&mut self, fields: &Fields<'a>, depth: usize) -> Value {
        let mut object = Map::new();
        for (name, property) in &fields.properties {
            let resolved = self.document.value(property).unwrap_or(property);
            let is = |key: &str| {
                resolved.get(key).or_else(|| property.get(key)) == Some(&Value::Bool(true))
            };
            let required = fields.required.contains(name);
            // Fields that only the server sets are not sent.
            if is("readOnly") || (!required && (is("deprecated") || depth >= OPTIONAL_DEPTH_MAX)) {
                continue;
            }
            match self.value(property, name, depth + 1) {
                Some(value) => {
                    object.insert((*name).to_owned(), value);
                }
                None if required => {
                    let what = "no value can be generated for a required field";
                    self.warnings
                        .at(what, format!("`{name}` of {}", self.place));
                }
                None => {}
            }
        }
        // A required field without a schema has any value.
        for name in &fields.required {
            if !fields.properties.contains_key(name) {
                object.insert((*name).to_owned(), self.data.literal(name).into());
            }
        }
        object.into()
    }

    fn array(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        let Some(items) = schema.get("items").filter(|items| items.is_object()) else {
            return Value::Array(Vec::new());
        };
        let wanted = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1);
        let count = wanted.clamp(1, 3);
        (0..count)
            .filter_map(|_| self.value(items, name, depth + 1))
            .collect()
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let (low, high) = bounds(schema, 1.0, 999.0);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`bounds` keeps within 2^53"
        )]
        let (low, high) = (low.ceil() as i64, high.floor() as i64);
        let step = schema
            .get("multipleOf")
            .and_then(Value::as_i64)
            .filter(|step| *step > 1);
        match step {
            Some(step) => ((low + step - 1).div_euclid(step) * step).into(),
            None if self.draws && low < high => format!("{{{{ randint({low}, {high}) }}}}").into(),
            None => low.into(),
        }
    }

    fn number(&mut self, schema: &Value) -> Value {
        let (low, high) = bounds(schema, 1.0, 99.0);
        let stepped = schema.get("multipleOf").is_some();
        if self.draws && !stepped && low < high {
            return format!("{{{{ uniform({low:?}, {high:?}) }}}}").into();
        }
        low.into()
    }

    fn text(&mut self, schema: &Value, name: &str) -> Option<Value> {
        let format = schema
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let fixed = match format {
            "date" => "2026-01-31",
            "date-time" => "2026-01-31T12:00:00Z",
            "time" => "12:00:00Z",
            "duration" => "PT1H",
            "uuid" => "123e4567-e89b-42d3-a456-426614174000",
            "uri" | "url" | "uri-reference" => "https://example.com/",
            "hostname" => "example.com",
            "ipv4" => "192.0.2.1",
            "ipv6" => "2001:db8::1",
            "byte" => "aGVsbG8=",
            "email" if self.draws => "user-{{ randint(1, 100000) }}@example.com",
            "email" => "user@example.com",
            "binary" => return None,
            // A list under [data] is not evaluated.
            "password" if self.draws => {
                let variable = self.data.secret(name, None).variable;
                let place = format!("`{name}` of {}", self.place);
                self.warnings.at(secrets::warning(&variable), place);
                return Some(format!("{{{{ env.{variable} }}}}").into());
            }
            "password" => PLACEHOLDER,
            _ => return Some(self.plain_text(schema, name).into()),
        };
        Some(fixed.into())
    }

    fn plain_text(&mut self, schema: &Value, name: &str) -> String {
        let length = |key: &str| {
            let length = schema.get(key).and_then(Value::as_u64)?;
            Some(
                usize::try_from(length)
                    .unwrap_or(usize::MAX)
                    .min(LENGTH_MAX),
            )
        };
        let (shortest, longest) = (
            length("minLength").unwrap_or(0),
            length("maxLength").unwrap_or(LENGTH_MAX),
        );
        if schema.get("pattern").is_some() {
            let what = "a string has a pattern, which the generated value may not match";
            self.warnings
                .at(what, format!("`{name}` of {}", self.place));
        }
        let plain: String = name
            .chars()
            .filter(|letter| letter.is_alphanumeric())
            .collect();
        let plain = if plain.is_empty() {
            "text".to_owned()
        } else {
            plain
        };
        let letters = plain.chars().count();
        if self.draws && letters + 2 >= shortest && letters + 5 <= longest {
            return format!("{plain} {{{{ randint(1, 1000) }}}}");
        }
        plain
            .chars()
            .cycle()
            .take(letters.clamp(shortest, longest.max(shortest)))
            .collect()
    }
}

/// The fields of an object.
#[derive(Default)]
struct Fields<'a> {
    properties: IndexMap<&'a str, &'a Value>,
    required: Vec<&'a str>,
}

/// The kind of the values of a schema.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    /// A value of all parts of `allOf`.
    Merged,
    Boolean,
    Integer,
    Number,
    Text,
    Null,
}

fn kind(schema: &Value) -> Kind {
    // Since 3.1 there may be several types; `null` is rarely useful.
    let named = match schema.get("type") {
        Some(Value::Array(types)) => {
            let mut types = types.iter().filter_map(Value::as_str);
            let first = types.clone().next();
            types.find(|name| *name != "null").or(first)
        }
        Some(Value::String(name)) => Some(name.as_str()),
        _ => None,
    };
    match named {
        Some("object") => Kind::Object,
        Some("array") => Kind::Array,
        Some("boolean") => Kind::Boolean,
        Some("integer") => Kind::Integer,
        Some("number") => Kind::Number,
        Some("null") => Kind::Null,
        None if schema.get("allOf").is_some() => Kind::Merged,
        None if schema.get("properties").is_some()
            || schema.get("additionalProperties").is_some() =>
        {
            Kind::Object
        }
        None if schema.get("items").is_some() => Kind::Array,
        _ => Kind::Text,
    }
}

/// The smallest and the largest number, both within the integers that a float represents exactly.
fn bounds(schema: &Value, low_default: f64, width_default: f64) -> (f64, f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_integer = kind(schema) == Kind::Integer;
    let least = if is_integer { 1.0 } else { 0.01 };
    let number = |key: &str| {
        schema
            .get(key)
            .and_then(Value::as_f64)
            .filter(|number| number.is_finite())
    };
    // Until 3.0, a boolean makes a bound exclusive; since 3.1, the keyword is a bound itself.
    let exclusive = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let low = number("exclusiveMinimum")
        .map(|low| low + least)
        .or_else(|| {
            number("minimum").map(|low| {
                if exclusive("exclusiveMinimum") {
                    low + least
                } else {
                    low
                }
            })
        });
    let high = number("exclusiveMaximum")
        .map(|high| high - least)
        .or_else(|| {
            number("maximum").map(|high| {
                if exclusive("exclusiveMaximum") {
                    high - least
                } else {
                    high
                }
            })
        });
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high),
        (Some(low), None) => (low, low + width_default),
        (None, Some(high)) => (low_default.min(high), high),
        (None, None) => (low_default, low_default + width_default),
    };
    let low = low.clamp(-EXACT, EXACT);
    (low, high.clamp(low, EXACT))
}
