//! A collector of others: rotel takes what brunt tells, and passes it on. What comes out behind it is what the run
//! came to.

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
use crate::outlets::{RECEIVER, check_told, free_address, python, scenario, service};

const ATTEMPTS: u32 = 4;
const WHERE: &str =
    "import pathlib, rotel; print(pathlib.Path(rotel.__file__).parent / 'rotel-agent')";

/// The collector's program; `None` where it does not run, which is said.
fn rotel(python: &Path, test: &str) -> Option<PathBuf> {
    let found = Command::new(python).args(["-c", WHERE]).output().unwrap();
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

/// A collector that passes on what it takes, and where it takes it. Another process may take a port that was free before the
/// collector does; it is started again then, at others.
fn collector(rotel: &Path, folder: &Path, behind: &str) -> (KillOnDrop, String) {
    for attempt in 0..ATTEMPTS {
        let own = |name: &str| format!("{name}-{attempt}");
        let (http, grpc) = (free_address(), free_address());
        let started = Command::new(rotel)
            .args(["start", "--otlp-http-endpoint", &http])
            .args(["--otlp-grpc-endpoint", &grpc])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-endpoint", behind])
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
    panic!("the collector listened at none of {ATTEMPTS} ports");
}

#[test]
fn a_collector_takes_what_is_told_and_passes_it_on() {
    let test = "a collector takes what is told and passes it on";
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
    let behind = format!("http://127.0.0.1:{}", lines.next().unwrap().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (_collector, http) = collector(&rotel, folder.path(), &behind);

    let server = service();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--headless"])
        .and(&["--otlp", &format!("http://{http}")])
        .scenario(&scenario(&server.url(), 3));
    let ended = brunt.run();
    assert!(!ended.stderr.contains("lost"), "{ended:?}");
    let summary = brunt.summary();

    let (told, hears) = channel();
    thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .try_for_each(|line| told.send(line))
    });
    let last = wait_until(BOUND, "all requests behind the collector", || {
        let line: Value = serde_json::from_str(&hears.recv_timeout(BOUND).unwrap()).unwrap();
        (line["requests"] == summary["total"]["requests"]).then_some(line)
    });
    check_told(&last, &summary["total"]);
    for request in summary["requests"].as_array().unwrap() {
        let name = request["name"].as_str().unwrap();
        assert_eq!(last["each"][name], request["requests"], "{name}");
    }
}
