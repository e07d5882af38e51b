//! A third-party OpenTelemetry collector (rotel) accepts brunt's metrics and forwards them unchanged.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use brunt_testbed::{KillOnDrop, wait_until};
use serde_json::Value;

use crate::brunt::{BOUND, Brunt};
use crate::live_export::{RECEIVER, check_received, free_address, python, scenario, service};

const ATTEMPTS: u32 = 4;
/// Python program that prints the path of the collector.
const PRINT_PATH: &str =
    "import pathlib, rotel; print(pathlib.Path(rotel.__file__).parent / 'rotel-agent')";

/// Path of the collector; if it cannot run, the test is skipped.
fn rotel(python: &Path, test: &str) -> Option<PathBuf> {
    let found = Command::new(python)
        .args(["-c", PRINT_PATH])
        .output()
        .unwrap();
    let program = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
    let version = Command::new(&program).arg("--version").output();
    if version.is_ok_and(|version| version.status.success()) {
        return Some(program);
    }
    brunt_testbed::skip(
        test,
        "rotel does not run: it needs libpython (Debian package python3-dev), and cargo xtask check --only tools",
    );
    None
}

/// Starts a collector that forwards to `receiver`, and returns its address. If another process takes one of the free ports
/// first, the collector is restarted on other ports.
fn collector(rotel: &Path, folder: &Path, receiver: &str) -> (KillOnDrop, String) {
    for attempt in 0..ATTEMPTS {
        let own = |name: &str| format!("{name}-{attempt}");
        let (http, grpc) = (free_address(), free_address());
        let started = Command::new(rotel)
            .args(["start", "--otlp-http-endpoint", &http])
            .args(["--otlp-grpc-endpoint", &grpc])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-endpoint", receiver])
            .args(["--pid-file", &own("pid"), "--log-file", &own("log")])
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn();
        let collector = KillOnDrop::new(started.unwrap());
        let end = Instant::now() + BOUND / ATTEMPTS;
        while Instant::now() < end {
            if TcpStream::connect(&http).is_ok() {
                return (collector, http);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
    panic!("the collector did not start in {ATTEMPTS} attempts");
}

#[test]
fn collector_forwards_all_metrics() {
    let test = "otlp_collector::collector_forwards_all_metrics";
    let Some(python) = python(test) else { return };
    let Some(rotel) = rotel(&python, test) else {
        return;
    };
    let receiver = Command::new(&python)
        .args(["-u", "-c", RECEIVER])
        .stdout(Stdio::piped())
        .spawn();
    let mut receiver = receiver.unwrap();
    let mut lines = BufReader::new(receiver.stdout.take().unwrap()).lines();
    let _receiver = KillOnDrop::new(receiver);
    let url = format!("http://127.0.0.1:{}", lines.next().unwrap().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (_collector, http) = collector(&rotel, folder.path(), &url);

    let server = service();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--headless"])
        .and(&["--otlp", &format!("http://{http}")])
        .scenario(&scenario(&server.url(), 3));
    let ended = brunt.run();
    assert!(!ended.stderr.contains("dropped"), "{ended:?}");
    let summary = brunt.summary();

    let (sender, received) = channel();
    thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
    });
    let last = wait_until(BOUND, "all requests from the collector", || {
        let line: Value = serde_json::from_str(&received.recv_timeout(BOUND).unwrap()).unwrap();
        (line["requests"] == summary["total"]["requests"]).then_some(line)
    });
    check_received(&last, &summary["total"]);
    for request in summary["requests"].as_array().unwrap() {
        let name = request["name"].as_str().unwrap();
        assert_eq!(last["each"][name], request["requests"], "{name}");
    }
}
