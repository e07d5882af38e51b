//! Worker processes (`--processes`): equal shares of the load, and one record.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use brunt_testbed::{Response, Routes, Server, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use crate::brunt::{BOUND, Brunt, Running, children, runs};

const HOUR: &str = "[users.u]\nwait = \"20ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
                    [profiles.p]\nusers = 12\nspawn_rate = 100\nduration = \"1h\"\n";

/// Starts a run of an hour with three processes, and waits for two recorded seconds.
fn start_run(server: &Server) -> (Brunt, Running, Vec<u32>) {
    start_run_with(server, &[])
}

fn start_run_with(server: &Server, more: &[&str]) -> (Brunt, Running, Vec<u32>) {
    let url = server.url();
    let arguments = [
        "run",
        "p",
        "--processes",
        "3",
        "--out",
        "out",
        "--host",
        &url,
        "--junit",
        "junit.xml",
        "--github",
    ];
    let brunt = Brunt::new(&arguments).and(more).scenario(HOUR);
    let running = brunt.start();
    brunt.until_recorded(2);
    let workers = children(running.id());
    assert_eq!(workers.len(), 3);
    (brunt, running, workers)
}

fn assert_end(workers: &[u32]) {
    wait_until(BOUND, "the processes to end", || {
        workers.iter().all(|worker| !runs(*worker)).then_some(())
    });
}

#[test]
fn workers_generate_equal_shares_in_one_record() {
    let targets: Arc<Mutex<Vec<String>>> = Arc::default();
    let logins = Arc::new(AtomicU64::new(0));
    let (seen, logged_in) = (targets.clone(), logins.clone());
    let routes = Routes::new()
        .rule("/login", move |_| {
            logged_in.fetch_add(1, Ordering::AcqRel);
            Response::ok("{\"key\": \"k7\"}")
        })
        .rule("/task", move |request| {
            seen.lock().unwrap().push(request.target.clone());
            Response::ok("x")
        });
    let server = Server::start(routes.otherwise(Response::new(404))).unwrap();
    let url = server.url();
    let scenario = "[[setup]]\npost = \"/login\"\nextract = { key = \"$.key\" }\n\
                    [users.u]\n[[users.u.tasks]]\nname = \"task\"\nget = \"/task?key={{ key }}&n={{ seq() }}\"\n\
                    [profiles.p]\nusers = 7\nspawn_rate = 1000\nduration = \"50s\"\niterations = 100\n";
    let arguments = [
        "run",
        "p",
        "--processes",
        "3",
        "--out",
        "out",
        "--host",
        &url,
    ];
    let brunt = Brunt::new(&arguments).scenario(scenario);
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["total"]["requests"], 100, "{summary}");
    assert_eq!(summary["total"]["failures"], 0, "{summary}");
    assert_eq!(logins.load(Ordering::Acquire), 1);
    // One connection per user, one for the setup, and one for the check that the service is reachable.
    assert_eq!(server.stop().connections, 9);
    let found = targets.lock().unwrap();
    let is_one = |target: &&String| target.starts_with("/task?key=k7&n=");
    let distinct: BTreeSet<&String> = found.iter().filter(is_one).collect();
    assert_eq!(distinct.len(), 100, "numbers are unique: {found:?}");
    let generator = brunt.record().unwrap().header.generator;
    assert_eq!(generator.processes, 3);
    assert_eq!(generator.threads % 3, 0);
}

#[test]
fn lost_worker_makes_the_run_invalid_in_every_output() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let (brunt, running, workers) = start_run(&server);
    let id = i32::try_from(workers[1])
        .ok()
        .and_then(Pid::from_raw)
        .unwrap();
    kill_process(id, Signal::KILL).unwrap();
    let ended = running.end();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "worker_lost");
    assert_eq!(summary["verdict"], "invalid");
    let because = summary["stop_reason"].as_str().unwrap();
    let lost = "worker process 2 of 3 was lost (signal: 9 (SIGKILL))";
    assert!(because.starts_with(lost), "{because}");
    let seconds = summary["duration_s"].as_f64().unwrap();
    let missing = format!("; 33 % of the load is missing from second {seconds} on");
    assert!(because.contains(&missing), "{because}");
    let first = ended.stdout.lines().next().unwrap_or_default();
    let headline = "Invalid (no verdict, exit code 3): worker process 2 of 3";
    assert!(first.starts_with(headline), "{first}");
    assert!(ended.stdout.contains("::error title=brunt p"), "{ended:?}");
    let junit = std::fs::read_to_string(brunt.path("junit.xml")).unwrap();
    assert!(junit.contains("<error ") && junit.contains(lost), "{junit}");
    let page = std::fs::read_to_string(brunt.path("out/report.html")).unwrap();
    assert!(page.contains("stopped by brunt: a worker process was lost"));
    let again = brunt.also(&["report", "out", "--markdown"]);
    assert!(again.stdout.contains("worker process 2 of 3"), "{again:?}");
    let history = brunt.also(&["history"]);
    assert!(history.stdout.contains("invalid"), "{history:?}");
    assert_end(&workers);
    // Only seconds that all workers completed are recorded.
    let bytes = std::fs::read(brunt.path("out/record.brunt")).unwrap();
    let record = brunt_record::file::read(bytes.as_slice()).unwrap();
    let shown = record.timeline.seconds();
    assert_eq!(shown.len().to_string(), seconds.to_string());
    let mut users = shown.range(1..shown.len()).map(|second| second.users);
    assert!(users.all(|users| users == Some(12)));
}

#[test]
fn silent_worker_is_killed_and_named_in_the_report() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let (brunt, running, workers) = start_run_with(&server, &["--worker-timeout", "3s"]);
    let id = i32::try_from(workers[1])
        .ok()
        .and_then(Pid::from_raw)
        .unwrap();
    kill_process(id, Signal::STOP).unwrap();
    let ended = running.end();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "worker_lost");
    let because = summary["stop_reason"].as_str().unwrap();
    let named = format!(
        "worker process 2 of 3 was lost (process id {} sent nothing for 3 s and was killed)",
        workers[1]
    );
    assert!(because.starts_with(&named), "{because}");
    assert!(brunt.path("out/report.html").exists());
    assert_end(&workers);
}

#[test]
fn no_worker_is_silent_after_the_coordinator_was_stopped() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let (brunt, running, workers) = start_run_with(&server, &["--worker-timeout", "3s"]);
    running.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(4));
    running.signal(Signal::CONT);
    let has_continued = |brunt: &Brunt| {
        let bytes = std::fs::read(brunt.path("out/record.brunt")).ok()?;
        let record = brunt_record::file::read(bytes.as_slice()).ok()?;
        (record.timeline.seconds().len() >= 8).then_some(())
    };
    wait_until(BOUND, "more seconds in the record", || {
        has_continued(&brunt)
    });
    running.signal(Signal::INT);
    running.end();
    assert_eq!(brunt.summary()["stopped_by"], "interrupted");
    assert_end(&workers);
}

#[test]
fn interrupt_stops_all_workers_and_writes_a_report() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let (brunt, running, workers) = start_run(&server);
    running.signal(Signal::INT);
    let ended = running.end();
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["stopped_by"], "interrupted");
    assert_eq!(summary["total"]["requests"], server.counts().requests);
    assert_end(&workers);
}

#[test]
fn workers_end_with_the_coordinator() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let (_brunt, running, workers) = start_run(&server);
    running.signal(Signal::KILL);
    assert_end(&workers);
    let before = server.counts().requests;
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(server.counts().requests, before);
}

#[test]
fn processes_option_is_refused_with_too_few_shared_connections() {
    let scenario = HOUR.replace("[users.u]", "connections = { shared = 2 }\n[users.u]");
    let ended = Brunt::new(&[
        "run",
        "p",
        "--processes",
        "3",
        "--host",
        "http://127.0.0.1:9",
    ])
    .scenario(&scenario)
    .run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("cannot share 2 connections"),
        "{ended:?}"
    );
    let ended = Brunt::new(&["worker"]).scenario(HOUR).run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("brunt run --processes N"),
        "{ended:?}"
    );
}
