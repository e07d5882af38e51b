//! Requests of API descriptions: what is sent for their parameters, bodies, servers and links.

use serde_json::{Value, json};

use crate::accepted::accept;

/// Imports a description with these paths. Returns the scenario with single spaces, and its warnings.
fn imported(description: &Value, from: Option<&str>) -> (String, Vec<String>) {
    let mut complete = json!({ "openapi": "3.0.4", "servers": [{ "url": "http://h.test" }] });
    for (key, value) in description.as_object().expect("an object") {
        complete[key] = value.clone();
    }
    let imported = brunt_import::openapi(&complete.to_string(), from).expect("a description");
    accept(&imported);
    let words = imported.scenario.split(' ').filter(|word| !word.is_empty());
    (words.collect::<Vec<_>>().join(" "), imported.warnings)
}

fn paths(paths: &Value) -> String {
    imported(&json!({ "paths": paths }), None).0
}

fn get(parameters: &Value) -> Value {
    json!({ "get": { "parameters": parameters } })
}

fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn booleans_and_numbers_of_yaml_1_1_are_texts() {
    let text = "openapi: 3.0.3\nservers: [{url: 'http://h.test'}]\npaths:\n  /tiles:\n    get:\n      parameters:\n\
                \x20       - {name: x, in: query, required: true, schema: {type: integer}, example: 4}\n\
                \x20       - {name: y, in: query, required: true, schema: {type: integer}, example: 5}\n\
                \x20       - {name: on, in: query, required: true, schema: {type: string, enum: [NO]}}\n\
                \x20       - {name: zip, in: query, required: true, schema: {type: string}, example: 01234}\n\
                \x20       - {name: n, in: query, required: true, schema: {type: integer}, example: 007}\n";
    let imported = brunt_import::openapi(text, None).expect("a description");
    accept(&imported);
    assert!(
        imported
            .scenario
            .contains("= \"/tiles?x=4&y=5&on=NO&zip=01234&n=7\""),
        "{}",
        imported.scenario
    );
}

#[test]
fn parameters_are_sent_in_their_styles() {
    let schema = json!({ "type": "array", "items": { "type": "integer" } });
    let text = paths(&json!({ "/s/{m}/{l}": get(&json!([
        { "name": "m", "in": "path", "required": true, "style": "matrix", "explode": true, "schema": schema, "example": [1, 2] },
        { "name": "l", "in": "path", "required": true, "style": "label", "schema": { "type": "string" }, "example": "v" },
        { "name": "filter", "in": "query", "required": true, "style": "deepObject", "schema": { "type": "object" },
          "example": { "name": "x y", "age": 3 } },
        { "name": "ids", "in": "query", "required": true, "explode": false, "schema": schema, "example": [1, 2] },
        { "name": "tags", "in": "query", "required": true, "schema": schema, "example": [3, 4] },
        { "name": "js", "in": "query", "required": true, "content": { "application/json": { "example": { "a": [1, null] } } } },
        { "name": "X-Ids", "in": "header", "required": true, "schema": schema, "example": [5, 6] },
        { "name": "c", "in": "cookie", "required": true, "schema": { "type": "string" }, "example": "d" },
        { "name": "empty", "in": "query", "required": true, "schema": schema, "example": [] },
        { "name": "optional", "in": "query", "schema": { "type": "string" } },
    ])) }));
    assert_contains(
        &text,
        &[
            "get = \"/s/;m=1;m=2/.{{ pick(l) }}?filter%5Bname%5D=x%20y&filter%5Bage%5D=3&ids=1,2&tags=3&tags=4&js=%7B%22a%22%3A%5B1%2Cnull%5D%7D\"",
            "X-Ids = \"5,6\"",
            "Cookie = \"c=d\"",
        ],
    );
}

#[test]
fn values_of_a_list_or_an_object_are_generated() {
    let text = paths(&json!({ "/s": get(&json!([
        { "name": "kind", "in": "query", "required": true, "schema": { "type": "array", "minItems": 2, "items": { "enum": ["a b", "c"] } } },
        { "name": "n", "in": "query", "required": true, "explode": false,
          "schema": { "type": "array", "minItems": 2, "items": { "type": "integer", "minimum": 1, "maximum": 3 } } },
        { "name": "o", "in": "query", "required": true, "schema": { "type": "object", "required": ["q"],
          "properties": { "q": { "type": "boolean" }, "id": { "type": "integer", "minimum": 5, "maximum": 5 } } } },
    ])) }));
    assert_contains(
        &text,
        &[
            "kind=[\"a b\", \"c\"]".replace('=', " = ").as_str(),
            "get = \"/s?kind={{ pick(kind) }}&kind={{ pick(kind) }}&n={{ randint(1, 3) }},{{ randint(1, 3) }}&q=true&id=5\"",
        ],
    );
}

#[test]
fn collection_formats_of_version_2_are_sent() {
    let parameter = |name: &str, format: &str| {
        json!({ "name": name, "in": "query", "required": true, "type": "array", "items": { "type": "string" },
                "collectionFormat": format, "x-example": ["a", "b"] })
    };
    let (text, _) = imported(
        &json!({ "openapi": null, "swagger": "2.0", "host": "h.test", "paths": { "/s": get(&json!([
        parameter("c", "csv"), parameter("s", "ssv"), parameter("t", "tsv"), parameter("p", "pipes"), parameter("m", "multi"),
    ])) } }),
        None,
    );
    assert_contains(
        &text,
        &["get = \"/s?c=a,b&s=a%20b&t=a%09b&p=a%7Cb&m=a&m=b\""],
    );
}

#[test]
fn parameters_of_different_paths_have_lists_of_their_own() {
    let id =
        |schema: Value| json!([{ "name": "id", "in": "path", "required": true, "schema": schema }]);
    let integer = json!({ "type": "integer" });
    let text = paths(&json!({
        "/users/{id}": get(&id(json!({ "type": "integer", "example": 42 }))),
        "/langs/{id}": get(&id(json!({ "type": "string", "enum": ["de", "fr"] }))),
        "/a/{x}": get(&json!([{ "name": "x", "in": "path", "required": true, "schema": integer }])),
        "/b/{x}": get(&json!([{ "name": "x", "in": "path", "required": true, "schema": integer }])),
        "/a/{x}/c": get(&json!([{ "name": "x", "in": "path", "required": true, "schema": integer, "example": 9 }])),
    }));
    assert_contains(
        &text,
        &[
            "user_id = [42]",
            "lang_id = [\"de\", \"fr\"]",
            "get = \"/users/{{ pick(user_id) }}\"",
            "get = \"/langs/{{ pick(lang_id) }}\"",
            // The example of the longer path is the value of both.
            "x = [9]",
            "get = \"/a/{{ pick(x) }}/c\"",
            "get = \"/b/{{ pick(x_2) }}\"",
        ],
    );
}

#[test]
fn operation_takes_the_id_from_the_one_that_creates_it() {
    let created = json!({ "201": { "content": { "application/json": { "schema": { "properties": { "id": { "type": "integer" } } } } } } });
    let text = paths(&json!({
        "/things/{thingId}": { "delete": {}, "get": {} },
        "/things/{thingId}/parts/{id}": { "delete": {}, "put": {} },
        "/things/{thingId}/parts": { "post": { "responses": created } },
        "/things": { "get": {}, "post": { "responses": created } },
        "/others/{id}": { "get": {}, "delete": {} },
    }));
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| {
            [
                "get",
                "post",
                "put",
                "delete",
                "weight",
                "extract",
                "[[",
                "# creates",
            ]
            .iter()
            .any(|begin| line.starts_with(begin))
        })
        .collect();
    let expected = [
        "# creates what its later steps use",
        "[[users.visitor.tasks]]",
        "[[users.visitor.tasks.steps]]",
        "post = \"/things\"",
        "extract = { thing_id = \"$.id\" }",
        "[[users.visitor.tasks.steps]]",
        "get = \"/things/{{ thing_id }}\"",
        "[[users.visitor.tasks.steps]]",
        "post = \"/things/{{ thing_id }}/parts\"",
        "extract = { part_id = \"$.id\" }",
        "[[users.visitor.tasks.steps]]",
        "put = \"/things/{{ thing_id }}/parts/{{ part_id }}\"",
        "[[users.visitor.tasks.steps]]",
        "delete = \"/things/{{ thing_id }}/parts/{{ part_id }}\"",
        "[[users.visitor.tasks.steps]]",
        "delete = \"/things/{{ thing_id }}\"",
        "[[users.visitor.tasks]]",
        "get = \"/things\"",
        "[[users.visitor.tasks]]",
        "get = \"/others/{{ pick(other_id) }}\"",
        "[[users.visitor.tasks]]",
        "weight = 0",
        "delete = \"/others/{{ pick(other_id) }}\"",
    ];
    assert_eq!(lines, expected, "{text}");
}

#[test]
fn operations_have_their_servers() {
    let on = |url: &str| json!({ "servers": [{ "url": url }] });
    let (text, warnings) = imported(
        &json!({
            "servers": [{ "url": "/v1" }],
            "paths": {
                "/a": { "get": {} },
                "/b": { "get": on("/v2"), "servers": [{ "url": "/unused" }] },
                "/c": { "get": {}, "servers": [{ "url": "../v3" }] },
                "/d": { "get": on("https://files.test/up/") },
            },
        }),
        Some("http://h.test:8000/docs/openapi.json"),
    );
    assert_contains(
        &text,
        &[
            "host = \"http://h.test:8000\"",
            "get = \"/v1/a\"",
            "name = \"/a\"",
            "get = \"/v2/b\"",
            "get = \"/v3/c\"",
            "[users.visitor_2]\nhost = \"https://files.test/up\"",
            "[[users.visitor_2.tasks]]\nget = \"/d\"",
        ],
    );
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn relative_server_of_a_file_needs_a_host() {
    let description = json!({ "servers": [{ "url": "/v1" }], "paths": { "/a": { "get": {} } } });
    let (text, warnings) = imported(&description, None);
    assert_contains(
        &text,
        &["# host = \"http://localhost:8000\"", "get = \"/v1/a\""],
    );
    assert!(
        warnings[0].contains("import the description from its URL, or set `host`"),
        "{warnings:?}"
    );
    let (text, _) = imported(&description, Some("https://h.test/x/openapi.json"));
    assert_contains(&text, &["host = \"https://h.test/v1\"", "get = \"/a\""]);
}

#[test]
fn secrets_are_read_from_the_environment() {
    let (text, warnings) = imported(
        &json!({
            "security": [{ "token": [], "key": [], "sid": [], "q": [] }],
            "paths": { "/a": { "get": {} }, "/login": { "post": { "security": [], "requestBody": { "content": { "application/json": {
                "schema": { "properties": { "password": { "type": "string", "format": "password" } } } } } } } },
                "/b": { "get": { "security": [{ "basic": [] }], "parameters": [
                    { "name": "session", "in": "cookie", "required": true, "schema": { "type": "string", "example": "x" } }] } } },
            "components": { "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" }, "basic": { "type": "http", "scheme": "basic" },
                "key": { "type": "apiKey", "in": "header", "name": "X-Key" },
                "sid": { "type": "apiKey", "in": "cookie", "name": "sid" }, "q": { "type": "apiKey", "in": "query", "name": "api_key" },
            } },
        }),
        None,
    );
    assert_contains(
        &text,
        &[
            "get = \"/a?api_key={{ env.API_KEY }}\"",
            "Authorization = \"Bearer {{ env.AUTHORIZATION }}\"",
            "X-Key = \"{{ env.X_KEY }}\"",
            "Cookie = \"sid={{ env.SID }}\"",
            "json = { password = \"{{ env.PASSWORD }}\" }",
            "Authorization = \"Basic {{ env.AUTHORIZATION }}\"",
            "Cookie = \"session=x\"",
        ],
    );
    assert!(
        !text.contains("REPLACE-ME") && !text.contains("[headers]"),
        "{text}"
    );
    for variable in ["API_KEY", "AUTHORIZATION", "X_KEY", "SID", "PASSWORD"] {
        assert!(
            warnings.iter().any(|line| line.contains(variable)),
            "{variable}: {warnings:?}"
        );
    }
}

#[test]
fn null_of_json_is_sent() {
    let body = |media: Value| json!({ "post": { "requestBody": { "content": { "application/json": media } } } });
    let text = paths(&json!({
        "/a": body(json!({ "example": { "a": null, "b": [null, 1], "c": { "d": null } } })),
        "/b": body(json!({ "example": null })),
        "/c": body(json!({ "schema": { "properties": { "x": { "const": null }, "y": { "default": null, "type": "string" } } } })),
    }));
    assert_contains(
        &text,
        &[
            "a = \"{{ none }}\"",
            "b = [\"{{ none }}\", 1]",
            "c = { d = \"{{ none }}\" }",
            "x = \"{{ none }}\"",
        ],
    );
}

#[test]
fn forms_are_sent_in_the_styles_of_their_encoding() {
    let form = |media: Value| json!({ "post": { "requestBody": { "content": { "application/x-www-form-urlencoded": media } } } });
    let fields = json!({ "tags": ["p", "q"], "o": { "a": 1 }, "s": "x y" });
    let text = paths(&json!({
        "/a": form(json!({ "example": fields })),
        "/b": form(json!({ "example": fields, "encoding": { "tags": { "style": "pipeDelimited", "explode": false }, "o": { "style": "deepObject" } } })),
    }));
    assert_contains(
        &text,
        &[
            "tags = [\"p\", \"q\"]",
            "o = '{\"a\":1}'",
            "s = \"x y\"",
            "text = \"tags=p%7Cq&o%5Ba%5D=1&s=x%20y\"",
        ],
    );
}

#[test]
fn multipart_bodies_have_texts_json_and_files() {
    let text = paths(
        &json!({ "/a": { "post": { "requestBody": { "content": { "multipart/form-data": {
        "schema": { "type": "object", "properties": {
            "name": { "type": "string", "example": "x" }, "meta": { "type": "object", "properties": { "n": { "type": "boolean" } } },
            "tags": { "type": "array", "items": { "type": "string" }, "example": ["a", "b"] },
            "file": { "type": "string", "format": "binary" }, "id": { "readOnly": true },
        } },
        "encoding": { "file": { "contentType": "image/png, image/jpeg" } },
    } } } } } }),
    );
    assert_contains(
        &text,
        &[
            "name = \"x\"",
            "meta = { text = '{\"n\":true}', type = \"application/json\" }",
            "tags = [\"a\", \"b\"]",
            "name = \"file.txt\", type = \"image/png\"",
        ],
    );
    assert!(!text.contains("id =") && !text.contains("weight"), "{text}");
}
