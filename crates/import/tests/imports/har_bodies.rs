//! Bodies of recordings: they are sent as they were recorded.

use serde_json::{Value, json};

use crate::accepted::accept;

/// Imports one recorded request with a body, and returns the lines of its task, with single spaces.
fn task(headers: &Value, post_data: &Value) -> String {
    let log = json!({ "log": { "entries": [{
        "request": { "method": "POST", "url": "http://h.test/a", "headers": headers, "postData": post_data },
        "response": { "status": 200, "headers": [], "content": {} },
    }] } });
    let imported = brunt_import::har(&log.to_string(), None).expect("a recording");
    accept(&imported);
    let text = imported.scenario;
    let from = text.find("[[users.visitor.tasks]]").expect("a task");
    let to = text.find("# Load over time").expect("an end");
    let words: Vec<&str> = text[from..to].split_whitespace().collect();
    words.join(" ")
}

#[test]
fn type_of_the_body_is_its_content_type() {
    let type_line = |media: &str| format!("headers = {{ Content-Type = \"{media}\" }}");
    // HAR 1.2, "postData": the type is that of the body. Chrome writes it in the headers as well, proxies often do not.
    let cases = [
        (
            json!({ "mimeType": "text/plain;charset=UTF-8", "text": "hi" }),
            "text = \"hi\"",
            type_line("text/plain;charset=UTF-8"),
        ),
        (
            json!({ "mimeType": "text/xml", "text": "<a/>" }),
            "text = \"<a/>\"",
            type_line("text/xml"),
        ),
        (
            json!({ "mimeType": "application/json", "encoding": "base64", "text": "eyJhIjoxfQ==" }),
            "json = { a = 1 }",
            String::new(),
        ),
        (
            json!({ "mimeType": "application/json; charset=utf-8", "text": "[1]" }),
            "json = [1]",
            type_line("application/json; charset=utf-8"),
        ),
        (
            json!({ "mimeType": "application/vnd.api+json", "text": "{\"a\":1}" }),
            "json = { a = 1 }",
            type_line("application/vnd.api+json"),
        ),
        (
            json!({ "mimeType": "application/json", "text": "{\"a\":" }),
            "text = '{\"a\":'",
            type_line("application/json"),
        ),
        (
            json!({ "mimeType": "application/x-www-form-urlencoded", "text": "a=b+c&a=%20" }),
            "text = \"a=b+c&a=%20\"",
            type_line("application/x-www-form-urlencoded"),
        ),
        (
            json!({ "mimeType": "application/x-www-form-urlencoded", "params": [{ "name": "a", "value": "b c" }] }),
            "form = { a = \"b c\" }",
            String::new(),
        ),
        (
            json!({ "mimeType": "application/octet-stream", "encoding": "base64", "text": "/wA=" }),
            "file = \"bodies/post-a-",
            type_line("application/octet-stream"),
        ),
        (
            json!({ "mimeType": "", "text": "plain" }),
            "text = \"plain\"",
            String::new(),
        ),
        (
            json!({ "text": "{\"a\":null}" }),
            "json = { a = \"{{ none }}\" }",
            String::new(),
        ),
    ];
    for (post_data, body, header) in cases {
        let task = task(&json!([]), &post_data);
        assert!(
            task.contains(body) && task.contains(&header),
            "{post_data}: {task}"
        );
        assert_eq!(
            task.contains("Content-Type"),
            !header.is_empty(),
            "{post_data}: {task}"
        );
    }
}

#[test]
fn content_type_of_the_headers_is_the_one_that_was_sent() {
    let headers = json!([{ "name": "content-type", "value": "text/plain" }]);
    let post_data = json!({ "mimeType": "application/x-www-form-urlencoded", "params": [{ "name": "a", "value": "b" }] });
    let task = task(&headers, &post_data);
    assert!(
        task.contains("text = \"a=b\" headers = { content-type = \"text/plain\" }"),
        "{task}"
    );
}

#[test]
fn parameters_of_a_multipart_body_become_parts() {
    let headers = json!([{ "name": "Content-Type", "value": "multipart/form-data; boundary=X" }]);
    let post_data = json!({ "mimeType": "multipart/form-data; boundary=X", "params": [
        { "name": "a", "value": "1" },
        { "name": "f", "value": "hi", "fileName": "x.txt", "contentType": "text/plain" },
        { "name": "j", "value": "{}", "contentType": "application/json" },
    ] });
    let task = task(&headers, &post_data);
    let parts = [
        "a = \"1\"",
        "f = { text = \"hi\", name = \"x.txt\", type = \"text/plain\" }",
        "j = { text = \"{}\", type = \"application/json\" }",
    ];
    assert!(
        task.contains("multipart = {") && !task.contains("boundary"),
        "{task}"
    );
    for part in parts {
        assert!(task.contains(part), "{part}: {task}");
    }
}

#[test]
fn text_of_a_multipart_body_becomes_parts_or_is_sent_unchanged() {
    let media = "multipart/form-data; boundary=----b";
    let post = |text: &str| json!({ "mimeType": media, "text": text });
    // RFC 7578, with the quotes that browsers encode.
    let text = "------b\r\nContent-Disposition: form-data; name=\"a%22b\"\r\n\r\n1\r\n2\r\n------b\r\n\
                Content-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\nhi\r\n------b--\r\n";
    let parts = task(&json!([]), &post(text));
    assert!(parts.contains(r#""a\"b" = "1\r\n2""#), "{parts}");
    assert!(
        parts.contains(r#"f = { text = "hi", name = "x.txt", type = "text/plain" }"#),
        "{parts}"
    );
    // A part with another header, and a text without its end.
    for text in [
        "------b\r\nContent-Disposition: form-data; name=\"a\"\r\nX-A: b\r\n\r\n1\r\n------b--\r\n",
        "------b\r\nx",
    ] {
        let unchanged = task(&json!([]), &post(text));
        assert!(
            unchanged.contains("text = ") && unchanged.contains(media),
            "{unchanged}"
        );
    }
}

#[test]
fn numbers_that_a_float_cannot_hold_stay_in_the_text() {
    for number in [
        "12345678901234567890123",
        "0.12345678901234567",
        "18446744073709551615",
    ] {
        let text = format!("{{\"a\": {number}}}");
        let task = task(
            &json!([]),
            &json!({ "mimeType": "application/json", "text": text }),
        );
        assert!(task.contains(&format!("text = '{text}'")), "{task}");
    }
    let exact = task(
        &json!([]),
        &json!({ "mimeType": "application/json", "text": "{\"a\": 1234567890123456, \"b\": true}" }),
    );
    assert!(
        exact.contains("json = { a = 1234567890123456, b = true }"),
        "{exact}"
    );
}

#[test]
fn file_without_its_content_is_a_warning() {
    let post_data = json!({ "mimeType": "multipart/form-data; boundary=X", "params": [
        { "name": "f", "fileName": "cat.png", "contentType": "image/png" },
    ] });
    let log = json!({ "log": { "entries": [{
        "request": { "method": "POST", "url": "http://h.test/a", "postData": post_data },
    }] } });
    let imported = brunt_import::har(&log.to_string(), None).expect("a recording");
    accept(&imported);
    let warning = "does not contain the content of a file";
    assert!(
        imported.warnings[0].contains(warning),
        "{:?}",
        imported.warnings
    );
}
