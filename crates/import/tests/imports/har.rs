//! Recordings, valid and invalid ones.

use proptest::prelude::*;

use crate::accepted::{accept, accept_any, shown};

const SHOP: &str = include_str!("../files/shop.har");

fn recording_of(request: &str, response: &str) -> String {
    format!("{{\"log\":{{\"entries\":[{{\"request\":{request},\"response\":{response}}}]}}}}")
}

#[test]
fn recording_becomes_a_scenario() {
    let imported = brunt_import::har(SHOP, None).expect("a recording");
    let text = shown(&imported);
    for secret in ["abc.def", "s3cr3t", "hunter2"] {
        assert!(!text.contains(secret), "{text}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn recording_becomes_a_mix() {
    let imported = brunt_import::har_mix(SHOP, None).expect("a recording");
    insta::assert_snapshot!(shown(&imported));
}

#[test]
fn weight_in_a_mix_is_the_number_of_requests() {
    let scenario = accept(&brunt_import::har_mix(SHOP, None).expect("a recording"));
    let tasks = &scenario.classes[0].tasks;
    let weight = |name: &str| {
        let named = |task: &&brunt_scenario::Task| {
            let first = brunt_scenario::names_of(task.steps())[0];
            scenario.names[first.index()].name == name
        };
        tasks.iter().find(named).map(|task| task.weight)
    };
    assert_eq!(weight("/api/products/{id}"), Some(2.0));
    assert_eq!(weight("/api/orders"), Some(2.0));
    assert_eq!(weight("/login"), Some(1.0));
}

#[test]
fn another_host_can_be_selected() {
    let imported =
        brunt_import::har(SHOP, Some("https://stats.example.net/")).expect("a recording");
    assert!(
        imported
            .scenario
            .contains("host = \"https://stats.example.net\""),
        "{}",
        imported.scenario
    );
    assert!(
        imported.scenario.contains("= \"x\""),
        "{}",
        imported.scenario
    );
    let error = brunt_import::har(SHOP, Some("nobody.test"))
        .expect_err("no requests")
        .to_string();
    assert!(error.contains("shop.example.com (10)"), "{error}");
}

#[test]
fn truncated_recording_is_read_up_to_its_end() {
    let complete = accept(&brunt_import::har(SHOP, None).expect("a recording"));
    let end = SHOP.find("api/missing").expect("a request");
    let imported = brunt_import::har(&SHOP[..end], None).expect("the other requests");
    assert!(
        imported.warnings[0].contains("is truncated"),
        "{:?}",
        imported.warnings
    );
    let scenario = accept(&imported);
    assert!(scenario.classes[0].tasks.len() < complete.classes[0].tasks.len());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn deviations_of_tools_are_accepted() {
    let cases = [
        (
            "only required fields",
            recording_of(r#"{"method":"GET","url":"http://x/a"}"#, "{}"),
            "get = \"/a\"",
        ),
        (
            "small letters",
            recording_of(
                r#"{"method":"get","url":"http://x/a"}"#,
                r#"{"status":"200"}"#,
            ),
            "status = 200",
        ),
        (
            "no response",
            r#"{"log":{"entries":[{"request":{"method":"GET","url":"http://x/a"}}]}}"#.into(),
            "2xx",
        ),
        (
            "headers of another shape",
            recording_of(
                r#"{"method":"GET","url":"http://x/a","headers":{"a":"b"}}"#,
                "{}",
            ),
            "get",
        ),
        (
            "an invalid JSON body",
            recording_of(
                r#"{"method":"POST","url":"http://x/a","postData":{"mimeType":"application/json","text":"{oops"}}"#,
                "{}",
            ),
            "text = \"{oops\"",
        ),
        (
            "a body in base64",
            recording_of(
                r#"{"method":"POST","url":"http://x/a","postData":{"mimeType":"a/b","text":"AAEC","encoding":"base64"}}"#,
                "{}",
            ),
            "file = \"bodies/post-a-",
        ),
        (
            "operations of one path",
            recording_of(
                r#"{"method":"POST","url":"http://x/graphql","postData":{"mimeType":"application/json","text":"{\"operationName\":\"Cart\"}"}}"#,
                "{}",
            ),
            "name = \"/graphql Cart\"",
        ),
        (
            "a byte order mark",
            format!(
                "\u{feff}{}",
                recording_of(r#"{"method":"GET","url":"http://x/a"}"#, "{}")
            ),
            "get",
        ),
        (
            "templates",
            recording_of(r#"{"method":"GET","url":"http://x/{{a}}?b={{c}}"}"#, "{}"),
            "/%7B%7Ba%7D%7D?b=%7B%7Bc%7D%7D",
        ),
    ];
    for (name, text, part) in cases {
        let imported =
            brunt_import::har(&text, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        accept(&imported);
        let plain = imported.scenario.replace("  ", " ").replace("  ", " ");
        assert!(plain.contains(part), "{name}: {}", imported.scenario);
    }
}

#[test]
fn error_names_the_reason_that_a_text_is_not_a_recording() {
    let cases = [
        ("", "not a recording (HAR)"),
        ("[]", "an object with `log`"),
        ("{}", "no `log`"),
        ("<html>", "not a recording (HAR)"),
        ("{\"log\":{\"entries\":[]}}", "no entries"),
        ("{\"log\":{\"entries\":7}}", "a list of entries"),
        (
            "{\"log\":{\"entries\":[1,2]}}",
            "entries without a method or a URL (2)",
        ),
    ];
    for (text, part) in cases {
        let error = brunt_import::har(text, None).expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn any_recording_is_imported_or_rejected(
        cut in 0..SHOP.len(),
        from in prop::sample::select(vec!["\"GET\"", "\"200\"", "200", "\"Accept\"", "\"text\"", "{", "[", "https://shop.example.com", "17", "null", "time", "2026"]),
        to in prop::sample::select(vec!["{}", "[]", "null", "-1", "1e99", "\"\"", "\"{{ x\"", "\"\\u0000\"", "日", "18446744073709551615", "http://"]),
    ) {
        accept_any(&brunt_import::har(&SHOP.replace(from, to), None));
        accept_any(&brunt_import::har_mix(&SHOP.replace(from, to), None));
        if SHOP.is_char_boundary(cut) {
            accept_any(&brunt_import::har(&SHOP[..cut], None));
            accept_any(&brunt_import::har(&SHOP[..cut].replace(from, to), None));
        }
    }

    #[test]
    fn any_json_body_gives_a_valid_scenario(body in json_value()) {
        let text = serde_json::to_string(&body.to_string()).expect("text");
        let request = format!("{{\"method\":\"POST\",\"url\":\"http://x/a\",\"postData\":{{\"mimeType\":\"application/json\",\"text\":{text}}}}}");
        accept_any(&brunt_import::har(&recording_of(&request, "{}"), None));
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let text = "[\\PC\n\t\u{0}\"'{}]{0,12}";
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        text.prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((text, inner), 0..6).prop_map(|entries| entries
                .into_iter()
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}
