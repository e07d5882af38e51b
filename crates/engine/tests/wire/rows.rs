//! Rows of data and choices on the wire: rows that only one user has, a row per user, and steps chosen by weight.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use brunt_record::Second;
use brunt_testbed::{Response, Routes, Server};

use crate::{TestRun, total};

#[test]
fn row_that_is_checked_out_has_one_user_at_a_time() {
    let taken = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let counts = Arc::clone(&taken);
    let routes = Routes::new().otherwise_rule(move |request| {
        let mut taken = counts.lock().unwrap();
        let (action, row) = request.path()[1..].split_once('/').unwrap();
        let count = taken.entry(row.to_owned()).or_default();
        match action {
            "enter" if count.is_multiple_of(2) => *count += 1,
            "leave" if !count.is_multiple_of(2) => *count += 1,
            _ => return Response::new(409),
        }
        Response::ok("")
    });
    let server = Server::start(routes).unwrap();
    let task = "[[users.u.tasks]]\ncheck_out = { row = \"rows\" }\n\
                steps = [{ name = \"enter\", get = \"/enter/{{ row }}\" }, { wait = \"5ms\" }, \
                { name = \"leave\", get = \"/leave/{{ row }}\" }]\n\
                [data]\nrows = [\"a\", \"b\", \"c\", \"d\"]";
    let mut test_run = TestRun::new(&server.url(), 10, "400ms", "0s", task);
    test_run.settings.threads = 2;
    let record = test_run.run();
    assert_eq!(total(&record, |second: &Second| second.failed), 0);
    let taken = taken.lock().unwrap();
    assert_eq!(taken.len(), 4, "{taken:?}");
    assert!(taken.values().all(|count| *count > 4), "{taken:?}");
}

#[test]
fn row_is_given_back_when_its_steps_are_interrupted() {
    let server = Server::start(Routes::new().at("/", Response::ok("{}"))).unwrap();
    let task = "[[users.u.tasks]]\ncheck_out = { row = \"rows\" }\n\
                steps = [{ get = \"/\", extract = { a = \"$.a\" } }, { get = \"/never/{{ a }}\" }]\n\
                [data]\nrows = [\"only\"]";
    let record = TestRun::new(&server.url(), 2, "300ms", "1ms", task).run();
    assert!(total(&record, |second: &Second| second.failed) > 4);
}

#[test]
fn users_of_all_threads_have_rows_of_their_own() {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let rows = Arc::clone(&seen);
    let routes = Routes::new().otherwise_rule(move |request| {
        rows.lock().unwrap().insert(request.path().to_owned());
        Response::ok("")
    });
    let server = Server::start(routes).unwrap();
    let task = "[[users.u.tasks]]\nname = \"row\"\nget = \"/{{ next(rows) }}-{{ user_number() }}\"\n\
                [data.rows]\nrows = [\"a\", \"b\", \"c\", \"d\", \"e\"]\norder = \"per_user\"\non_exhausted = \"stop_user\"";
    let mut test_run = TestRun::new(&server.url(), 5, "300ms", "10ms", task);
    test_run.settings.threads = 3;
    let record = test_run.run();
    assert_eq!(
        total(&record, |second: &Second| second.users_out_of_data),
        0
    );
    let seen: Vec<String> = seen.lock().unwrap().iter().cloned().collect();
    assert_eq!(seen, ["/a-1", "/b-2", "/c-3", "/d-4", "/e-5"]);
}

#[test]
fn steps_are_chosen_by_their_weights() {
    let counts = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let of_path = Arc::clone(&counts);
    let routes = Routes::new().otherwise_rule(move |request| {
        let mut counts = of_path.lock().unwrap();
        *counts.entry(request.path().to_owned()).or_default() += 1;
        Response::ok("")
    });
    let server = Server::start(routes).unwrap();
    let task = "[[users.u.tasks]]\nsteps = [{ get = \"/first\" }, { choose = [{ weight = 3, get = \"/often\" }, \
                { steps = [{ get = \"/rare\" }, { get = \"/rare/too\" }] }, { weight = 0, get = \"/never\" }] }, { get = \"/last\" }]";
    TestRun::new(&server.url(), 1, "500ms", "0s", task).run();
    let counts = counts.lock().unwrap();
    let count = |path: &str| f64::from(counts.get(path).copied().unwrap_or(0));
    let (first, often) = (count("/first"), count("/often"));
    // Five standard errors of a binomial share.
    let error = 5.0 * (0.75 * 0.25 / first).sqrt();
    assert!((often / first - 0.75).abs() < error, "{counts:?}");
    assert!(
        (count("/rare") - count("/rare/too")).abs() <= 1.0,
        "{counts:?}"
    );
    assert!((first - count("/last")).abs() <= 1.0, "{counts:?}");
    assert!((first - often - count("/rare")).abs() <= 1.0, "{counts:?}");
    assert!(count("/never") < 1.0);
}

#[test]
fn url_and_cookies_after_redirects_are_extracted() {
    let login =
        Response::redirect(302, "/done?code=abc&state=1").header("Set-Cookie", "sid=s1; Path=/");
    let routes = Routes::new()
        .at("/login", login)
        .at("/done", Response::ok(""))
        .at("/use/abc/s1", Response::ok(""));
    let server = Server::start(routes).unwrap();
    let task = "[[users.u.tasks]]\nsteps = [{ get = \"/login\", extract = { code = { url = true, regex = \"code=([^&]+)\" }, \
                sid = { cookie = \"sid\" } } }, { name = \"use\", get = \"/use/{{ code }}/{{ sid }}\" }]";
    let record = TestRun::new(&server.url(), 1, "200ms", "1h", task).run();
    assert_eq!(total(&record, |second: &Second| second.failed), 0);
    assert_eq!(total(&record, |second: &Second| second.ok), 2);
}
