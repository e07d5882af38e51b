//! Load levels that change during the run: each is offered from its time on.

use brunt_record::{Command, Load, LoadLevel, RunRecord, SearchPhase};
use brunt_testbed::queue_simulation::ServiceDistribution;
use brunt_testbed::{Behavior, Response, Routes, Server, Service};

use crate::{TestRun, total};

const TASK: &str = "[[users.u.tasks]]\nget = \"/a\"";

/// A search of two seconds with this load in its profile.
fn test_run(url: &str, of: &str) -> TestRun {
    let mut test_run = TestRun::new(url, 1, "1s", "100ms", TASK);
    let profile = format!("search = {{ by = \"{of}\", from = 100 }}\nduration = \"2s\"");
    test_run.scenario = test_run
        .scenario
        .replace("users = 1\nduration = \"1s\"", &profile);
    test_run
}

fn level(from_ms: u64, level: f64) -> LoadLevel {
    LoadLevel {
        from_ms,
        ramp_ms: 0,
        level,
        phase: SearchPhase::Trial,
    }
}

/// Sets the levels as soon as the engine runs.
fn steered(test_run: &TestRun, levels: &[LoadLevel]) -> RunRecord {
    let mut told = false;
    test_run.run_with(|engine, _| {
        if !std::mem::replace(&mut told, true) {
            levels
                .iter()
                .for_each(|level| engine.command(Command::Level(*level)));
        }
    })
}

fn planned(test_run: &TestRun, levels: &[LoadLevel]) -> Load {
    let mut load = test_run.plan().load;
    levels.iter().for_each(|level| load.steer(level));
    load
}

#[test]
fn arrivals_follow_the_levels_on_any_number_of_cores() {
    let levels = [level(500, 0.0), level(1_000, 400.0), level(1_500, 40.0)];
    for threads in [1, 2] {
        let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
        let mut test_run = test_run(&server.url(), "arrivals");
        test_run.scenario = test_run
            .scenario
            .replace("search", "arrivals = \"constant\"\nsearch");
        test_run.settings.threads = threads;
        let record = steered(&test_run, &levels);
        let expected = planned(&test_run, &levels).integral(2.0);
        assert!((expected - (50.0 + 200.0 + 20.0)).abs() < 1e-6);
        let requests = total(&record, brunt_record::Second::requests);
        assert_eq!(requests, 270, "{threads} threads");
        assert_eq!(server.stop().requests, 270);
    }
}

#[test]
fn users_follow_the_levels_and_remaining_users_do_not_restart() {
    for threads in [1, 2] {
        let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
        let mut test_run = test_run(&server.url(), "users");
        test_run.scenario = test_run.scenario.replace("from = 100", "from = 3");
        test_run.settings.threads = threads;
        let record = steered(&test_run, &[level(700, 20.0), level(1_300, 5.0)]);
        let seconds = record.timeline.seconds();
        let users = |at: usize| seconds.get(at).and_then(|second| second.users);
        assert_eq!(
            (users(0), users(1)),
            (Some(20), Some(20)),
            "{threads} threads"
        );
        // Three users throughout, seventeen for 0.6 s, two for 0.7 s, each with a task per 0.1 s.
        let requests = total(&record, brunt_record::Second::requests);
        assert!((120..=178).contains(&requests), "{requests}");
    }
}

#[test]
fn overload_does_not_starve_users() {
    let service = Service {
        distribution: ServiceDistribution::Fixed {
            servers: 1,
            time_s: 0.001,
        },
        seed: 1,
    };
    let routes = Routes::new().otherwise(Response::ok("x"));
    let server = Server::start(Behavior::from(routes).service(service)).unwrap();
    let mut test_run = test_run(&server.url(), "arrivals");
    test_run.scenario = test_run
        .scenario
        .replace("from = 100", "from = 200000")
        .replace("search", "users = 20\nsearch");
    test_run.settings.stop_timeout = std::time::Duration::ZERO;
    let record = steered(&test_run, &[level(500, 100.0)]);
    let ok_count = record.timeline.seconds().get(0).unwrap().ok;
    assert!(ok_count > 100, "{ok_count}");
    server.stop();
}

#[test]
fn second_is_complete_once_all_cores_have_handed_it_over() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let mut test_run = TestRun::new(&server.url(), 2, "2s", "10ms", TASK);
    test_run.settings.threads = 2;
    let mut checked_s = 0;
    test_run.run_with(|engine, record| {
        let seconds = record.timeline.seconds();
        let completed_s = engine.completed_seconds().unwrap_or(2).min(2) as usize;
        for second in seconds.range(checked_s..completed_s) {
            assert_eq!(second.users, Some(2), "the second of one core is missing");
        }
        checked_s = completed_s;
    });
    assert_eq!(checked_s, 2);
}
