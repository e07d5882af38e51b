//! JSONPath: a path is rejected, or can be evaluated on any body.

#![no_main]

use std::rc::Rc;

use brunt_scenario::{
    DataShard, EvalContext, Overrides, Plan, RecentSecrets, ResponseView, Scenario, SharedData,
    Step, Value,
};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

// The first line is the path, and the rest is the body.
fuzz_target!(|text: &str| {
    let (path, body) = text.split_once('\n').unwrap_or((text, "{}"));
    let typed = serde_json::to_string(path)
        .expect("string as JSON")
        .replace('\u{7f}', "\\u007f");
    let scenario = format!(
        "[[users.u.tasks]]\nget = \"/\"\nextract = {{ a = {{ json = {typed} }}, b = {{ json = {typed}, take = \"all\" }} }}\n\
         [profiles.p]\nusers = 1\nduration = \"1s\"\n"
    );
    let Ok(scenario) = Scenario::read("fuzzed.toml", &scenario) else {
        return;
    };
    let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("valid profile");
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
        user: 1,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let seen = ResponseView::new(200, b"", body.as_bytes(), 1);
    for step in plan.classes[0].tasks.steps(0) {
        let Step::Request(request) = step else {
            continue;
        };
        for extract in &request.extracts {
            // A path that matches nothing is an error, which is expected.
            drop(extract.value(&seen, &mut scope));
        }
    }
});
