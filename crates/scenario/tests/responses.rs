//! Checks and extractions of responses.

use std::rc::Rc;

use brunt_scenario::{
    EvalContext, Overrides, Plan, RecentSecrets, Request, ResponseView, Scenario, SharedData, Step,
};

const BODY: &[u8] = br#"{"items":[{"id":1},{"id":2},{"id":3}],"none":[],"name":"x","url":"https://a/b?code=7","big":18446744073709551615,"far":1e400}"#;
const FIELDS: &[u8] = b"Location: /next?id=42\r\nSet-Cookie: own=1; Path=/\r\nX-A: a\r\nX-A: b\r\n";

fn plan(keys: &str) -> Plan {
    let text = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n{keys}\n[profiles.p]\nusers = 1\nduration = \"1s\"\n"
    );
    let scenario = Scenario::read("test.toml", &text)
        .unwrap_or_else(|error| panic!("{:?}\n{text}", miette::Report::new(error)));
    Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("a plan")
}

/// Calls a function with the request of a plan, a response and a context.
fn with<T>(keys: &str, act: impl FnOnce(&Request, &ResponseView, &mut EvalContext) -> T) -> T {
    let plan = plan(keys);
    let Step::Request(request) = &plan.classes[0].tasks.steps(0)[0] else {
        panic!("a request");
    };
    let mut random = plan.random_of(1, 0, 0);
    let mut context = EvalContext {
        random: &mut random,
        variables: &[],
        shared: &Rc::new(SharedData::empty()),
        user: 1,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let view = ResponseView::new(200, FIELDS, BODY, 0);
    let view = view.with_place("https://host/done?code=abc&state=1", b"sid=s1; own=2");
    act(request, &view, &mut context)
}

fn fault(check: &str) -> Option<String> {
    with(
        &format!("check = {{ {check} }}"),
        |request, view, context| request.checks[0].fault(view, context).expect("no error"),
    )
}

fn extracted(source: &str) -> Result<String, String> {
    with(
        &format!("extract = {{ x = {source} }}"),
        |request, view, context| {
            let value = request.extracts[0].value(view, context);
            value.expect("no error").map(|value| value.json_text())
        },
    )
}

#[test]
fn count_of_a_path_to_a_list_is_its_length() {
    for passes in [
        "json = { \"$.items\" = { count = 3 } }",
        "json = { \"$['items']\" = { count = \"1..10\" } }",
        "json = { \"$.items[*]\" = { count = 3 } }",
        "json = { \"$..id\" = { count = 3 } }",
        "json = { \"$.none\" = { count = 0 } }",
        "json = { \"$.none\" = { exists = true, count = 0 } }",
        "json = { \"$.missing\" = { count = 0 } }",
        "json = { \"$.name\" = { count = 1 } }",
        "json = { \"$.items[-1]\" = { count = 1 } }",
        "header = { X-A = { count = 2 } }",
        "not = { json = { \"$.items\" = { count = 1 } } }",
    ] {
        assert_eq!(fault(passes), None, "{passes}");
    }
    for (fails, text) in [
        (
            "json = { \"$.items\" = { count = 10 } }",
            "the check `json $.items count 10` failed, but the list has 3 items: [{\"id\":1},{\"id\":2},{\"id\":3}]",
        ),
        (
            "json = { \"$.none\" = { count = \"1..\" } }",
            "the check `json $.none count 1 or more` failed, but the list has 0 items: []",
        ),
        (
            "json = { \"$.items[*]\" = { count = 10 } }",
            "the check `json $.items[*] count 10` failed, but 3 values were found, the first is {\"id\":1}",
        ),
        (
            "json = { \"$.name\" = { count = 10 } }",
            "the check `json $.name count 10` failed, but the value is \"x\"",
        ),
    ] {
        assert_eq!(fault(fails).as_deref(), Some(text), "{fails}");
    }
}

#[test]
fn numbers_are_compared_whatever_their_size() {
    for passes in [
        "json = { \"$.big\" = \"{{ 18446744073709551615 }}\" }",
        "json = { \"$.big\" = { above = 9223372036854775807 } }",
        "json = { \"$.far\" = \"{{ 1e400 }}\" }",
        "json = { \"$.items[0].id\" = 1.0 }",
        "not = { json = { \"$.big\" = \"{{ 18446744073709551614 }}\" } }",
    ] {
        assert_eq!(fault(passes), None, "{passes}");
    }
    let fails = fault("json = { \"$.big\" = 1 }").expect("a fault");
    assert!(
        fails.ends_with("the value is 18446744073709551615"),
        "{fails}"
    );
}

#[test]
fn url_and_cookies_are_extracted_and_searched_by_a_pattern() {
    for (source, value) in [
        ("{ url = true }", "\"https://host/done?code=abc&state=1\""),
        ("{ url = true, regex = \"code=([^&]+)\" }", "\"abc\""),
        (
            "{ header = \"Location\", regex = \"id=(\\\\d+)\" }",
            "\"42\"",
        ),
        (
            "{ header = \"X-A\", regex = \"[ab]\", take = \"all\" }",
            "[\"a\",\"b\"]",
        ),
        (
            "{ json = \"$.url\", regex = \"code=(?<code>.)\", group = \"code\" }",
            "\"7\"",
        ),
        ("{ body = true, regex = \"name\" }", "\"name\""),
        ("{ cookie = \"sid\" }", "\"s1\""),
        ("{ cookie = \"own\" }", "\"1\""),
        ("{ cookie = \"none\", default = \"x\" }", "\"x\""),
        ("{ json = \"$.items\", take = \"count\" }", "3"),
        ("{ json = \"$.items[*]\", take = \"count\" }", "3"),
        ("{ json = \"$.name\", take = \"count\" }", "1"),
        ("{ json = \"$.missing\", take = \"count\" }", "0"),
        ("{ json = \"$.big\" }", "18446744073709551615"),
    ] {
        assert_eq!(extracted(source), Ok(value.to_owned()), "{source}");
    }
    for (source, part) in [
        (
            "{ url = true, regex = \"token=\" }",
            "does not match the URL",
        ),
        (
            "{ cookie = \"none\" }",
            "the response does not set cookie none",
        ),
        ("{ header = \"X-A\", regex = \"c\" }", "that matches `c`"),
    ] {
        let missing = extracted(source).expect_err(source);
        assert!(missing.contains(part), "{missing}");
    }
}
