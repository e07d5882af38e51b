//! Seeds: each user sends the same requests in the same order for the same seed, on any number of cores.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use brunt_testbed::{Response, Routes, Server};

use crate::TestRun;

type Paths = BTreeMap<String, Vec<String>>;

/// The paths that each of four users, of different classes, requested.
fn asked(threads: usize, seed: u64) -> Paths {
    let seen: Arc<Mutex<Paths>> = Arc::default();
    let mut routes = Routes::new();
    for user in ["a", "b", "c", "d"] {
        let seen = seen.clone();
        routes = routes.rule(&format!("/{user}"), move |request| {
            let body = String::from_utf8_lossy(&request.body).into_owned();
            seen.lock()
                .expect("no panic")
                .entry(user.into())
                .or_default()
                .push(body);
            Response::ok("x")
        });
    }
    let server = Server::start(routes).expect("a port");
    let mut test_run = TestRun::new(&server.url(), 4, "300ms", "0s..2ms", "");
    let class = |user: &str| {
        format!(
            "[users.{user}]\nwait = \"0s..2ms\"\n[[users.{user}.tasks]]\npost = \"/{user}\"\n\
             json = \"{{{{ randint(1, 1000000) }}}}\"\n\
             [[users.{user}.tasks]]\npost = \"/{user}\"\njson = {{ x = \"{{{{ uniform(0, 1) }}}}\" }}\n"
        )
    };
    let classes = ["a", "b", "c", "d"].map(class).concat();
    let profile = test_run
        .scenario
        .split_once("[profiles")
        .map(|(_, profile)| profile.to_owned());
    test_run.scenario = format!("{classes}[profiles{}", profile.expect("a profile"));
    test_run.settings.threads = threads;
    test_run.settings.seed = seed;
    test_run.run();
    drop(server);
    std::mem::take(&mut *seen.lock().expect("no panic"))
}

fn same_beginnings(one: &Paths, other: &Paths) -> bool {
    one.len() == 4
        && one.iter().all(|(user, asked)| {
            let shorter = asked.len().min(other[user].len());
            assert!(shorter > 10, "user {user} made {shorter} requests");
            asked[..shorter] == other[user][..shorter]
        })
}

#[test]
fn seed_determines_each_users_requests_on_any_number_of_cores() {
    let one = asked(1, 7);
    assert!(same_beginnings(&one, &asked(3, 7)));
    assert!(
        !same_beginnings(&one, &asked(1, 8)),
        "another seed gives other requests"
    );
}
