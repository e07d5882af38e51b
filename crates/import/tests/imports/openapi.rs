//! API descriptions of all versions, valid and invalid ones.

use proptest::prelude::*;

use crate::accepted::{accept, accept_any, shown};

const PETS: &str = include_str!("../files/pets.yaml");
const OLD: &str = include_str!("../files/swagger2.json");

fn with_schema(schema: &str) -> String {
    format!(
        "{{\"openapi\":\"3.1.0\",\"servers\":[{{\"url\":\"http://x/v1/\"}}],\"paths\":{{\"/a\":{{\"post\":{{\
         \"requestBody\":{{\"content\":{{\"application/json\":{{\"schema\":{schema}}}}}}}}}}}}},\
         \"components\":{{\"schemas\":{{\"Node\":{{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{{\
         \"name\":{{\"type\":\"string\",\"example\":\"n\"}},\"next\":{{\"$ref\":\"#/components/schemas/Node\"}},\
         \"all\":{{\"type\":\"array\",\"items\":{{\"$ref\":\"#/components/schemas/Node\"}}}}}}}}}}}}}}"
    )
}

#[test]
fn description_becomes_a_scenario() {
    let imported = brunt_import::openapi(PETS, None).expect("a description");
    insta::assert_snapshot!(shown(&imported));
}

#[test]
fn description_of_version_2_becomes_a_scenario() {
    let imported = brunt_import::openapi(OLD, None).expect("a description");
    insta::assert_snapshot!(shown(&imported));
}

#[test]
fn server_may_be_relative_to_the_description() {
    let text = PETS.replace("https://{region}.example.com/v1", "/v2");
    let host = |from| accept(&brunt_import::openapi(&text, from).expect("a description")).host;
    assert_eq!(host(None), None);
    let expected = brunt_scenario::Host::parse("http://127.0.0.1:8000/v2").expect("a URL");
    assert_eq!(
        host(Some("http://127.0.0.1:8000/docs/openapi.yaml")),
        Some(expected)
    );
}

#[test]
fn schemas_become_bodies() {
    let cases = [
        (
            r##"{"$ref":"#/components/schemas/Node"}"##,
            "{ name = \"n\", all = [] }",
        ),
        (
            r#"{"type":["null","integer"],"minimum":5,"maximum":5}"#,
            "5",
        ),
        (
            r#"{"type":"integer","exclusiveMinimum":0,"maximum":3}"#,
            "\"{{ randint(1, 3) }}\"",
        ),
        (r#"{"type":"integer","minimum":7,"multipleOf":5}"#, "10"),
        (
            r#"{"type":"integer","maximum":-9223372036854775808}"#,
            "-9007199254740992",
        ),
        (
            r#"{"type":"number","minimum":0.5,"maximum":1}"#,
            "\"{{ uniform(0.5, 1.0) }}\"",
        ),
        (r#"{"enum":["a","b",null]}"#, "\"{{ pick(body) }}\""),
        (
            r#"{"const":{"k":[1,"{{"]}}"#,
            "{ k = [1, \"{{ pick(braces) }}\"] }",
        ),
        (
            r##"{"oneOf":[{"$ref":"#/none"},{"type":"boolean"}]}"##,
            "true",
        ),
        (
            r#"{"allOf":[{"properties":{"y":{"type":"boolean"}}},{"properties":{"x":{"type":"string","maxLength":1}}}]}"#,
            "{ y = true, x = \"x\" }",
        ),
        (
            r#"{"type":"array","minItems":2,"items":{"type":"string","format":"date"}}"#,
            "[\"2026-01-31\", \"2026-01-31\"]",
        ),
        (
            r#"{"properties":{"id":{"readOnly":true,"type":"integer"},"pw":{"format":"password","type":"string"}}}"#,
            "{ pw = \"{{ env.PW }}\" }",
        ),
        (
            r#"{"type":"string","minLength":3,"maxLength":3}"#,
            "\"bod\"",
        ),
        (r#"{"default":"d","type":"string"}"#, "\"d\""),
    ];
    for (schema, expected) in cases {
        let imported = brunt_import::openapi(&with_schema(schema), None)
            .unwrap_or_else(|error| panic!("{schema}: {error}"));
        accept(&imported);
        let line = imported
            .scenario
            .lines()
            .find(|line| line.starts_with("json"));
        assert_eq!(
            line,
            Some(format!("json  = {expected}").as_str()),
            "{schema}\n{}",
            imported.scenario
        );
        assert!(
            imported.scenario.contains("host = \"http://x/v1\""),
            "{}",
            imported.scenario
        );
    }
}

#[test]
fn recursive_schema_is_shortened() {
    // Each schema refers to the next one ten times, with required fields.
    let schemas: Vec<String> = (0..40)
        .map(|number| {
            let fields: Vec<String> = (0..10)
                .map(|field| {
                    format!(
                        "\"f{field}\":{{\"$ref\":\"#/components/schemas/S{}\"}}",
                        number + 1
                    )
                })
                .collect();
            let names: Vec<String> = (0..10).map(|field| format!("\"f{field}\"")).collect();
            format!(
                "\"S{number}\":{{\"type\":\"object\",\"required\":[{}],\"properties\":{{{}}}}}",
                names.join(","),
                fields.join(",")
            )
        })
        .collect();
    let text = format!(
        "{{\"openapi\":\"3.0.3\",\"paths\":{{\"/a\":{{\"post\":{{\"requestBody\":{{\"content\":{{\"application/json\":\
         {{\"schema\":{{\"$ref\":\"#/components/schemas/S0\"}}}}}}}}}}}}}},\"components\":{{\"schemas\":{{{}}}}}}}",
        schemas.join(",")
    );
    let imported = brunt_import::openapi(&text, None).expect("a description");
    accept(&imported);
    assert!(
        imported.scenario.len() < 100_000,
        "{} bytes",
        imported.scenario.len()
    );
    assert!(
        imported
            .warnings
            .iter()
            .any(|warning| warning.contains("a body was shortened")),
        "{:?}",
        imported.warnings
    );
}

#[test]
fn yaml_with_exponential_anchors_is_rejected() {
    let mut bomb = String::from("paths: {}\na0: &a0 [x]\n");
    for number in 1..60 {
        bomb += &format!("a{number}: &a{number} [*a{0}, *a{0}]\n", number - 1);
    }
    let error = brunt_import::openapi(&bomb, None)
        .expect_err("too large")
        .to_string();
    assert!(error.contains("neither JSON nor YAML"), "{error}");
}

#[test]
fn deviations_from_the_specification_are_accepted() {
    let cases = [
        (
            "no version",
            "paths:\n  a/b:\n    get: {}\n",
            "get   = \"/a/b\"",
        ),
        (
            "numbers as keys",
            "openapi: 3.0.0\npaths:\n  /a:\n    get:\n      responses:\n        204: {description: x}\n",
            "status = 204",
        ),
        (
            "an unknown version",
            "openapi: '4.0'\npaths: {/a: {get: {}}}",
            "get   = \"/a\"",
        ),
        (
            "undeclared parameters",
            "openapi: 3.0.0\npaths: {'/a/{id:[0-9]+}/{b': {get: {}}}",
            "/a/{{ pick(a_id) }}/%7Bb",
        ),
        (
            "only deletes",
            "openapi: 3.0.0\npaths: {/a: {delete: {}}}",
            "delete = \"/a\"",
        ),
        (
            "duplicate keys",
            "openapi: 3.0.0\nopenapi: 3.0.1\npaths: {/a: {get: {}}}",
            "get   = \"/a\"",
        ),
        (
            "comments and trailing commas",
            "{\"openapi\": \"3.0.0\", \"paths\": {\"/a\": {\"get\": {}},},}",
            "get   = \"/a\"",
        ),
    ];
    for (name, text, part) in cases {
        let imported =
            brunt_import::openapi(text, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        accept(&imported);
        assert!(
            imported.scenario.contains(part),
            "{name}: {}",
            imported.scenario
        );
    }
}

#[test]
fn error_names_the_reason_that_a_text_is_not_a_description() {
    let cases = [
        ("", "neither `openapi` nor `paths`"),
        ("just words", "neither `openapi` nor `paths`"),
        ("a: [", "neither JSON nor YAML"),
        ("openapi: 3.0.0\npaths: {}", "no paths"),
        ("openapi: 3.0.0\npaths: 7", "no paths"),
        (
            "openapi: 3.0.0\npaths: {/a: {$ref: 'a.yaml'}, /b: {get: {}}}",
            "refers to another file, `a.yaml`: bundle it",
        ),
    ];
    for (text, part) in cases {
        let error = brunt_import::openapi(text, None)
            .expect_err(text)
            .to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn any_description_is_imported_or_rejected(
        cut in 0..PETS.len(),
        from in prop::sample::select(vec!["string", "integer", "object", "$ref", "#/components/schemas/Pet", "example", "{petId}", "path", "query", "schema", "1", "200", "application/json", "required", "items", "/pets"]),
        to in prop::sample::select(vec!["{}", "[]", "null", "-1", "1e99", "''", "'{{ x'", "array", "日", "18446744073709551615", "{", "}", "*a", "&a", "required", "\"\\u0000\"", "header", "allOf"]),
    ) {
        accept_any(&brunt_import::openapi(&PETS.replace(from, to), None));
        accept_any(&brunt_import::openapi(&OLD.replace(from, to), Some("http://x/a")));
        if PETS.is_char_boundary(cut) {
            accept_any(&brunt_import::openapi(&PETS[..cut].replace(from, to), None));
        }
    }
}
