//! Recordings as journeys: what a response gives is sent by later requests.

use serde_json::{Value, json};

use crate::accepted::accept;

/// A recorded request with its response.
fn entry(
    second: u32,
    request: &str,
    headers: &Value,
    post_data: &Value,
    response: &Value,
) -> Value {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    json!({
        "startedDateTime": format!("2026-03-01T10:00:{second:02}.000Z"), "time": 100,
        "request": { "method": method, "url": format!("https://h.test{path}"), "headers": headers, "postData": post_data },
        "response": response,
    })
}

fn headers(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}

fn answer(status: u16, pairs: &[(&str, &str)], mime: &str, text: &str) -> Value {
    json!({ "status": status, "headers": headers(pairs), "content": { "mimeType": mime, "text": text } })
}

fn json_answer(text: &Value) -> Value {
    answer(200, &[], "application/json", &text.to_string())
}

fn imported(entries: &[Value]) -> (String, Vec<String>) {
    let log = json!({ "log": { "entries": entries } });
    let imported = brunt_import::har(&log.to_string(), None).expect("a recording");
    accept(&imported);
    let words = imported.scenario.split(' ');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    (words.join(" "), imported.warnings)
}

fn get(path: &str, sent: &[(&str, &str)], response: &Value) -> Value {
    entry(
        5,
        &format!("GET {path}"),
        &headers(sent),
        &Value::Null,
        response,
    )
}

fn post(path: &str, media: &str, text: &str, response: &Value) -> Value {
    let post_data = json!({ "mimeType": media, "text": text });
    entry(5, &format!("POST {path}"), &json!([]), &post_data, response)
}

fn ok() -> Value {
    json_answer(&json!({}))
}

#[test]
fn requests_keep_their_order_and_their_pauses() {
    let at = |second, path: &str| {
        entry(
            second,
            &format!("GET {path}"),
            &json!([]),
            &Value::Null,
            &ok(),
        )
    };
    let (text, _) = imported(&[at(0, "/b"), at(2, "/a"), at(2, "/c"), at(6, "/b")]);
    assert!(text.contains("order = \"sequence\""), "{text}");
    assert!(text.contains("wait = \"none\""), "{text}");
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.starts_with("get =")
                || line.starts_with("wait = \"")
                || *line == "[[users.visitor.tasks]]"
        })
        .collect();
    let expected = [
        "wait = \"none\" # the recorded pauses are part of the tasks",
        "[[users.visitor.tasks]]",
        "get = \"/b\"",
        "wait = \"950ms..2900ms\" # recorded: 1900ms",
        "[[users.visitor.tasks]]",
        "get = \"/a\"",
        "get = \"/c\"",
        "wait = \"2000ms..5900ms\" # recorded: 3900ms",
        "[[users.visitor.tasks]]",
        "get = \"/b\"",
        "wait = \"1500ms..4400ms\" # before the journey starts again: the mean of the recorded pauses",
    ];
    assert_eq!(lines, expected);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn value_of_a_response_is_sent_by_later_requests() {
    let login = || json_answer(&json!({ "access_token": "t-11", "user": { "id": 7 } }));
    let cases: [(&str, Vec<Value>, &[&str]); 13] = [
        (
            "a bearer token",
            vec![
                post("/login", "application/json", "{}", &login()),
                get("/me", &[("Authorization", "Bearer t-11")], &ok()),
            ],
            &[
                "extract = { access_token = \"$.access_token\" }",
                "Authorization = \"Bearer {{ access_token }}\"",
                "# access_token: found in this response, sent later by GET /me",
            ],
        ),
        (
            "an ID in a path",
            vec![
                post("/login", "application/json", "{}", &login()),
                get("/users/7/orders", &[], &ok()),
            ],
            &[
                "extract = { user_id = \"$.user.id\" }",
                "get = \"/users/{{ user_id }}/orders\"",
                "name = \"/users/{user_id}/orders\"",
            ],
        ),
        (
            "a number and a string of JSON",
            vec![
                post(
                    "/carts",
                    "application/json",
                    "{}",
                    &json_answer(&json!({ "id": 4711, "code": "4712" })),
                ),
                post(
                    "/orders",
                    "application/json",
                    "{\"cart\": 4711, \"cartId\": \"4711\", \"cart_code\": 4712}",
                    &ok(),
                ),
            ],
            &[
                "cart = \"{{ cart_id }}\"",
                "cartId = \"{{ cart_id ~ '' }}\"",
                "cart_code = \"{{ cart_code | int }}\"",
            ],
        ),
        (
            "an item of a list",
            vec![
                get(
                    "/products",
                    &[],
                    &json_answer(&json!([{ "id": 1 }, { "id": 17 }])),
                ),
                get("/products/17?x=17", &[], &ok()),
            ],
            &[
                "extract = { product_id = \"$[1].id\" }",
                "get = \"/products/{{ product_id }}?x=17\"",
            ],
        ),
        (
            "a hidden input",
            vec![
                get(
                    "/form",
                    &[],
                    &answer(
                        200,
                        &[],
                        "text/html",
                        "<input type=\"hidden\" name=\"csrf\" value=\"c-1\">",
                    ),
                ),
                post(
                    "/form",
                    "application/x-www-form-urlencoded",
                    "csrf=c-1&a=b+c",
                    &ok(),
                ),
            ],
            &[
                "csrf = { regex = 'name=\"csrf\"[^>]*value=\"([^\"]*)\"' }",
                "csrf={{ urlencode(csrf) }}&a=b+c",
            ],
        ),
        (
            "a token in a script of the page",
            vec![
                get(
                    "/app",
                    &[],
                    &answer(
                        200,
                        &[],
                        "text/html",
                        "<script>\nwindow.key = 'abcdef-12345';</script>",
                    ),
                ),
                get("/data", &[("X-Key", "abcdef-12345")], &ok()),
            ],
            &["regex = ", "X-Key = \"{{ x_key }}\""],
        ),
        (
            "an entity tag",
            vec![
                get(
                    "/a",
                    &[],
                    &answer(200, &[("ETag", "\"v1\"")], "application/json", "{}"),
                ),
                entry(
                    5,
                    "PUT /a",
                    &headers(&[("If-Match", "\"v1\"")]),
                    &Value::Null,
                    &ok(),
                ),
            ],
            &["etag = { header = \"ETag\" }", "If-Match = \"{{ etag }}\""],
        ),
        (
            "the location of a new resource",
            vec![
                post(
                    "/orders",
                    "application/json",
                    "{}",
                    &answer(201, &[("Location", "/orders/7")], "", ""),
                ),
                get("/orders/7", &[], &ok()),
            ],
            &[
                "order_location = { header = \"Location\" }",
                "get = \"/orders/{{ order_location | split('/') | last }}\"",
            ],
        ),
        (
            "a cookie that a script sends as a header",
            vec![
                get(
                    "/",
                    &[],
                    &answer(
                        200,
                        &[("Set-Cookie", "XSRF-TOKEN=abcd; Path=/")],
                        "text/html",
                        "",
                    ),
                ),
                entry(
                    5,
                    "POST /a",
                    &headers(&[("X-XSRF-TOKEN", "abcd"), ("Cookie", "XSRF-TOKEN=abcd")]),
                    &Value::Null,
                    &ok(),
                ),
            ],
            &[
                "xsrf_token = { cookie = \"XSRF-TOKEN\" }",
                "X-XSRF-TOKEN = \"{{ xsrf_token }}\"",
            ],
        ),
        (
            "a UUID in a query and a part",
            vec![
                post(
                    "/s",
                    "application/json",
                    "{}",
                    &json_answer(&json!({ "s": "5f2b1c9d-0000-4000-8000-1a2b3c4d5e6f" })),
                ),
                entry(
                    5,
                    "POST /u?s=5f2b1c9d-0000-4000-8000-1a2b3c4d5e6f",
                    &json!([]),
                    &json!({ "mimeType": "multipart/form-data; boundary=b",
                    "params": [{ "name": "p", "value": "5f2b1c9d-0000-4000-8000-1a2b3c4d5e6f" }] }),
                    &ok(),
                ),
            ],
            &["post = \"/u?s={{ s }}\"", "p = \"{{ s }}\""],
        ),
        (
            "a token in another body",
            vec![
                post(
                    "/s",
                    "application/json",
                    "{}",
                    &json_answer(&json!({ "ticket": "ABCD-1234-EFGH" })),
                ),
                post("/soap", "text/xml", "<t>ABCD-1234-EFGH</t>", &ok()),
            ],
            &["text = \"<t>{{ ticket }}</t>\""],
        ),
        (
            "a token after its scheme in JSON",
            vec![
                post(
                    "/login",
                    "application/json",
                    "{}",
                    &json_answer(&json!({ "token": "a-11" })),
                ),
                post(
                    "/x",
                    "application/json",
                    "{\"auth\": \"Bearer a-11\"}",
                    &ok(),
                ),
            ],
            &["auth = \"Bearer {{ token }}\""],
        ),
        (
            "a refreshed token",
            vec![
                post(
                    "/login",
                    "application/json",
                    "{}",
                    &json_answer(&json!({ "token": "a-11" })),
                ),
                entry(
                    5,
                    "POST /refresh",
                    &headers(&[("Authorization", "Bearer a-11")]),
                    &Value::Null,
                    &json_answer(&json!({ "token": "b-22" })),
                ),
                get("/me", &[("Authorization", "Bearer b-22")], &ok()),
            ],
            &["Bearer {{ token }}", "Bearer {{ token_2 }}"],
        ),
    ];
    for (name, entries, parts) in cases {
        let (text, warnings) = imported(&entries);
        for part in parts {
            assert!(text.contains(part), "{name}, {part}:\n{text}\n{warnings:?}");
        }
        assert!(!text.contains("env."), "{name}:\n{text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn value_that_only_happens_to_be_equal_stays() {
    let cases: [(&str, Vec<Value>, &str); 6] = [
        (
            "a value of a server error",
            vec![
                get(
                    "/a",
                    &[],
                    &answer(500, &[], "application/json", "{\"id\": \"abc-1234567890\"}"),
                ),
                get("/b/abc-1234567890", &[], &ok()),
            ],
            "get = \"/b/abc-1234567890\"",
        ),
        (
            "a count",
            vec![
                post(
                    "/orders",
                    "application/json",
                    "{}",
                    &json_answer(&json!({ "id": 3 })),
                ),
                get("/items?page=3&n=3", &[], &ok()),
            ],
            "get = \"/items?page=3&n=3\"",
        ),
        (
            "a value that the user typed first",
            vec![
                post(
                    "/users",
                    "application/json",
                    "{\"name\": \"ann-12345678\"}",
                    &json_answer(&json!({ "name": "ann-12345678" })),
                ),
                get("/search?name=ann-12345678", &[], &ok()),
            ],
            "get = \"/search?name=ann-12345678\"",
        ),
        (
            "an ID of something else",
            vec![
                post(
                    "/orders",
                    "application/json",
                    "{}",
                    &json_answer(&json!({ "id": 7 })),
                ),
                get("/users/7", &[], &ok()),
            ],
            "get = \"/users/7\"",
        ),
        (
            "a value that comes too late",
            vec![
                get(
                    "/a/5f2b1c9d00004000",
                    &[],
                    &json_answer(&json!({ "id": "5f2b1c9d00004000" })),
                ),
                get("/a/5f2b1c9d00004000", &[], &ok()),
            ],
            "get = \"/a/5f2b1c9d00004000\"",
        ),
        (
            "a date",
            vec![
                get(
                    "/now",
                    &[],
                    &json_answer(&json!({ "day": "2026-01-31T00:00" })),
                ),
                get("/log?day=2026-01-31T00:00", &[], &ok()),
            ],
            "day=2026-01-31T00:00\"",
        ),
    ];
    for (name, entries, part) in cases {
        let (text, _) = imported(&entries);
        assert!(
            text.contains(part) && !text.contains("extract"),
            "{name}:\n{text}"
        );
    }
}

#[test]
fn secret_that_nothing_gives_is_read_from_the_environment() {
    let (text, warnings) = imported(&[
        entry(
            1,
            "POST /login",
            &headers(&[("X-Api-Key", "k-1")]),
            &json!({ "mimeType": "application/json",
            "text": "{\"user\": \"ann\", \"password\": \"hunter2\"}" }),
            &ok(),
        ),
        get(
            "/a?access_token=abc",
            &[
                ("Authorization", "Bearer zyx"),
                ("Cookie", "sid=s3cr3t; theme=dark"),
            ],
            &ok(),
        ),
    ]);
    for part in [
        "X-Api-Key = \"{{ env.X_API_KEY }}\"",
        "password = \"{{ env.PASSWORD }}\"",
        "get = \"/a?access_token={{ env.ACCESS_TOKEN }}\"",
        "Authorization = \"Bearer {{ env.AUTHORIZATION }}\"",
        "Cookie = \"{{ env.COOKIE }}\"",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    for secret in ["k-1", "hunter2", "zyx", "s3cr3t"] {
        assert!(
            !text.contains(secret) && !warnings.concat().contains(secret),
            "{secret}"
        );
    }
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("sets the cookies sid, theme") && line.contains("COOKIE")),
        "{warnings:?}"
    );
}

#[test]
fn cookies_that_a_response_sets_are_left_to_the_jar() {
    let set = answer(
        200,
        &[("Set-Cookie", "sid=s3cr3t; HttpOnly\nlang=en")],
        "text/html",
        "",
    );
    let (text, _) = imported(&[
        get("/login", &[], &set),
        get("/a", &[("Cookie", "lang=en; sid=s3cr3t")], &ok()),
    ]);
    assert!(
        !text.to_ascii_lowercase().contains("cookie") && !text.contains("s3cr3t"),
        "{text}"
    );
    // Together with a cookie that nothing sets, they are in one header.
    let (text, _) = imported(&[
        get("/login", &[], &set),
        get("/a", &[("Cookie", "ad=x; sid=s3cr3t")], &ok()),
    ]);
    assert!(text.contains("cookie_sid = { cookie = \"sid\" }"), "{text}");
    assert!(
        text.contains("Cookie = \"{{ env.COOKIE }}; sid={{ cookie_sid }}\""),
        "{text}"
    );
}

#[test]
fn redirect_gives_what_its_target_gives() {
    let to = answer(
        302,
        &[("Location", "/home"), ("Set-Cookie", "sid=1")],
        "",
        "",
    );
    let (text, _) = imported(&[
        post("/login", "application/x-www-form-urlencoded", "a=b", &to),
        get(
            "/home",
            &[("Cookie", "sid=1")],
            &json_answer(&json!({ "token": "t-123" })),
        ),
        get(
            "/me",
            &[("Cookie", "sid=1"), ("Authorization", "Bearer t-123")],
            &ok(),
        ),
    ]);
    assert!(
        text.contains("Bearer {{ token }}") && !text.contains("/home") && !text.contains("Cookie"),
        "{text}"
    );
}

#[test]
fn headers_that_servers_look_at_are_sent() {
    let sent = [
        ("Origin", "https://h.test"),
        ("Referer", "https://h.test/x"),
        ("User-Agent", "Mozilla/5.0"),
        ("Range", "bytes=0-9"),
        ("Accept-Encoding", "gzip, br"),
        ("sec-fetch-mode", "cors"),
        ("If-None-Match", "x"),
        (":path", "/a"),
        ("Host", "h.test"),
    ];
    let (text, _) = imported(&[get("/a", &sent, &ok())]);
    for name in [
        "Origin",
        "Referer",
        "User-Agent",
        "Range",
        "Accept-Encoding = \"gzip, br\"",
    ] {
        assert!(text.contains(name), "{name}:\n{text}");
    }
    for name in ["sec-fetch-mode", "If-None-Match", ":path", "Host"] {
        assert!(!text.contains(name), "{name}:\n{text}");
    }
}

#[test]
fn query_may_be_a_list_and_an_options_request_may_be_no_preflight() {
    let mut listed = entry(
        1,
        "OPTIONS /a",
        &headers(&[("Accept", "*/*")]),
        &Value::Null,
        &ok(),
    );
    listed["request"]["queryString"] = headers(&[("a b", "c&d"), ("a b", "")]);
    let (text, _) = imported(&[listed.clone()]);
    assert!(text.contains("options = \"/a?a+b=c%26d&a+b=\""), "{text}");
    listed["request"]["headers"] = headers(&[("Access-Control-Request-Method", "PUT")]);
    let log = json!({ "log": { "entries": [listed] } });
    let error = brunt_import::har(&log.to_string(), None)
        .expect_err("a preflight")
        .to_string();
    assert!(error.contains("preflight"), "{error}");
}

#[test]
fn recording_without_contents_is_a_warning() {
    let empty = json!({ "status": 200, "headers": [], "content": { "size": 9, "mimeType": "application/json" } });
    let (_, warnings) = imported(&[get("/a", &[], &empty), get("/b", &[], &empty)]);
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("no contents of responses")),
        "{warnings:?}"
    );
}
