//! Runs of the example scenarios against the shop: the run record must match what the shop counted.

#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

#[path = "../test_run/header.rs"]
mod header;
mod surroundings;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use brunt_engine::{Engine, EngineEvent, NetworkOptions, Origins, Settings};
use brunt_record::{NameKind, Outcome, RunRecord, Scope};
use brunt_scenario::{Host, Overrides, Plan, Scenario};
use brunt_testbed::{Server, Shop};
use surroundings::Files;

/// A run of a scenario against a shop.
struct ScenarioRun {
    record: RunRecord,
    shop: Shop,
    requests: u64,
    failed_setup: Option<String>,
}

fn read(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let path = path.join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path).unwrap();
    Scenario::read_in(&path.display().to_string(), &text, &Files)
        .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)))
}

/// Runs a profile for a second or two. Hosts of classes are directed to the shop as well.
fn run_profile(name: &str, profile: &str, users: u32, duration: Duration) -> ScenarioRun {
    let shop = Shop::new();
    let server = Server::start(shop.routes()).unwrap();
    let mut scenario = read(name);
    let port = server.address().port();
    for host in &mut scenario.network.hosts {
        let mut url = url::Url::clone(host);
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(port)).unwrap();
        *host = url.into();
    }
    let overrides = Overrides {
        users: Some(users),
        duration: Some(duration),
        ..Overrides::default()
    };
    let plan = Arc::new(Plan::new(&scenario, profile, &overrides, &[]).unwrap());
    let Ok(Host::Url(url)) = Host::parse(&server.url()) else {
        panic!("a URL");
    };
    let reach = NetworkOptions {
        lookup_timeout: Duration::from_secs(10),
        ..NetworkOptions::default()
    };
    let target = Arc::new(Origins::resolve(&url, &plan.network, &reach).unwrap());
    let set_up = brunt_engine::set_up(&plan, &target, 1).unwrap();
    let settings = Settings {
        seed: 1,
        threads: 2,
        stop_timeout: Duration::from_secs(10),
        values: set_up.values.clone(),
        ..Settings::default()
    };
    let mut record = RunRecord::new(header::header(&plan));
    for increment in &set_up.increments {
        record.timeline.merge(increment).unwrap();
    }
    let mut failed_setup = set_up.failed;
    if failed_setup.is_none() {
        let mut engine =
            Engine::start(&plan, &target, &settings, brunt_engine::Clock::start()).unwrap();
        loop {
            match engine.next_event(Duration::from_millis(20)) {
                EngineEvent::Increment(increment) => record.timeline.merge(&increment).unwrap(),
                EngineEvent::StopTest => engine.command(brunt_record::Command::Stop),
                EngineEvent::Timeout => {}
                EngineEvent::WorkerFailed(reason) => panic!("{reason}"),
                EngineEvent::Ended => break,
            }
        }
        failed_setup = engine.start_stats().all_failed().map(str::to_owned);
        let torn_down = brunt_engine::tear_down(&plan, &target, &settings).unwrap();
        assert_eq!(torn_down.failed, None);
        for increment in &torn_down.increments {
            record.timeline.merge(increment).unwrap();
        }
    }
    ScenarioRun {
        record,
        shop,
        requests: server.stop().requests,
        failed_setup,
    }
}

impl ScenarioRun {
    /// Number of samples of a name with an outcome.
    fn count(&self, name: &str, outcome: Outcome) -> u64 {
        let names = (0u32..).zip(self.record.timeline.names());
        let own = names.filter(|(_, known)| known.name == name);
        own.map(|(id, _)| {
            let scope = Scope::Name(brunt_record::NameId(id));
            let timeline = &self.record.timeline;
            timeline
                .histogram(scope, brunt_record::Measure::Response, outcome)
                .count()
        })
        .sum()
    }

    fn ok(&self, name: &str) -> u64 {
        self.count(name, Outcome::Ok)
    }

    /// Checks that nothing failed and that every request on the wire was counted.
    fn is_clean(&self) {
        assert_eq!(self.failed_setup, None);
        assert_eq!(self.record.timeline.failures(), []);
        let wire = self.record.timeline.name_totals().iter();
        let wire: u64 = wire.map(|totals| totals.wire_requests).sum();
        assert_eq!(wire, self.requests);
    }
}

const A_WHILE: Duration = Duration::from_millis(1_500);

#[test]
fn user_logs_in_once_and_sends_its_token() {
    let run = run_profile("login", "load", 4, A_WHILE);
    run.is_clean();
    assert_eq!(run.shop.logins().values().sum::<u64>(), 4);
    assert_eq!(run.shop.logouts(), 4);
    assert!(run.ok("/me") >= 4, "{}", run.ok("/me"));
    let names = run.record.timeline.names();
    let is_setup = |wanted: &str| names.iter().any(|name| name.name == wanted && name.setup);
    assert!(is_setup("/login") && is_setup("/logout") && !is_setup("/me"));
}

#[test]
fn visitor_shops_with_cookies_and_the_token_of_a_page() {
    let run = run_profile("shop", "load", 3, A_WHILE);
    run.is_clean();
    let orders = run.shop.orders();
    assert!(orders >= 3, "{orders}");
    assert_eq!(run.ok("/shop/orders"), orders);
    // Each visit has its own session, because cookies are cleared after it.
    assert_eq!(run.ok("/shop"), run.shop.sessions() as u64);
    assert_eq!((run.ok("buy"), run.ok("order value")), (orders, orders));
    let timeline = &run.record.timeline;
    let place = timeline
        .names()
        .iter()
        .position(|name| name.kind == NameKind::Metric);
    let scope = Scope::Name(brunt_record::NameId(u32::try_from(place.unwrap()).unwrap()));
    let values = timeline.histogram(scope, brunt_record::Measure::Response, Outcome::Ok);
    assert!((values.mean_ns().unwrap() / 1e6 - 9.5).abs() < 1e-6);
    // Groups and metrics are not counted as requests.
    let judged: u64 = timeline
        .seconds()
        .iter()
        .map(|second| second.requests())
        .sum();
    let baskets = run.ok("put into the basket");
    assert_eq!(judged, run.ok("/shop") + baskets + orders);
}

#[test]
fn each_line_of_a_file_belongs_to_one_user() {
    let run = run_profile("users", "load", 6, A_WHILE);
    run.is_clean();
    let expected = ["ann", "bob", "cy", "dee", "eve", "fay"].map(|name| (name.to_owned(), 1));
    assert_eq!(run.shop.logins(), expected.into());
}

#[test]
fn user_without_a_line_of_data_stops() {
    let run = run_profile("users", "load", 9, A_WHILE);
    run.is_clean();
    assert_eq!(run.shop.logins().values().sum::<u64>(), 6);
}

#[test]
fn pages_are_requested_up_to_the_last() {
    let run = run_profile("pages", "load", 2, A_WHILE);
    run.is_clean();
    let rounds = run.ok("items seen");
    assert!(rounds >= 2);
    assert_eq!(run.ok("/items"), 4 * rounds);
    // The last page has five items, each of which is requested.
    assert_eq!(run.ok("/status/*"), 5 * rounds);
}

#[test]
fn arrivals_have_the_planned_rate() {
    let run = run_profile("arrivals", "load", 50, Duration::from_secs(2));
    run.is_clean();
    let planned = run.record.header.load.integral(2.0);
    let count = (run.ok("/shop") + run.ok("/items")) as f64;
    // Five standard deviations of a Poisson count.
    assert!(
        (count - planned).abs() < 5.0 * planned.sqrt(),
        "{count} of {planned}"
    );
}

#[test]
fn groups_are_chosen_by_weight_and_run_in_sequence() {
    let run = run_profile("groups", "load", 20, Duration::from_secs(3));
    run.is_clean();
    // Steps of a sequence run equally often, except for sequences that the end of the run cut off.
    let (first, second) = (run.ok("/status/200"), run.ok("/status/204"));
    assert!(first >= second && second + 20 >= first, "{first} {second}");
    assert!(run.ok("/items") > run.ok("/shop"));
    assert!(run.ok("watch") >= 3);
}

#[test]
fn file_is_uploaded_within_a_form() {
    let run = run_profile("upload", "load", 2, A_WHILE);
    run.is_clean();
    let uploads = run.shop.uploads();
    assert!(uploads.len() >= 2);
    assert!(
        uploads
            .iter()
            .all(|upload| *upload == ("picture.txt".to_owned(), 39)),
        "{uploads:?}"
    );
}

#[test]
fn every_shipped_scenario_is_run() {
    let run = run_profile("everything", "load", 8, Duration::from_secs(4));
    run.is_clean();
    for name in [
        "/me",
        "/shop/orders",
        "/items",
        "/upload",
        "signed",
        "watch",
        "buy",
        "order value",
    ] {
        assert!(run.ok(name) > 0, "{name}");
    }
    assert!(run.shop.orders() > 0);
    for profile in ["once", "open", "search"] {
        let plan = Plan::new(&read("everything"), profile, &Overrides::default(), &[]);
        assert!(plan.is_ok(), "{profile}");
    }
}
