//! JSONPath: whatever the path and the body, the path is refused, or finds what the body has.

#![no_main]

use std::rc::Rc;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use brunt_scenario::{RecentSecrets, Overrides, Plan, Scenario, EvalContext, ResponseView, DataShard, Step, SharedData, Value};

// A line with the path, then the body.
fuzz_target!(|text: &str| {
    let (path, body) = text.split_once('\n').unwrap_or((text, "{}"));
    let typed = serde_json::to_string(path)
        .expect("text")
        .replace('\u{7f}', "\\u007f");
    let scenario = format!(
        "[[users.u.tasks]]\nget = \"/\"\nextract = {{ a = {{ json = {typed} }}, b = {{ json = {typed}, take = \"all\" }} }}\n\
         [profiles.p]\nusers = 1\nduration = \"1s\"\n"
    );
    let Ok(scenario) = Scenario::read("fuzzed.toml", &scenario) else {
        return;
    };
    let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("a profile");
    let share = DataShard {
        first: 0,
        stride: 1,
    };
    let stock = SharedData::new(plan.sources.clone(), share, 1, || Timestamp::UNIX_EPOCH);
    let stock = Rc::new(stock);
    let mut random = plan.random_of(1, 0, 0);
    let variables = vec![Value::default(); plan.variables.len()];
    let mut scope = EvalContext {
        random: &mut random,
        variables: &variables,
        shared: &stock,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let seen = ResponseView::new(200, b"", body.as_bytes(), 1);
    for step in plan.classes[0].tasks.steps(0) {
        let Step::Request(request) = step else {
            continue;
        };
        for extract in &request.extracts {
            // What is not found says so.
            drop(extract.value(&seen, &mut scope));
        }
    }
});
