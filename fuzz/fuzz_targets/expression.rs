//! Expressions: whatever the text, it is a value, or says what is wrong with it, when it is read or when it is
//! rendered.

#![no_main]

use std::rc::Rc;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use brunt_scenario::{RecentSecrets, Overrides, Plan, RenderedRequest, RenderContext, Scenario, EvalContext, DataShard, Step, SharedData, Value};

fuzz_target!(|text: &str| {
    let typed = serde_json::to_string(text)
        .expect("text")
        .replace('\u{7f}', "\\u007f");
    let scenario = format!(
        "[data]\nlist = [1, \"two\", {{ three = 3 }}]\nrows = [{{ name = \"ann\", n = 1.5 }}]\n\
         [[users.u.tasks]]\nsteps = [\n\
         {{ set = {{ x = 3, y = \"{{{{ pick(rows) }}}}\", z = [1, 2] }} }},\n\
         {{ post = {typed}, headers = {{ A = {typed} }}, json = {{ a = {typed}, b = [{typed}] }} }},\n\
         {{ post = \"/\", form = {{ a = {typed} }}, check = {{ contains = {typed} }} }}]\n\
         [profiles.p]\nusers = 1\nduration = \"1s\"\n"
    );
    let Ok(scenario) = Scenario::read("fuzzed.toml", &scenario) else {
        return;
    };
    let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("a profile");
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
    let rendering = RenderContext {
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
            recent_secrets: &mut RecentSecrets::default(),
        };
        match step {
            Step::Set(slot, value) => {
                if let Ok(value) = value.evaluate(&mut scope) {
                    variables[slot.index()] = value;
                }
            }
            Step::Request(request) => {
                // What cannot be evaluated has failed, and says why.
                if request
                    .render(&mut scope, rendering, &mut into, &mut body)
                    .is_ok()
                {
                    is_one_request(&into);
                }
            }
            _ => {}
        }
    }
}

/// No value may end a line of the head, or the head itself.
fn is_one_request(rendered: &RenderedRequest) {
    let head = &rendered.bytes[..rendered.head_bytes];
    assert!(head.ends_with(b"\r\n\r\n"));
    let ends = head.windows(4).filter(|part| part == b"\r\n\r\n").count();
    assert_eq!(ends, 1, "{}", String::from_utf8_lossy(head));
    let lines = head.split(|byte| *byte == b'\n').count();
    // The request's, Host, two common ones, A, Content-Type, Content-Length, the empty one, and what is behind it.
    assert!(lines <= 9, "{}", String::from_utf8_lossy(head));
}
