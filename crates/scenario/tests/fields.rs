//! Requests with values from variables and data: how paths, queries, forms, headers and parts are sent.

use std::rc::Rc;

use brunt_scenario::{
    DataShard, Environment, EvalContext, EvalError, FileContent, Overrides, Plan, RecentSecrets,
    RenderContext, RenderedRequest, ResponseView, Scenario, SharedData, Step, Value,
};
use url::Url;

/// An environment with one variable.
struct OneVariable;

impl Environment for OneVariable {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "SET").then(|| "from outside".to_owned())
    }

    fn file(&self, _: &std::path::Path) -> std::io::Result<std::sync::Arc<dyn FileContent>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

/// A user whose variables the steps set.
struct User {
    plan: Plan,
    variables: Vec<Value>,
    shared: Rc<SharedData>,
    number: u64,
}

impl User {
    fn new(steps: &str) -> Self {
        Self::of_shard(
            steps,
            DataShard {
                first: 0,
                stride: 1,
            },
        )
    }

    fn of_shard(steps: &str, shard: DataShard) -> Self {
        let text = format!(
            "[users.u]\n[[users.u.tasks]]\nsteps = [\n{steps}\n]\n[profiles.p]\nusers = 1\nduration = \"1s\"\n[data]\n\
             rows = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n[data.own]\nrows = [\"a\", \"b\", \"c\"]\norder = \"per_user\"\n\
             [data.few]\nrows = [\"a\", \"b\"]\norder = \"per_user\"\non_exhausted = \"stop_user\"\n"
        );
        let scenario = Scenario::read_in("test.toml", &text, &OneVariable)
            .unwrap_or_else(|error| panic!("{:?}\n{text}", miette::Report::new(error)));
        let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("a plan");
        let now = || jiff::Timestamp::UNIX_EPOCH;
        let shared = SharedData::new(plan.sources.clone(), shard, 1, now);
        Self {
            variables: vec![Value::Undefined; plan.variables.len()],
            plan,
            shared: Rc::new(shared),
            number: 1,
        }
    }

    /// Runs the steps up to the first request; `None` if there is no request.
    fn run(&mut self) -> Result<Option<RenderedRequest>, EvalError> {
        let mut random = self.plan.random_of(1, 0, 0);
        let (mut recent_secrets, mut body) = (RecentSecrets::default(), Vec::new());
        for step in self.plan.classes[0].tasks.steps(0) {
            let mut context = EvalContext {
                random: &mut random,
                variables: &self.variables,
                shared: &self.shared,
                user: self.number,
                recent_secrets: &mut recent_secrets,
            };
            match step {
                Step::Set(id, value) => {
                    let value = value.evaluate(&mut context)?;
                    self.variables[id.index()] = value;
                }
                Step::Request(request) => {
                    let url = Url::parse("http://h").expect("a URL");
                    let with = RenderContext {
                        url: &url,
                        base_path: "",
                        host: "h",
                        closes: false,
                        file_bytes: 0,
                    };
                    let mut rendered = RenderedRequest::default();
                    request.render(&mut context, with, &mut rendered, &mut body)?;
                    let mut ranges = Vec::new();
                    rendered.read_fields(&request.headers, &mut ranges);
                    let fields = ranges.into_iter().map(|field| {
                        let (name, value) = (rendered.text(field.name), rendered.text(field.value));
                        format!("{name}: {value}")
                    });
                    let head = String::from_utf8_lossy(rendered.head()).into_owned();
                    let lines: Vec<&str> = head.trim_end().split("\r\n").skip(1).collect();
                    assert_eq!(fields.collect::<Vec<_>>(), lines, "positions of the fields");
                    return Ok(Some(rendered));
                }
                other => panic!("{other:?}"),
            }
        }
        Ok(None)
    }

    /// The variable with this name as JSON.
    fn variable(&self, name: &str) -> String {
        let mut names = self.plan.variables.iter();
        let at = names.position(|known| known == name).expect(name);
        self.variables[at].json_text()
    }
}

fn sent(steps: &str) -> String {
    let rendered = User::new(steps).run().expect("a value");
    let rendered = rendered.expect("a request");
    String::from_utf8(rendered.bytes().to_vec()).expect("text")
}

/// The path with its query.
fn path(steps: &str) -> String {
    let sent = sent(steps);
    sent.split(' ').nth(1).expect("a path").to_owned()
}

fn body(steps: &str) -> String {
    let sent = sent(steps);
    sent.split_once("\r\n\r\n").expect("a body").1.to_owned()
}

/// Header lines, without those of every request.
fn lines(steps: &str) -> Vec<String> {
    let sent = sent(steps);
    let head = sent.split("\r\n\r\n").next().expect("headers");
    let own = head.split("\r\n").skip(2);
    let own = own.filter(|line| !line.starts_with("User-Agent") && *line != "Accept: */*");
    own.map(str::to_owned).collect()
}

/// The value of an expression, as JSON.
fn value(expression: &str) -> String {
    let text = expression.replace('\'', "\"");
    let mut user = User::new(&format!(
        "{{ set = {{ x = '{{{{ {text} }}}}' }} }}, {{ get = \"/\" }}"
    ));
    user.run()
        .unwrap_or_else(|error| panic!("{expression}: {error:?}"));
    user.variable("x")
}

/// RFC 3986, sections 2.2, 2.4 and 3.3: data in a segment or a query is encoded unless it is unreserved.
#[test]
fn expression_in_a_path_is_encoded_as_its_place_needs() {
    let steps = |path: &str, value: &str| {
        format!("{{ set = {{ x = {value:?} }} }}, {{ name = \"n\", get = {path:?} }}")
    };
    for (template, value, expected) in [
        (
            "/e?q={{ x }}",
            "R&D c++ 100%25",
            "/e?q=R%26D%20c%2B%2B%20100%2525",
        ),
        ("/e?q={{ x }}&r=1", "a=b#c", "/e?q=a%3Db%23c&r=1"),
        ("/e?a=1&q={{ x }}{{ x }}", "&", "/e?a=1&q=%26%26"),
        ("/e?{{ x }}=1", "a b", "/e?a%20b=1"),
        ("/e?{{ x }}", "a=1&b=c d", "/e?a=1&b=c%20d"),
        ("/e?a=1&{{ x }}&c=2", "b=1", "/e?a=1&b=1&c=2"),
        ("/items/{{ x }}", "a/b?c#d%", "/items/a%2Fb%3Fc%23d%25"),
        ("/items/{{ x }}/edit", "é;=,", "/items/%C3%A9%3B%3D%2C/edit"),
        ("/items/n-{{ x }}", "a b", "/items/n-a%20b"),
        ("/api{{ x }}", "/items?page=2", "/api/items?page=2"),
        ("/list{{ x }}", "?page=2", "/list?page=2"),
        ("/{{ x }}", "a b/c?d", "/a%20b/c%3Fd"),
        ("/{{ x }}?a=1", "b/c", "/b/c?a=1"),
        ("{{ x }}", "/a?b=c&d=e%20f", "/a?b=c&d=e%20f"),
        ("{{ x }}/items/{{ x }}", "/v1", "/v1/items/%2Fv1"),
        ("/e?q={{ x | urlencode }}", "a&b", "/e?q=a%26b"),
        ("/e?q={{ urlencode(x) }}", "a&b", "/e?q=a%26b"),
        (
            "/e?q={{ x | urlencode | replace('%20', '+') }}",
            "a b&",
            "/e?q=a+b%26",
        ),
        ("/items/{{ x | urlencode }}", "a/b", "/items/a%2Fb"),
    ] {
        assert_eq!(
            path(&steps(template, value)),
            expected,
            "{template} with {value}"
        );
    }
}

#[test]
fn variable_that_is_percent_encoded_is_not_encoded_again() {
    let set = "{ set = { x = \"a&b\", y = \"{{ x | urlencode }}\" } }";
    for (request, expected) in [
        ("get = \"/e?q={{ y }}\"", "/e?q=a%26b"),
        (
            "get = \"/e\", query = { q = \"{{ y }}\", r = \"{{ x }}\" }",
            "/e?q=a%26b&r=a%26b",
        ),
        (
            "get = \"/e\", query = { q = \"{{ urlencode(x) }}\" }",
            "/e?q=a%26b",
        ),
        ("get = \"/e/{{ y }}\"", "/e/a%26b"),
    ] {
        assert_eq!(
            path(&format!("{set}, {{ name = \"n\", {request} }}")),
            expected
        );
    }
    // Jinja's filter makes a query of a table, as urllib.parse.urlencode(…, doseq=True) does.
    let table = "{ set = { t = { a = \"b&c\", l = [1, \"é\"] } } }, { name = \"n\", get = \"/e?{{ t | urlencode }}\" }";
    assert_eq!(path(table), "/e?a=b%26c&l=1&l=%C3%A9");
    let both = "{ set = { y = \"{{ 'a&b' | urlencode }}\" } }, { set = { y = \"c&d\" } }, \
                { name = \"n\", get = \"/e?q={{ y }}\" }";
    assert_eq!(path(both), "/e?q=c%26d");
}

/// requests repeats the key of a list and leaves `None` out (Quickstart, "Passing Parameters In URLs").
#[test]
fn list_repeats_a_parameter_and_none_leaves_it_out() {
    let set = "{ set = { l = [\"a b\", 2, true], n = \"{{ none }}\", t = { a = 1, l = [\"x\", \"&\"] } } }";
    for (request, expected) in [
        (
            "query = { k = [\"a\", \"b c\"], z = 1 }",
            "/e?k=a&k=b%20c&z=1",
        ),
        ("query = { k = \"{{ l }}\" }", "/e?k=a%20b&k=2&k=true"),
        ("query = { n = \"{{ n }}\", k = 1 }", "/e?k=1"),
        ("query = { n = \"{{ n }}\" }", "/e"),
        ("query = { k = [] }", "/e"),
        (
            "query = { k = [\"{{ n }}\", \"{{ l }}\", \"x\"] }",
            "/e?k=a%20b&k=2&k=true&k=x",
        ),
        ("query = \"{{ t }}\"", "/e?a=1&l=x&l=%26"),
        ("query = \"{{ n }}\"", "/e"),
        ("query = { \"k[]\" = [1, 2] }", "/e?k%5B%5D=1&k%5B%5D=2"),
        ("query = { k = \"{{ rows }}\" }", "/e?k=a&k=b&k=c&k=d&k=e"),
    ] {
        let steps = format!("{set}, {{ get = \"/e\", {request} }}");
        assert_eq!(path(&steps), expected, "{request}");
    }
    for (request, expected) in [
        ("get = \"/e?\", query = { a = 1 }", "/e?a=1"),
        (
            "get = \"/e?b=1\", query = { a = \"{{ n }}\", c = 2 }",
            "/e?b=1&c=2",
        ),
        ("get = \"/e?b=1&\", query = { a = 1 }", "/e?b=1&a=1"),
        ("get = \"{{ '/e?b=1' }}\", query = { a = 1 }", "/e?b=1&a=1"),
    ] {
        let steps = format!("{set}, {{ name = \"n\", {request} }}");
        assert_eq!(path(&steps), expected, "{request}");
    }
    let form = format!(
        "{set}, {{ post = \"/e\", form = {{ n = \"{{{{ n }}}}\", k = \"{{{{ l }}}}\", z = \"é\" }} }}"
    );
    assert_eq!(body(&form), "k=a%20b&k=2&k=true&z=%C3%A9");
    let form = format!("{set}, {{ post = \"/e\", form = \"{{{{ t }}}}\" }}");
    assert_eq!(body(&form), "a=1&l=x&l=%26");
}

/// RFC 9110, section 5.2: a field may have several lines.
#[test]
fn list_repeats_a_header_field_and_none_leaves_it_out() {
    let set = "{ set = { l = [\"a\", 2], n = \"{{ none }}\", t = { X-A = 1, accept = [\"x\", \"y\"] } } }";
    for (request, expected) in [
        (
            "headers = { X = [\"a\", \"b\"], Y = 1 }",
            &["X: a", "X: b", "Y: 1"][..],
        ),
        (
            "headers = { X = \"{{ l }}\", Y = \"z\" }",
            &["X: a", "X: 2", "Y: z"],
        ),
        (
            "headers = { A = \"b\", X = \"{{ n }}\", Y = \"z\" }",
            &["A: b", "Y: z"],
        ),
        ("headers = { X = \"{{ 'a\\r\\nb' }}\" }", &["X: a  b"]),
        (
            "headers = \"{{ t }}\"",
            &["X-A: 1", "accept: x", "accept: y"],
        ),
    ] {
        let steps = format!("{set}, {{ get = \"/e\", {request} }}");
        assert_eq!(lines(&steps), expected, "{request}");
    }
    let replaced =
        "{ set = { n = \"{{ none }}\" } }, { get = \"/\", headers = { User-Agent = \"{{ n }}\" } }";
    assert!(!sent(replaced).contains("User-Agent"));
}

#[test]
fn value_that_is_not_a_field_is_an_error() {
    let set = "{ set = { t = { a = { b = 1 } }, h = { \"a b\" = 1 }, c = { Cookie = \"a=b\" }, s = \"x\" } }";
    for (request, part) in [
        ("query = { k = \"{{ t }}\" }", "json(x)"),
        ("query = \"{{ t }}\"", "json(x)"),
        ("query = \"{{ s }}\"", "must be a table"),
        ("headers = \"{{ h }}\"", "invalid name of a header field"),
        ("headers = \"{{ c }}\"", "invalid name of a header field"),
        ("headers = { X = \"{{ t }}\" }", "json(x)"),
    ] {
        let error = User::new(&format!("{set}, {{ get = \"/e\", {request} }}")).run();
        match error {
            Err(EvalError::Failed(text)) => assert!(text.contains(part), "{request}: {text}"),
            other => panic!("{request}: {other:?}"),
        }
    }
}

/// RFC 7578, sections 4.2 to 4.4; the encoding of quotes is that of the HTML standard (multipart/form-data).
#[test]
fn part_may_be_a_text_with_a_file_name() {
    let steps = "{ set = { x = \"words\" } }, { post = \"/\", multipart = { \
                 a = { text = \"{{ x }}!\", name = \"{{ x }}\\\".txt\", type = \"text/{{ x }}\" }, \
                 b = { text = \"{}\", type = \"application/json\" }, \
                 c = [\"1\", { text = \"2\", name = \"d\" }] } }";
    let sent = sent(steps);
    let (head, body) = sent.split_once("\r\n\r\n").expect("a body");
    let (_, boundary) = head.split_once("boundary=").expect("a boundary");
    let boundary = boundary.lines().next().expect("a line");
    let expected = [
        "; name=\"a\"; filename=\"words%22.txt\"\r\nContent-Type: text/words\r\n\r\nwords!",
        "; name=\"b\"\r\nContent-Type: application/json\r\n\r\n{}",
        "; name=\"c\"\r\n\r\n1",
        "; name=\"c\"; filename=\"d\"\r\nContent-Type: application/octet-stream\r\n\r\n2",
    ];
    let parts =
        expected.map(|part| format!("--{boundary}\r\nContent-Disposition: form-data{part}\r\n"));
    assert_eq!(body, format!("{}--{boundary}--\r\n", parts.concat()));
}

/// grafana/k6#3450: large integers of a response lose digits.
#[test]
fn numbers_are_sent_as_they_were_received() {
    let response = br#"{"id":18446744073709551615,"e":1E2,"p":[1.50,1e400],"t":{"big":123456789012345678901234567890}}"#;
    let steps = "{ name = \"n\", get = \"/\", extract = { id = \"$.id\", e = \"$.e\", p = \"$.p[*]\", t = \"$.t\", \
                 all = { json = \"$.p[*]\", take = \"all\" } } }, \
                 { name = \"m\", post = \"/{{ id }}/{{ e }}?p={{ p }}\", json = { id = \"{{ id }}\", e = \"{{ e }}\", \
                 t = \"{{ t }}\", all = \"{{ all }}\", next = \"{{ id + 1 }}\", same = \"{{ id if true else 0 }}\", \
                 text = \"{{ id }}!\", own = \"{{ 18446744073709551615 }}\", far = \"{{ 1e400 }}\" } }";
    let mut user = User::new(steps);
    let steps = user.plan.classes[0].tasks.steps(0).to_vec();
    let (Step::Request(first), Step::Request(second)) = (&steps[0], &steps[1]) else {
        panic!("two requests");
    };
    let mut random = user.plan.random_of(1, 0, 0);
    let view = ResponseView::new(200, &[], response, 0);
    for extract in &first.extracts {
        let mut context = EvalContext {
            random: &mut random,
            variables: &user.variables,
            shared: &user.shared,
            user: 1,
            recent_secrets: &mut RecentSecrets::default(),
        };
        let value = extract.value(&view, &mut context).expect("no error");
        user.variables[extract.variable.index()] = value.expect("a value");
    }
    let mut context = EvalContext {
        random: &mut random,
        variables: &user.variables,
        shared: &user.shared,
        user: 1,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let (mut rendered, mut body) = (RenderedRequest::default(), Vec::new());
    let url = Url::parse("http://h").expect("a URL");
    let with = RenderContext {
        url: &url,
        base_path: "",
        host: "h",
        closes: false,
        file_bytes: 0,
    };
    second
        .render(&mut context, with, &mut rendered, &mut body)
        .expect("values");
    assert_eq!(
        rendered.method_and_path(),
        "POST /18446744073709551615/1E2?p=1.50"
    );
    let expected = "{\"id\":18446744073709551615,\"e\":1E2,\"t\":{\"big\":123456789012345678901234567890},\
                    \"all\":[1.50,1e400],\"next\":18446744073709551616,\"same\":18446744073709551615,\
                    \"text\":\"18446744073709551615!\",\"own\":18446744073709551615,\"far\":1e400}";
    assert_eq!(String::from_utf8_lossy(rendered.body()), expected);
}

#[test]
fn numbers_of_the_scenario_are_sent_as_they_are_written() {
    let steps = "{ set = { v = 1.10 } }, { post = \"/\", query = { a = 1.10, b = 2.5, c = [1E2], d = \"{{ v }}\" }, \
                 headers = { X = 1.20 }, json = { a = 1.50, b = 1_0.50, c = -0.0, d = \"{{ v }}\", e = 3 } }";
    assert_eq!(path(steps), "/?a=1.10&b=2.5&c=1E2&d=1.10");
    assert_eq!(lines(steps)[1], "X: 1.20");
    assert_eq!(
        body(steps),
        "{\"a\":1.50,\"b\":10.50,\"c\":-0.0,\"d\":1.10,\"e\":3}"
    );
}

/// Python 3, library reference: string methods.
#[test]
fn methods_of_strings_and_lists_are_those_of_python() {
    for (expression, expected) in [
        ("'a,b'.split(',')", "[\"a\",\"b\"]"),
        ("' a b '.split()", "[\"a\",\"b\"]"),
        ("' x '.strip()", "\"x\""),
        ("'x!!'.rstrip('!')", "\"x\""),
        ("'aB'.upper()", "\"AB\""),
        ("'aB'.lower()", "\"ab\""),
        ("'a-b-c'.replace('-', '_')", "\"a_b_c\""),
        ("'abc'.startswith('ab')", "true"),
        ("'abc'.endswith('ab')", "false"),
        ("', '.join(['a', 'b'])", "\"a, b\""),
        ("'hello world'.title()", "\"Hello World\""),
        ("'abc'.find('c')", "2"),
        ("'aa'.count('a')", "2"),
        ("{'a': 1}.get('b', 2)", "2"),
        ("{'a': 1}.keys() | list", "[\"a\"]"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn environment_variable_may_have_a_default() {
    for (expression, expected) in [
        ("env.SET | default('x')", "\"from outside\""),
        ("env.UNSET | default('x')", "\"x\""),
        ("env['UNSET'] | default('x')", "\"x\""),
        ("env.UNSET | d('x') | upper", "\"X\""),
        ("(env.UNSET | default(7)) + 1", "8"),
        ("'y' if env.UNSET is defined else 'n'", "\"n\""),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn sequences_with_names_count_on_their_own_and_without_repetition_over_shards() {
    let steps = "{ set = { a = \"{{ seq('a') }}\", b = \"{{ seq('b', 1000) }}\", c = \"{{ seq() }}\", \
                 d = \"{{ seq('a') + 0 }}\" } }, { get = \"/\" }";
    let mut seen = Vec::new();
    for first in 0..3 {
        let mut user = User::of_shard(steps, DataShard { first, stride: 3 });
        for turn in 0..4 {
            user.run().expect("values");
            for name in ["a", "d"] {
                seen.push(user.variable(name).parse::<u64>().expect("a number"));
            }
            let expected = 1000 + first + 3 * turn;
            assert_eq!(user.variable("b"), expected.to_string());
            assert_eq!(user.variable("c"), (1 + first + 3 * turn).to_string());
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=24).collect::<Vec<_>>());
}

#[test]
fn row_per_user_is_that_of_its_number() {
    let steps = "{ set = { r = \"{{ next(own) }}\", s = \"{{ next(own) }}\", n = \"{{ user_number() }}\" } }, { get = \"/\" }";
    let mut user = User::of_shard(
        steps,
        DataShard {
            first: 1,
            stride: 2,
        },
    );
    for (number, row) in [(1, "\"a\""), (3, "\"c\""), (4, "\"a\""), (5, "\"b\"")] {
        user.number = number;
        user.run().expect("rows");
        assert_eq!(user.variable("r"), row);
        assert_eq!(user.variable("s"), row);
        assert_eq!(user.variable("n"), number.to_string());
    }
    let mut user = User::new("{ set = { r = \"{{ next(few) }}\" } }, { get = \"/\" }");
    user.number = 3;
    assert_eq!(user.run().map(|_| ()), Err(EvalError::StopUser));
}

#[test]
fn row_that_is_checked_out_is_given_to_no_other_user_until_it_is_given_back() {
    let steps = "{ check_out = { r = \"rows\" }, steps = [{ get = \"/{{ r }}\" }] }";
    let user = User::of_shard(
        steps,
        DataShard {
            first: 1,
            stride: 2,
        },
    );
    let Step::CheckOut(source, _) = user.plan.classes[0].tasks.steps(0)[0] else {
        panic!("a row is taken first");
    };
    let take = || user.shared.check_out(source).expect("rows");
    // The rows of this shard are the second and the fourth.
    let (first, value) = take().expect("a row");
    assert_eq!(value, Value::text("b"));
    let (second, value) = take().expect("a row");
    assert_eq!(value, Value::text("d"));
    assert!(take().is_none());
    user.shared.give_back(second);
    user.shared.give_back(first);
    assert_eq!(take().map(|(_, value)| value), Some(Value::text("d")));
    assert_eq!(take().map(|(_, value)| value), Some(Value::text("b")));
    let none = User::of_shard(
        steps,
        DataShard {
            first: 5,
            stride: 8,
        },
    );
    let refused = none.shared.check_out(source).map(|_| ());
    assert!(
        matches!(&refused, Err(EvalError::Failed(text)) if text.contains("5 rows")),
        "{refused:?}"
    );
}
