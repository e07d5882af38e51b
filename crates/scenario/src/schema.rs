//! The JSON Schema of scenario files, made of the types that read them: they are read once, by a
//! deserializer that notes what they ask for.
//!
//! What fields mean stands in the tables of `docs/scenario.md`.

mod prose;
mod tracer;

use serde_json::{Map, Value, json};

use crate::spec::Spec;

/// The schema, for editors: JSON Schema of draft 7, which most of them read.
pub fn schema() -> Value {
    let traced = tracer::trace::<Spec>();
    let mut definitions = Map::new();
    for (name, definition) in traced.definitions {
        definitions.insert(name.clone(), described(&name, definition));
    }
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A scenario of brunt",
    });
    // The file itself is one of the types.
    if let (Some(schema), Some(Value::Object(root))) = (
        schema.as_object_mut(),
        definitions.shift_remove(&traced.root),
    ) {
        schema.extend(root);
        schema.insert("definitions".to_owned(), Value::Object(definitions));
    }
    schema
}

/// A definition with what the docs say of its fields.
fn described(name: &str, mut definition: Value) -> Value {
    let properties = definition
        .get_mut("properties")
        .and_then(Value::as_object_mut);
    for (field, property) in properties.into_iter().flatten() {
        if let (Some(text), Some(property)) = (prose::of(name, field), property.as_object_mut()) {
            // Beside a reference draft 7 reads nothing.
            if let Some(reference) = property.shift_remove("$ref") {
                property.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
            }
            property.insert("description".to_owned(), text.into());
        }
    }
    definition
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition<'a>(schema: &'a Value, name: &str) -> &'a Value {
        &schema["definitions"][name]
    }

    #[test]
    fn the_types_are_seen_to_their_ends() {
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
        assert_eq!(
            definition(&schema, "StageSpec")["required"],
            json!(["duration"])
        );
        assert_eq!(definition(&schema, "ClassSpec").get("required"), None);
    }

    #[test]
    fn what_may_be_of_several_kinds_has_them_all() {
        let schema = schema();
        let kinds = |name: &str| {
            let all = definition(&schema, name)["anyOf"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            all.iter()
                .filter_map(|kind| kind["type"].as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds("Connections"), ["string", "object"]);
        assert_eq!(
            kinds("Json"),
            ["string", "integer", "number", "boolean", "array", "object"]
        );
        let shared = &definition(&schema, "Connections")["anyOf"][1];
        assert_eq!(shared["properties"]["shared"]["type"], "integer");
    }

    #[test]
    fn every_field_is_described_in_the_docs() {
        let schema = schema();
        let root = [("Spec".to_owned(), schema.clone())];
        let definitions = schema["definitions"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        let mut missing = Vec::new();
        for (name, definition) in root.into_iter().chain(definitions) {
            for (field, property) in definition["properties"].as_object().into_iter().flatten() {
                if property.get("description").is_none() {
                    missing.push(format!("{name}.{field}"));
                }
            }
        }
        assert_eq!(
            missing,
            Vec::<String>::new(),
            "say them in a table of docs/scenario.md"
        );
    }
}
