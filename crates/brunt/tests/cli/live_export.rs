//! Live exporters and Locust's CSV files, read by third-party programs; monitoring of Prometheus endpoints.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use brunt_testbed::{Fault, KillOnDrop, Response, Routes, Server, wait_until};
use serde_json::Value;

use crate::brunt::{BOUND, Brunt, read_json};

pub(crate) const RECEIVER: &str = include_str!("scripts/otlp_receiver.py");
const PAGE: &str = include_str!("scripts/prometheus_page.py");
const LOCUST: &str = include_str!("scripts/locust_files.py");

/// Python with the packages that `cargo xtask check` installs; without it the test is skipped.
pub(crate) fn python(test: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = target.join("python/bin/python");
    let modules = "import opentelemetry.proto, pandas, prometheus_client";
    let found = Command::new(&python).args(["-c", modules]).output();
    if found.is_ok_and(|found| found.status.success()) {
        return Some(python);
    }
    brunt_testbed::skip(
        test,
        "Python packages are missing: run cargo xtask check --only tools",
    );
    None
}

/// Runs a script, and parses its output as JSON.
fn run_script(python: &Path, script: &str, argument: &str, input: &str) -> Value {
    let mut child = Command::new(python)
        .args(["-c", script, argument])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{input}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn get(address: &str, method: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).ok()?;
    Some(response)
}

/// Loopback address with a free port.
pub(crate) fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

pub(crate) fn scenario(host: &str, seconds: u32) -> String {
    format!(
        "host = \"{host}\"\n[users.u]\nwait = \"5ms..10ms\"\n\
         [[users.u.tasks]]\nget = \"/\"\n[[users.u.tasks]]\nget = \"/broken\"\n\
         [profiles.p]\nusers = 4\nduration = \"{seconds}s\"\n"
    )
}

pub(crate) fn service() -> Server {
    let broken = Response::new(503);
    Server::start(
        Routes::new()
            .at("/broken", broken)
            .otherwise(Response::ok("x")),
    )
    .unwrap()
}

#[test]
fn exports_are_readable_by_third_party_programs() {
    let test = "live_export::exports_are_readable_by_third_party_programs";
    let Some(python) = python(test) else { return };
    let mut receiver = Command::new(&python)
        .args(["-u", "-c", RECEIVER])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = BufReader::new(receiver.stdout.take().unwrap()).lines();
    let receiver = KillOnDrop::new(receiver);
    let url = format!("http://127.0.0.1:{}", requests.next().unwrap().unwrap());
    let server = service();
    let address = free_address();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--headless"])
        .and(&[
            "--otlp",
            &url,
            "--jsonl",
            "live.jsonl",
            "--locust-csv",
            "locust/x",
        ])
        .and(&["--prometheus-port", &address])
        .scenario(&scenario(&server.url(), 4));
    let running = brunt.start();
    let page = wait_until(BOUND, "metrics with requests", || {
        let page = get(&address, "GET", "/metrics")?;
        page.contains("brunt_requests_total{").then_some(page)
    });
    assert!(
        page.contains("content-type: text/plain; version=0.0.4"),
        "{page}"
    );
    let refused = get(&address, "POST", "/metrics").unwrap();
    assert!(
        refused.starts_with("HTTP/1.1 405") && refused.contains("allow: GET"),
        "{refused}"
    );
    let ended = running.end();
    drop(receiver);
    assert!(!ended.stderr.contains("dropped"), "{ended:?}");
    let total = brunt.summary()["total"].clone();

    let page = page.split_once("\r\n\r\n").unwrap().1;
    check_page(&run_script(&python, PAGE, "", page));
    let received: Vec<Value> = requests
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    check_received(received.last().unwrap(), &total);
    let lines = std::fs::read_to_string(brunt.path("live.jsonl")).unwrap();
    assert_eq!(check_lines(&lines, &total), received.len());
    let prefix = brunt.path("locust/x").display().to_string();
    check_locust(&run_script(&python, LOCUST, &prefix, ""), &total);
}

fn check_page(read: &Value) {
    assert_eq!(read["types"]["brunt_response_time_seconds"], "histogram");
    assert_eq!(read["types"]["brunt_requests"], "counter");
    assert!(read["requests"].as_f64().unwrap() > 0.0, "{read}");
    assert_eq!(read["answered_in_buckets"], read["ok"], "{read}");
}

/// Checks that the last received counters equal the totals of the run.
pub(crate) fn check_received(last: &Value, total: &Value) {
    assert_eq!(last["path"], "/v1/metrics");
    assert_eq!(last["unknown_fields"], 0);
    assert_eq!(last["service"], "brunt");
    let counts = [
        "requests",
        "failures",
        "wire_requests",
        "bytes_sent",
        "bytes_received",
    ];
    for count in counts {
        assert_eq!(last[count], total[count], "{count}");
    }
    let succeeded = total["requests"].as_u64().unwrap() - total["failures"].as_u64().unwrap();
    assert_eq!(last["answered_well"], succeeded);
    assert_eq!(last["lost"], 0);
}

/// Checks the lines, and returns the number of intervals.
fn check_lines(lines: &str, total: &Value) -> usize {
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["kind"], "run");
    assert_eq!(lines.last().unwrap()["stopped_by"], "finished");
    let intervals = &lines[1..lines.len() - 1];
    let counts = |field: &'static str| intervals.iter().map(move |line| line[field].as_u64());
    let done: u64 = counts("ok")
        .chain(counts("failed"))
        .map(Option::unwrap)
        .sum();
    assert_eq!(done, total["requests"].as_u64().unwrap());
    intervals.len()
}

fn check_locust(read: &Value, total: &Value) {
    assert_eq!(read["requests"], total["requests"]);
    assert_eq!(read["failures"], total["failures"]);
    assert_eq!(read["occurrences"], total["failures"]);
    assert_eq!(read["history_requests"], total["requests"]);
    let names = serde_json::json!(["/", "/broken", "Aggregated"]);
    assert_eq!(read["names"], names);
    assert!(read["p95"].as_f64().unwrap() >= 0.0, "{read}");
}

#[test]
fn slow_exporter_drops_intervals_and_the_record_is_complete() {
    let silent = Server::start(Fault::Silent).unwrap();
    let server = service();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--headless"])
        .and(&["--otlp", &silent.url(), "--jsonl", "pipe"])
        .scenario(&scenario(&server.url(), 2));
    // The pipe has no reader.
    let made = Command::new("mkfifo").arg(brunt.path("pipe")).status();
    assert!(made.unwrap().success());
    let ended = brunt.run();
    for name in ["--otlp http://127.0.0.1", "--jsonl pipe"] {
        let note = ended.stderr.lines().find(|line| line.contains(name));
        assert!(
            note.is_some_and(|note| note.contains(" dropped ")),
            "{ended:?}"
        );
    }
    let counts = server.stop();
    let summary = brunt.summary();
    assert_eq!(summary["total"]["wire_requests"], counts.requests);
    assert_eq!(summary["stopped_by"], "finished");
    // The record is complete: it yields the same summary.
    let again = brunt.also(&["report", "out", "--json", "-o", "again.json"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(read_json(&brunt.path("again.json")), summary);
}

/// Redirects are not followed, so the metrics did not arrive.
#[test]
fn redirect_of_the_collector_counts_as_dropped() {
    for (status, is_dropped) in [(302, true), (307, true), (308, true), (200, false)] {
        let response = Response::redirect(status, "/elsewhere");
        let collector = Server::start(Routes::new().at("/v1/metrics", response)).unwrap();
        let server = service();
        let brunt = Brunt::new(&["run", "p", "--out", "out", "--headless"])
            .and(&["--otlp", &collector.url()])
            .scenario(&scenario(&server.url(), 2));
        let ended = brunt.run();
        let notes: Vec<&str> = ended
            .stderr
            .lines()
            .filter(|line| line.contains("--otlp http://127.0.0.1") && line.contains(" dropped "))
            .collect();
        let reason = format!("response status {status}");
        assert_eq!(notes.len(), usize::from(is_dropped), "{status}: {ended:?}");
        assert!(notes.iter().all(|note| note.contains(&reason)), "{notes:?}");
        let counts = collector.stop();
        assert!(counts.requests > 0, "{counts:?}");
        let paths: Vec<&str> = counts.by_path.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/v1/metrics"]);
    }
}

#[test]
fn unusable_exporter_is_refused_before_the_load() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let used = holder.local_addr().unwrap().to_string();
    let server = service();
    let cases: [(&[&str], &str); 5] = [
        (&["--prometheus-port", &used], "use another port"),
        (&["--prometheus-port", "nine"], "9464"),
        (
            &["--otlp", "grpc://localhost:4317"],
            "unsupported scheme `grpc`",
        ),
        (
            &["--jsonl", "no/such/folder/x"],
            "cannot write no/such/folder/x",
        ),
        (&["--locust-csv"], "PREFIX"),
    ];
    for (arguments, part) in cases {
        let ended = Brunt::new(&["run", "p"])
            .and(arguments)
            .scenario(&scenario(&server.url(), 1))
            .run();
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
    assert_eq!(server.stop().requests, 0);
}

/// Metrics as of a service on another machine.
#[test]
fn monitor_reads_a_prometheus_endpoint() {
    let text = |cpu: u32| {
        let text = format!(
            "process_cpu_seconds_total {cpu}\nprocess_resident_memory_bytes 12000000\n\
             process_open_fds 9\ngo_sched_gomaxprocs_threads 4\n"
        );
        Response::ok(text)
    };
    // The CPU time does not change after the third reading: the process is idle.
    let pages = vec![text(5), text(7), text(7)];
    let page = Server::start(Routes::new().sequence("/metrics", pages)).unwrap();
    let url = format!("{}/metrics", page.url());
    let url = url.replace("http://", "http://user:secret@");
    let brunt = Brunt::new(&["monitor", "-t", "1s", "--interval", "200ms", "-o", "m.csv"])
        .and(&["--metrics-url", &format!("web={url}")]);
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("note: some metrics of web are unavailable: threads"),
        "{ended:?}"
    );
    let text = std::fs::read_to_string(brunt.path("m.csv")).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let column = |name: &str| -> Vec<String> {
        let at = header.iter().position(|column| *column == name).unwrap();
        let rows = text.lines().skip(1);
        rows.map(|row| row.split(',').nth(at).unwrap().to_owned())
            .collect()
    };
    assert!(!header.contains(&"process_cpu_percent"), "{text}");
    assert!(column("web_memory_mb").contains(&"12".to_owned()), "{text}");
    assert!(
        column("web_descriptors").contains(&"9".to_owned()),
        "{text}"
    );
    assert!(column("web_cpu_cores").contains(&"0".to_owned()), "{text}");
    assert!(column("web_threads").iter().all(String::is_empty), "{text}");

    page.stop();
    let gone = brunt.also(&["monitor", "-t", "1s", "--metrics-url", &url]);
    assert_eq!(gone.code, Some(2), "{gone:?}");
    assert!(
        gone.stderr.contains("/metrics") && !gone.stderr.contains("secret"),
        "{gone:?}"
    );
}

#[test]
fn unavailable_metrics_are_part_of_the_report() {
    let page =
        Response::ok("process_cpu_seconds_total 5\nprocess_resident_memory_bytes 12000000\n");
    let page = Server::start(Routes::new().at("/metrics", page)).unwrap();
    let server = service();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--headless"])
        .and(&["--metrics-url", &format!("web={}/metrics", page.url())])
        .scenario(&scenario(&server.url(), 3));
    let ended = brunt.run();
    assert!(
        ended
            .stderr
            .contains("note: some metrics of web are unavailable: "),
        "{ended:?}"
    );
    let unavailable = &brunt.summary()["resources"]["unavailable"];
    let of_web = unavailable
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["subject"] == "web");
    let reasons = of_web.unwrap()["reasons"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|reason| reason.as_str().unwrap().starts_with("threads (")),
        "{unavailable}"
    );
    let text = brunt.also(&["report", "out", "--text"]).stdout;
    assert!(text.contains("Not measured for web: "), "{text}");
    let html = brunt.also(&["report", "out", "--html"]).stdout;
    assert!(html.contains("Not measured for web: "));
}

#[test]
fn additional_process_is_monitored_with_the_embedded_agent() {
    let sleeper = Command::new("sleep").arg("60").spawn().unwrap();
    let sleeper = KillOnDrop::new(sleeper);
    let target = format!("db={}", sleeper.id());
    let brunt = Brunt::new(&[
        "run",
        "load",
        "-u",
        "2",
        "-t",
        "2s",
        "--out",
        "out",
        "--headless",
    ])
    .and(&["--pid", &target])
    .shipped();
    let ended = brunt.run();
    assert!(brunt.path("out/resources.csv").is_file(), "{ended:?}");
    let text = std::fs::read_to_string(brunt.path("out/resources.csv")).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let at = header
        .iter()
        .position(|column| *column == "db_threads")
        .unwrap();
    let row: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(row[at], "1", "{text}");
    let summary = brunt.summary();
    let additional = &summary["resources"]["additional_targets"][0];
    assert_eq!(additional["name"], "db");
    assert!(additional["memory_mb"]["mean"].is_number(), "{additional}");
    for (arguments, part) in [
        (["--pid", "1", "--pid", "2"], "name the others, such as"),
        (
            ["--pid", "a=1", "--port", "a=2"],
            "is reserved or used twice",
        ),
        (
            ["--pid", "target=1", "--cgroup", "/"],
            "is reserved or used twice",
        ),
    ] {
        let ended = brunt.also(&[&["monitor"][..], &arguments[..]].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}
