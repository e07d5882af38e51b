//! The binary: servers in processes of their own.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Instant;

use brunt_testbed::KillOnDrop;

use crate::client::{BOUND, Client};

/// Starts a server process. Returns its address, and the rest of its output.
fn start(arguments: &[&str]) -> (KillOnDrop, std::net::SocketAddr, BufReader<ChildStdout>) {
    let child = Command::new(env!("CARGO_BIN_EXE_testbed"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = KillOnDrop::new(child.unwrap());
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let said = line.trim().strip_prefix("serving at http://").unwrap();
    let (address, pid) = said.split_once(" pid ").unwrap();
    assert_eq!(pid, child.id().to_string());
    (child, address.parse().unwrap(), output)
}

/// Ends a server by closing its input. Returns its output.
fn end(mut child: KillOnDrop, mut output: BufReader<ChildStdout>) -> String {
    drop(child.stdin.take());
    let mut said = String::new();
    output.read_to_string(&mut said).unwrap();
    assert!(child.wait_within(BOUND).success());
    said
}

#[test]
fn server_with_service_times_prints_its_counts() {
    let (child, address, output) = start(&["serve", "--service", "bucket:0.000001,3"]);
    let mut client = Client::connect(address);
    (0..5).for_each(|_| drop(client.get("/anything")));
    let said = end(child, output);
    let (counts, first) = said.split_once("first_request_s ").unwrap();
    assert_eq!(counts, "requests 5\nfailed 2\n");
    assert!(first.trim().parse::<f64>().unwrap() > 0.0);
}

#[test]
fn server_without_requests_prints_zero() {
    let (child, _, output) = start(&["serve", "--cache", "1MB/s"]);
    assert_eq!(end(child, output), "requests 0\nfailed 0\n");
}

#[test]
fn null_server_prints_its_counts() {
    let (child, address, output) = start(&["null"]);
    let mut client = Client::connect(address);
    (0..5).for_each(|_| drop(client.get("/anything")));
    let said = end(child, output);
    let (counts, first) = said.split_once("first_request_ns ").unwrap();
    assert_eq!(counts, "requests 5\nconnections 1\n");
    assert!(first.trim().parse::<u64>().unwrap() > 0);
}

#[test]
fn timer_counts_every_due_time() {
    let output = Command::new(env!("CARGO_BIN_EXE_testbed"))
        .args(["timer", "--rate", "5000", "--seconds", "1"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let figure = |name: &str| -> f64 {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    };
    assert_eq!(figure("count ").to_string(), "5000");
    let late = ["late_p50_us ", "late_p99_us ", "late_max_us "].map(figure);
    assert!(late[0] > 0.0 && late.is_sorted(), "{said}");
}

#[test]
fn agent_serves_with_each_fault() {
    for (fault, at_least_ms) in [
        (&[][..], 0),
        (&["--fault=leak"], 0),
        (&["--fault=blocking-stats"], 100),
        (&["--fault=unbounded-history"], 0),
        (&["--fault=slower", "--by=20000"], 60),
    ] {
        let (child, address, output) = start(&[&["agent"], fault].concat());
        let begun = Instant::now();
        let mut client = Client::connect(address);
        for path in ["/health", "/admin/stats", "/analytics/summary"] {
            client.request("GET", path);
            let head = client.head();
            assert!(head.starts_with("HTTP/1.1 200 OK"), "{fault:?}: {head}");
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            client.take(length.unwrap().parse().unwrap());
        }
        assert!(begun.elapsed().as_millis() >= at_least_ms, "{fault:?}");
        assert_eq!(end(child, output), "");
    }
}
