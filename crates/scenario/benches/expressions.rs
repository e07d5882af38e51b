//! Cost of expressions in a body: `cargo bench -p brunt-scenario`.

#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use brunt_scenario::{
    DataShard, EvalContext, Overrides, Plan, RecentSecrets, RenderContext, RenderedRequest,
    Request, Scenario, SharedData, Step,
};
use url::Url;

const ROUNDS: usize = 31;
const REQUESTS: u32 = 100_000;

/// A body with a value, and one that is constant.
const VALUES: [(&str, &str); 8] = [
    ("fixed", "apple"),
    ("pick", "{{ pick(list) }}"),
    ("pick in a text", "an {{ pick(list) }} a day"),
    ("randint", "{{ randint(1, 1000) }}"),
    ("uniform", "{{ uniform(1, 5) }}"),
    ("a variable", "{{ x }}"),
    ("random_string(8)", "{{ random_string(8) }}"),
    ("played by Jinja", "{{ 'XL' if randint(0, 1) else 'S' }}"),
];

fn main() {
    let mut fixed_ns = None;
    println!(
        "{:<18} {:>12} {:>12}",
        "in a body", "ns a request", "more than fixed"
    );
    for (name, value) in VALUES {
        let ns = ns_a_request(&plan(value));
        let fixed_ns = *fixed_ns.get_or_insert(ns);
        println!("{name:<18} {ns:>12.1} {:>12.1}", ns - fixed_ns);
    }
}

fn plan(value: &str) -> Plan {
    let text = format!(
        "data.list = [\"apple\", \"pear\", \"plum\"]\n[[users.u.tasks]]\nsteps = [{{ set = {{ x = \"fig\" }} }}, \
         {{ post = \"/orders\", json = {{ product = \"{value}\", count = 1 }} }}]\n\
         [profiles.p]\nusers = 1\nduration = \"1s\"\n"
    );
    let scenario = Scenario::read("bench.toml", &text).expect("a scenario");
    Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("a profile")
}

/// The median of some rounds.
fn ns_a_request(plan: &Plan) -> f64 {
    let shard = DataShard {
        first: 0,
        stride: 1,
    };
    let shared = SharedData::new(plan.sources.clone(), shard, 1, jiff::Timestamp::now);
    let shared = Rc::new(shared);
    let mut random = plan.random_of(1, 0, 0);
    let steps = plan.classes[0].tasks.steps(0);
    let [Step::Set(slot, value), Step::Request(request)] = steps else {
        panic!("a variable and a request");
    };
    let mut variables = vec![brunt_scenario::Value::default(); plan.variables.len()];
    let mut context = EvalContext {
        random: &mut random,
        variables: &variables,
        shared: &shared,
        user: 1,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let value = value.evaluate(&mut context).expect("a value");
    variables[slot.index()] = value;
    let mut context = EvalContext {
        random: &mut random,
        variables: &variables,
        shared: &shared,
        user: 1,
        recent_secrets: &mut RecentSecrets::default(),
    };
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(request, &mut context)).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn round(request: &Request, context: &mut EvalContext) -> f64 {
    let (mut into, mut body) = (RenderedRequest::default(), Vec::new());
    let url = Url::parse("http://127.0.0.1:8000").expect("a URL");
    let rendering = RenderContext {
        url: &url,
        base_path: "",
        host: "127.0.0.1:8000",
        closes: false,
        file_bytes: 0,
    };
    let begun = Instant::now();
    for _ in 0..REQUESTS {
        request
            .render(context, rendering, &mut into, &mut body)
            .expect("nothing is missing");
        black_box(into.bytes());
    }
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(REQUESTS)
}
