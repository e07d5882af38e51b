//! Expressions: a text is rejected when it is compiled, fails when it is evaluated, or renders one well-formed request.

#![no_main]

use std::rc::Rc;

use brunt_scenario::{
    DataShard, EvalContext, Overrides, Plan, RecentSecrets, RenderContext, RenderedRequest,
    Scenario, SharedData, Step, Value,
};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|text: &str| {
    let typed = serde_json::to_string(text)
        .expect("string as JSON")
        .replace('\u{7f}', "\\u007f");
    let scenario = format!(
        "[data]\nlist = [1, \"two\", {{ three = 3 }}]\nrows = [{{ name = \"ann\", n = 1.5 }}]\n\
         [[users.u.tasks]]\nsteps = [\n\
         {{ set = {{ x = 3, y = \"{{{{ pick(rows) }}}}\", z = [1, 2] }} }},\n\
         {{ post = {typed}, headers = {{ A = {typed} }}, json = {{ a = {typed}, b = [{typed}] }} }},\n\
         {{ post = \"/\", query = {{ a = {typed}, b = [{typed}, {typed}] }}, form = {{ a = {typed} }}, check = {{ contains = {typed} }} }}]\n\
         [profiles.p]\nusers = 1\nduration = \"1s\"\n"
    );
    let Ok(scenario) = Scenario::read("fuzzed.toml", &scenario) else {
        return;
    };
    let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("valid profile");
    render(&plan);
});

fn render(plan: &Plan) {
    let share = DataShard {
        first: 0,
        stride: 1,
    };
    let stock = SharedData::new(plan.sources.clone(), share, 1, || Timestamp::UNIX_EPOCH);
    let stock = Rc::new(stock);
    let mut random = plan.random_of(1, 0, 0);
    let mut variables = vec![Value::default(); plan.variables.len()];
    let (mut into, mut body) = (RenderedRequest::default(), Vec::new());
    let url = Url::parse("http://host/base").expect("a URL");
    let rendering = RenderContext {
        url: &url,
        base_path: "/base",
        host: "host:80",
        closes: false,
        file_bytes: 0,
    };
    for step in plan.classes[0].tasks.steps(0) {
        let mut scope = EvalContext {
            random: &mut random,
            variables: &variables,
            shared: &stock,
            user: 1,
            recent_secrets: &mut RecentSecrets::default(),
        };
        match step {
            Step::Set(slot, value) => {
                if let Ok(value) = value.evaluate(&mut scope) {
                    variables[slot.index()] = value;
                }
            }
            Step::Request(request) => {
                // A request that cannot be rendered is an error of the user's expression.
                if request
                    .render(&mut scope, rendering, &mut into, &mut body)
                    .is_ok()
                {
                    assert_single_request(&into);
                }
            }
            _ => {}
        }
    }
}

/// Asserts that no value ends a header line or the headers.
fn assert_single_request(rendered: &RenderedRequest) {
    let head = rendered.head();
    assert!(head.ends_with(b"\r\n\r\n"));
    let ends = head.windows(4).filter(|part| part == b"\r\n\r\n").count();
    assert_eq!(ends, 1, "{}", String::from_utf8_lossy(head));
    let target = rendered.text(rendered.path());
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");
    // A list repeats A.
    let lines = head.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"A: "));
    // The request line, Host, two default headers, Content-Type, Content-Length, the empty line, and the rest.
    assert!(lines.count() <= 8, "{}", String::from_utf8_lossy(head));
}
