//! Load levels that change during the run: each is offered from its time on.

use brunt_record::{Command, Load, LoadLevel, RunRecord, SearchPhase};
use brunt_testbed::queue_simulation::ServiceDistribution;
use brunt_testbed::{Answer, Behavior, Routes, Server, Service};

use crate::{Play, total};

const TASK: &str = "[[users.u.tasks]]\nget = \"/a\"";

/// A search of two seconds with this load in its profile.
fn play(url: &str, of: &str) -> Play {
    let mut play = Play::new(url, 1, "1s", "100ms", TASK);
    let profile = format!("search = {{ by = \"{of}\", from = 100 }}\nduration = \"2s\"");
    play.scenario = play
        .scenario
        .replace("users = 1\nduration = \"1s\"", &profile);
    play
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
fn steered(play: &Play, levels: &[LoadLevel]) -> RunRecord {
    let mut told = false;
    play.run_with(|engine, _| {
        if !std::mem::replace(&mut told, true) {
            levels
                .iter()
                .for_each(|level| engine.command(Command::Level(*level)));
        }
    })
}

fn planned(play: &Play, levels: &[LoadLevel]) -> Load {
    let mut load = play.plan().load;
    levels.iter().for_each(|level| load.steer(level));
    load
}

#[test]
fn arrivals_follow_the_levels_on_any_number_of_cores() {
    let levels = [level(500, 0.0), level(1_000, 400.0), level(1_500, 40.0)];
    for threads in [1, 2] {
        let server = Server::start(Routes::new().otherwise(Answer::ok("x"))).unwrap();
        let mut play = play(&server.url(), "arrivals");
        play.scenario = play
            .scenario
            .replace("search", "arrivals = \"constant\"\nsearch");
        play.settings.threads = threads;
        let record = steered(&play, &levels);
        let expected = planned(&play, &levels).integral(2.0);
        assert!((expected - (50.0 + 200.0 + 20.0)).abs() < 1e-6);
        let requests = total(&record, brunt_record::Second::requests);
        assert_eq!(requests, 270, "{threads} threads");
        assert_eq!(server.stop().requests, 270);
    }
}

#[test]
fn users_follow_the_levels_and_remaining_users_do_not_restart() {
    for threads in [1, 2] {
        let server = Server::start(Routes::new().otherwise(Answer::ok("x"))).unwrap();
        let mut play = play(&server.url(), "users");
        play.scenario = play.scenario.replace("from = 100", "from = 3");
        play.settings.threads = threads;
        let record = steered(&play, &[level(700, 20.0), level(1_300, 5.0)]);
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
    let routes = Routes::new().otherwise(Answer::ok("x"));
    let server = Server::start(Behavior::from(routes).service(service)).unwrap();
    let mut play = play(&server.url(), "arrivals");
    play.scenario = play
        .scenario
        .replace("from = 100", "from = 200000")
        .replace("search", "users = 20\nsearch");
    play.settings.stop_timeout = std::time::Duration::ZERO;
    let record = steered(&play, &[level(500, 100.0)]);
    let answered = record.timeline.seconds().get(0).unwrap().ok;
    assert!(answered > 100, "{answered}");
    server.stop();
}

#[test]
fn second_is_complete_once_all_cores_have_handed_it_over() {
    let server = Server::start(Routes::new().otherwise(Answer::ok("x"))).unwrap();
    let mut play = Play::new(&server.url(), 2, "2s", "10ms", TASK);
    play.settings.threads = 2;
    let mut checked_s = 0;
    play.run_with(|engine, record| {
        let seconds = record.timeline.seconds();
        let completed_s = engine.completed_seconds().unwrap_or(2).min(2) as usize;
        for second in seconds.range(checked_s..completed_s) {
            assert_eq!(second.users, Some(2), "the second of one core is missing");
        }
        checked_s = completed_s;
    });
    assert_eq!(checked_s, 2);
}
