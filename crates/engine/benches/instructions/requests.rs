//! Requests of the shipped scenario, rendered in HTTP/1.1 format.

use std::hint::black_box;
use std::rc::Rc;

use brunt_scenario::{
    EvalContext, Overrides, Plan, RecentSecrets, RenderContext, RenderedRequest, Request, Scenario,
    SharedData, Step,
};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use url::Url;

const SHIPPED: &str = include_str!("../../../../brunt.toml");

/// The plan of the shipped scenario.
pub(crate) fn plan() -> Plan {
    let scenario = Scenario::read("brunt.toml", SHIPPED).expect("the shipped scenario");
    Plan::new(&scenario, "load", &Overrides::default(), &[]).expect("its profile")
}

/// The request of a task of the first class.
pub(crate) fn request_of(plan: &Plan, task: usize) -> &Request {
    match plan.classes[0].tasks.steps(task) {
        [Step::Request(request)] => request,
        _ => panic!("the shipped scenario's tasks are one request each"),
    }
}

/// Renders the request of a task.
fn render(task: usize, begins: &str, count: u64) {
    let plan = plan();
    let request = request_of(&plan, task);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let shared_data = Rc::new(SharedData::empty());
    let url = Url::parse("http://127.0.0.1:8000").expect("a URL");
    let rendering = RenderContext {
        url: &url,
        base_path: "",
        host: "127.0.0.1:8000",
        closes: false,
        file_bytes: 0,
    };
    let (mut into, mut body) = (RenderedRequest::default(), Vec::new());
    let mut recent_secrets = RecentSecrets::default();
    for _ in 0..count {
        let mut scope = EvalContext {
            random: &mut random,
            variables: &[],
            shared: &shared_data,
            user: 1,
            recent_secrets: &mut recent_secrets,
        };
        black_box(request)
            .render(&mut scope, rendering, &mut into, &mut body)
            .expect("no error");
        black_box(into.bytes());
    }
    assert!(count == 0 || into.bytes().starts_with(begins.as_bytes()));
}

pub(crate) fn three_draws(count: u64) {
    render(0, "POST /quality/analyze ", count);
}

pub(crate) fn numbers(count: u64) {
    render(5, "POST /validation/create ", count);
}

pub(crate) fn get(count: u64) {
    render(8, "GET /health ", count);
}
