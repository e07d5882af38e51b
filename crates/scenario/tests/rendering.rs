//! Rendered requests: bodies, paths and headers, which are the same for the same seed.

use std::collections::HashMap;
use std::rc::Rc;

use brunt_scenario::{
    EvalContext, FieldChange, HeaderTemplate, Overrides, Plan, RecentSecrets, RenderContext,
    RenderedRequest, Request, Scenario, SharedData, Step,
};
use proptest::prelude::*;
use serde_json::Value;
use url::Url;

fn plan(text: &str) -> Plan {
    let scenario = Scenario::read("test.toml", text)
        .unwrap_or_else(|error| panic!("{:?}\n{text}", miette::Report::new(error)));
    Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("the profile is there")
}

/// A plan whose only task is this one.
fn with_task(task: &str, data: &str) -> Plan {
    plan(&format!(
        "[data]\n{data}\n[users.u]\n[[users.u.tasks]]\n{task}\n[profiles.p]\nusers = 1\nduration = \"1s\"\n"
    ))
}

fn only_request(plan: &Plan) -> &Request {
    match &plan.classes[0].tasks.steps(0)[0] {
        Step::Request(request) => request,
        other => panic!("{other:?} is not a request"),
    }
}

fn render(plan: &Plan, user: u32, closes: bool) -> RenderedRequest {
    let (mut into, mut body) = (RenderedRequest::default(), Vec::new());
    let mut random = plan.random_of(1, 0, user);
    let shared = Rc::new(SharedData::empty());
    let mut context = EvalContext {
        random: &mut random,
        variables: &[],
        shared: &shared,
        user: 1,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let url = Url::parse("http://host:80/base").expect("a URL");
    let rendering = RenderContext {
        url: &url,
        base_path: "/base",
        host: "host:80",
        closes,
        file_bytes: 0,
    };
    only_request(plan)
        .render(&mut context, rendering, &mut into, &mut body)
        .expect("nothing is missing");
    into
}

fn rendered(plan: &Plan, user: u32) -> String {
    let rendered = render(plan, user, false);
    String::from_utf8(rendered.bytes().to_vec()).expect("text")
}

/// Compares the ranges of a request with what a parser finds in its bytes.
fn check_ranges(rendered: &RenderedRequest, headers: &HeaderTemplate) {
    let head = std::str::from_utf8(rendered.head()).expect("text");
    let head = head.strip_suffix("\r\n\r\n").expect("an empty line");
    let mut lines = head.split("\r\n");
    let line = lines.next().unwrap_or_default();
    assert_eq!(format!("{} HTTP/1.1", rendered.method_and_path()), line);
    let line = format!(
        "{} {}",
        rendered.text(rendered.method()),
        rendered.text(rendered.path())
    );
    assert_eq!(line, rendered.method_and_path());
    let mut ranges = Vec::new();
    rendered.read_fields(headers, &mut ranges);
    let fields = ranges.into_iter().map(|field| {
        let (name, value) = (rendered.text(field.name), rendered.text(field.value));
        format!("{name}: {value}")
    });
    assert_eq!(fields.collect::<Vec<_>>(), lines.collect::<Vec<_>>());
    assert_eq!(
        rendered.expects_continue(),
        head.lines().any(|line| line == "Expect: 100-continue")
    );
}

#[test]
fn ranges_are_those_of_the_fields() {
    let large = "x".repeat(1 << 20);
    let large = format!("post = \"/a\"\ntext = \"{large}\"");
    for task in [
        "get = \"/a\"",
        "get = \"/a?b={{ randint(1, 1000) }}\"\nheaders = { A = \"b\", C = \"{{ randint(1, 1000000) }}\", D = \"\" }",
        "post = \"/a\"\nheaders = { A = \"{{ uuid() }}\", B = \"{{ randint(1, 9) }}{{ uuid() }}\", Accept = \"x\" }\n\
         json = { a = \"{{ uuid() }}\" }",
        "post = \"/a\"\nauth = { user = \"{{ uuid() }}\", password = \"p\" }",
        &large,
    ] {
        let plan = with_task(task, "");
        let request = only_request(&plan);
        for (user, closes) in [(1, false), (2, true)] {
            let mut rendered = render(&plan, user, closes);
            check_ranges(&rendered, &request.headers);
            rendered.add_field(&request.headers, "Cookie", b"a=b");
            check_ranges(&rendered, &request.headers);
            rendered.remove_expect(&request.headers);
            assert!(!rendered.expects_continue());
            check_ranges(&rendered, &request.headers);
            rendered.rewrite(
                &request.headers,
                Some("PUT"),
                "/other",
                false,
                |name| match name {
                    "A" => FieldChange::Remove,
                    "Host" => FieldChange::Set("elsewhere"),
                    _ => FieldChange::Keep,
                },
            );
            check_ranges(&rendered, &request.headers);
            assert_eq!(rendered.body(), b"");
            assert!(rendered.method_and_path() == "PUT /other");
        }
    }
}

/// A text as a TOML string.
fn toml_text(text: &str) -> String {
    serde_json::to_string(text)
        .expect("text")
        .replace('\u{7f}', "\\u007f")
}

proptest! {
    #[test]
    fn a_json_body_gives_any_text_back(text in "\\PC{0,20}[\"\\\\\n\t\u{1}]{0,3}\\PC{0,5}") {
        prop_assume!(!text.contains("{{") && !text.contains("{%"));
        let task = format!(
            "post = \"/\"\njson = {{ direct = {0}, drawn = \"{{{{ pick(x) }}}}\", within = \"a {{{{ pick(x) }}}} b\" }}",
            toml_text(&text)
        );
        let plan = with_task(&task, &format!("x = [{}]", toml_text(&text)));
        let request = rendered(&plan, 0);
        let (head, body) = request.split_once("\r\n\r\n").expect("a head");
        let length = format!("Content-Length: {}", body.len());
        prop_assert!(head.lines().any(|line| line == length));
        let body: Value = serde_json::from_str(body).expect("JSON");
        prop_assert_eq!(&body["direct"], &Value::from(text.clone()));
        prop_assert_eq!(&body["drawn"], &Value::from(text.clone()));
        prop_assert_eq!(&body["within"], &Value::from(format!("a {text} b")));
    }

    #[test]
    fn a_path_is_one_word_of_ascii_whatever_is_drawn(text in "\\PC{0,20}[\r\n \t]{0,3}") {
        let plan = with_task("get = \"/a b/{{ pick(x) }}\"", &format!("x = [{}]", toml_text(&text)));
        let request = rendered(&plan, 0);
        let line = request.split("\r\n").next().expect("a line");
        let words: Vec<&str> = line.split(' ').collect();
        prop_assert_eq!(words.len(), 3, "{}", line);
        prop_assert!(words[1].starts_with("/base/a%20b/") && words[1].is_ascii());
        prop_assert!(!line.contains('\n'));
    }
}

#[test]
fn a_value_that_is_one_expression_keeps_its_type() {
    let plan = with_task(
        "post = \"/\"\njson = { n = \"{{ randint(3, 3) }}\", f = \"{{ uniform(0.5, 0.5) }}\", b = \"{{ pick(x) }}\", t = \"{{ randint(3, 3) }}!\" }",
        "x = [true]",
    );
    let request = rendered(&plan, 0);
    let body = request.split("\r\n\r\n").nth(1).expect("a body");
    assert_eq!(body, "{\"n\":3,\"f\":0.5,\"b\":true,\"t\":\"3!\"}");
}

#[test]
fn common_headers_are_sent_and_replaced() {
    let text = "[headers]\nAuthorization = \"Bearer x\"\nAccept = \"text/html\"\n[users.u]\n[[users.u.tasks]]\n\
                get = \"/\"\nheaders = { accept = \"application/json\" }\n[profiles.p]\nusers = 1\nduration = \"1s\"";
    let request = rendered(&plan(text), 0);
    let expected = "GET /base/ HTTP/1.1\r\nHost: host:80\r\nUser-Agent: brunt/VERSION\r\n\
                    Authorization: Bearer x\r\naccept: application/json\r\n\r\n";
    assert_eq!(
        request,
        expected.replace("VERSION", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_user_draws_the_same_whatever_the_number_of_users() {
    let text = include_str!("../../../brunt.toml");
    let scenario = Scenario::read("brunt.toml", text).expect("the shipped scenario");
    let drawn = |users: u32, seed: u64| {
        let overrides = Overrides {
            users: Some(users),
            ..Overrides::default()
        };
        let plan = Plan::new(&scenario, "load", &overrides, &[]).expect("load");
        (0..9)
            .map(|user| {
                let class = plan.class_mixes[0].class_of(user);
                let mut random = plan.random_of(seed, class, user);
                (0..20)
                    .map(|_| plan.classes[class].tasks.draw(&mut random))
                    .collect::<Vec<_>>()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(drawn(9, 1), drawn(1000, 1));
    assert_ne!(drawn(9, 1), drawn(9, 2));
    let users = drawn(9, 1);
    assert!(
        users
            .iter()
            .all(|user| users.iter().filter(|other| *other == user).count() == 1)
    );
}

/// Pearson's chi-square statistic of counts against shares.
fn chi_square(counts: &HashMap<usize, u32>, shares: &[f64], total: f64) -> f64 {
    let terms = shares.iter().enumerate().map(|(task, share)| {
        let found = f64::from(counts.get(&task).copied().unwrap_or(0));
        (found - share * total).powi(2) / (share * total)
    });
    terms.sum()
}

#[test]
fn tasks_are_chosen_by_their_weights() {
    let text = include_str!("../../../brunt.toml");
    let scenario = Scenario::read("brunt.toml", text).expect("the shipped scenario");
    let plan = Plan::new(&scenario, "load", &Overrides::default(), &[]).expect("load");
    let mut random = plan.random_of(1, 0, 0);
    let mut counts = HashMap::new();
    for _ in 0..100_000 {
        *counts
            .entry(plan.classes[0].tasks.draw(&mut random))
            .or_default() += 1;
    }
    let shares = [10.0, 5.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 1.0, 1.0].map(|weight| weight / 32.0);
    // The 99.9 % point of chi-square with nine degrees of freedom.
    let limit = 27.88;
    assert!(chi_square(&counts, &shares, 1e5) < limit, "{counts:?}");
    assert!(
        chi_square(&counts, &[0.1; 10], 1e5) > limit,
        "evenly chosen tasks would be seen"
    );
}

/// A name, a file name and a type with expressions. Quotes and line breaks are encoded as in the HTML standard
/// ("multipart/form-data encoding algorithm").
#[test]
fn names_and_types_of_parts_are_rendered() {
    let task = r#"
post = "/"
[users.u.tasks.multipart]
"field_{{ randint(7, 7) }}" = "text {{ randint(8, 8) }}"
picture = { file = "a.bin", name = "{{ pick(names) }}.png", type = "image/{{ pick(kinds) }}" }
"#;
    let data = r#"
names = ["a \"b\"\n"]
kinds = ["png\r\nX: y"]
"#;
    let text = rendered(&with_task(task, data), 1);
    for part in [
        "Content-Disposition: form-data; name=\"field_7\"\r\n\r\ntext 8\r\n",
        "name=\"picture\"; filename=\"a %22b%22%0A.png\"\r\nContent-Type: image/png  X: y\r\n\r\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// The boundary of a request's headers, which must also be that of its body.
fn boundary_of(task: &str) -> (String, String) {
    let text = rendered(&with_task(task, ""), 1);
    let line = text.lines().find(|line| line.starts_with("Content-Type: "));
    let line = line.expect("a content type").to_owned();
    let at = line.to_ascii_lowercase().find("boundary=");
    let boundary = &line[at.expect("a boundary") + "boundary=".len()..];
    let boundary = boundary
        .split(';')
        .next()
        .unwrap_or_default()
        .trim_matches('"');
    assert!(
        text.contains(&format!("\r\n\r\n--{boundary}\r\nContent-Disposition")),
        "{text}"
    );
    assert!(text.ends_with(&format!("\r\n--{boundary}--\r\n")), "{text}");
    let boundary = boundary.to_owned();
    (line, boundary)
}

/// k6 sends a body whose boundary is not that of an own `Content-Type` (k6#843), and requests sends no boundary at all.
#[test]
fn own_content_type_of_a_multipart_body_has_its_boundary() {
    let task = |content_type: &str| {
        format!(
            "post = \"/\"\nmultipart = {{ a = \"1\" }}\nheaders = {{ Content-Type = '{content_type}' }}"
        )
    };
    for (own, expected) in [
        ("multipart/form-data; boundary=--my", "--my"),
        ("Multipart/Form-Data;Boundary=\"a b\"; charset=utf-8", "a b"),
        ("multipart/mixed; charset=utf-8; boundary=x", "x"),
    ] {
        let (line, boundary) = boundary_of(&task(own));
        assert_eq!(line, format!("Content-Type: {own}"));
        assert_eq!(boundary, expected, "{own}");
    }
    for own in ["multipart/form-data", "multipart/form-data; charset=utf-8"] {
        let (line, boundary) = boundary_of(&task(own));
        assert_eq!(line, format!("Content-Type: {own}; boundary={boundary}"));
    }
}
