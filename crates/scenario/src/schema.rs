//! The JSON Schema of scenario files, derived from the types that read them. The doc comments of their fields describe
//! the keys.

#[cfg(test)]
mod page;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::spec::Spec;

/// The schema, for editors: JSON Schema draft 7, which most of them support.
pub fn schema() -> Value {
    let mut schema = schema_with_links();
    for_each_schema(&mut schema, &mut |schema| {
        if let Some(Value::String(description)) = schema.get_mut("description") {
            *description = without_links(description);
        }
    });
    schema
}

/// The schema, with the Markdown links that descriptions have in `docs/scenario.md`.
fn schema_with_links() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<Spec>().to_value();
    for_each_schema(&mut schema, &mut normalize);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), "brunt scenario".into());
    }
    schema
}

/// Calls a function with a schema and all schemas in it.
fn for_each_schema(schema: &mut Value, call: &mut impl FnMut(&mut Map<String, Value>)) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    call(schema);
    for (key, value) in schema.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "definitions", Value::Object(members)) => {
                members
                    .values_mut()
                    .for_each(|member| for_each_schema(member, call));
            }
            ("items" | "additionalProperties", value) => for_each_schema(value, call),
            ("anyOf" | "allOf" | "oneOf", Value::Array(all)) => {
                all.iter_mut().for_each(|one| for_each_schema(one, call));
            }
            _ => {}
        }
    }
}

/// Removes null, which TOML does not have, and writes bounds and defaults with standard keywords.
fn normalize(schema: &mut Map<String, Value>) {
    remove_null(schema);
    for internal in ["default", "writeOnly", "title"] {
        schema.shift_remove(internal);
    }
    if let Some(format) = schema.shift_remove("format") {
        bound(schema, format.as_str().unwrap_or_default());
    }
    let Some(Value::String(description)) = schema.get_mut("description") else {
        return;
    };
    *description = unwrapped(description);
    let default = description.rsplit_once("\n\nDefault: `");
    let default = default.and_then(|(_, default)| default.strip_suffix('`'));
    if let Some(default) = default.and_then(|default| serde_json::from_str(default).ok()) {
        schema.insert("default".to_owned(), default);
    }
}

/// Removes null from the accepted types.
fn remove_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    let Some(Value::Array(all)) = schema.get_mut("anyOf") else {
        return;
    };
    all.retain(|one| *one != json!({ "type": "null" }));
    if let [only] = &all[..] {
        let only = only.clone();
        schema.shift_remove("anyOf");
        match only {
            // Next to a reference, draft 7 ignores everything.
            Value::Object(only) if !only.contains_key("$ref") => schema.extend(only),
            only => {
                schema.insert("allOf".to_owned(), json!([only]));
            }
        }
    }
}

/// Writes the format of an integer as its bounds, unless it has closer ones.
fn bound(schema: &mut Map<String, Value>, format: &str) {
    let (least, most) = match format {
        "uint8" => (json!(0), json!(u8::MAX)),
        "uint32" => (json!(0), json!(u32::MAX)),
        "uint64" => (json!(0), json!(u64::MAX)),
        "int64" => (json!(i64::MIN), json!(i64::MAX)),
        _ => return,
    };
    schema.entry("minimum").or_insert(least);
    schema.entry("maximum").or_insert(most);
}

/// Joins the lines of each paragraph.
fn unwrapped(text: &str) -> String {
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Replaces Markdown links with their text.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((words, (_, after))) = rest
        .split_once("](")
        .and_then(|(words, rest)| Some((words, rest.split_once(')')?)))
    {
        let (before, words) = words.rsplit_once('[').unwrap_or(("", words));
        plain += before;
        plain += words;
        rest = after;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition<'a>(schema: &'a Value, name: &str) -> &'a Value {
        &schema["definitions"][name]
    }

    #[test]
    fn schema_describes_nested_types() {
        let schema = schema();
        assert_eq!(schema["properties"]["host"]["type"], "string");
        assert_eq!(schema["additionalProperties"], false);
        let users = &schema["properties"]["users"];
        assert_eq!(
            users["additionalProperties"]["$ref"],
            "#/definitions/ClassSpec"
        );
        let request = definition(&schema, "StepSpec");
        assert_eq!(
            request["properties"]["steps"]["items"]["$ref"],
            "#/definitions/StepSpec"
        );
        assert_eq!(request["properties"]["redirects"]["maximum"], 255);
        assert_eq!(request["properties"]["redirects"]["default"], 10);
        assert_eq!(
            request["properties"]["order"]["enum"],
            json!(["weight", "sequence"])
        );
        assert_eq!(
            definition(&schema, "StageSpec")["required"],
            json!(["duration"])
        );
        assert_eq!(definition(&schema, "ClassSpec").get("required"), None);
    }

    #[test]
    fn type_with_alternatives_lists_all_of_them() {
        let schema = schema();
        let json = definition(&schema, "Json")["anyOf"].as_array().unwrap();
        let kinds: Vec<&Value> = json.iter().map(|kind| &kind["type"]).collect();
        assert_eq!(
            kinds,
            ["string", "integer", "number", "boolean", "array", "object"]
        );
        let connections = &definition(&schema, "ConnectionsSpec")["anyOf"];
        assert_eq!(connections[0]["type"], "string");
        assert_eq!(connections[1]["$ref"], "#/definitions/SharedConnections");
        let shared = &definition(&schema, "SharedConnections")["properties"]["shared"];
        assert_eq!(
            (&shared["type"], &shared["minimum"]),
            (&json!("integer"), &json!(1))
        );
    }

    #[test]
    fn schema_does_not_mention_null() {
        let mut schema = schema();
        for_each_schema(&mut schema, &mut |schema| {
            let text = Value::Object(schema.clone()).to_string();
            assert!(
                !text.contains("\"null\"") && !text.contains(":null"),
                "{text}"
            );
        });
    }

    #[test]
    fn every_table_rejects_unknown_keys() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], false);
        for (name, definition) in schema["definitions"].as_object().unwrap() {
            let has_keys = definition.get("properties").is_some();
            assert_eq!(
                has_keys,
                definition["additionalProperties"] == false,
                "{name}"
            );
        }
    }

    #[test]
    fn link_is_replaced_with_its_text() {
        let text = "see [layers](#layers), `[a]` and [http](http.md)";
        assert_eq!(without_links(text), "see layers, `[a]` and http");
    }
}
