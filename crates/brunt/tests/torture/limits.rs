//! Limits of descriptors, memory and ports: brunt continues, or names the limit.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use brunt_testbed::wait_until;
use rand::RngExt;

use crate::loads;
use crate::trials::Promise;

const BOUND: Duration = Duration::from_secs(40);

#[test]
fn prometheus_endpoint_responds_while_other_clients_hold_connections() {
    let promise = Promise {
        says: "the Prometheus endpoint responds, and the load has enough descriptors",
        how: "60 to 400 idle connections to a brunt with 80 to 160 descriptors",
        short: 1,
        long: 40,
        bound: Duration::from_mins(4),
    };
    promise.hold(|_, random| {
        let descriptors = random.random_range(80..160);
        let clients = random.random_range(60..400);
        scrape_with_idle_clients(descriptors, clients)
    });
}

fn scrape_with_idle_clients(descriptors: u32, clients: usize) -> Result<(), String> {
    let server = loads::service();
    let lines = format!("connections = \"per-user\"\n{}", loads::scenario(10, 6));
    let brunt = loads::run(&server.url())
        .and(&["--prometheus-port", "0"])
        .scenario(&lines);
    let limit = format!("--nofile={descriptors}");
    let output = brunt.path("output");
    let page = std::thread::spawn(move || scrape_with_held_connections(&output, clients));
    let outcome = loads::outcome(&brunt, &["prlimit", &limit], BOUND)?;
    let page = page.join().map_err(|_| "no address of the endpoint")?;
    outcome.is_documented()?;
    if outcome.status.code() != Some(0) {
        let (status, output) = (outcome.status, outcome.output);
        return Err(format!("{descriptors} descriptors: {status}\n{output}"));
    }
    if !page.contains("brunt_") {
        let output = outcome.output;
        return Err(format!(
            "no metrics with {descriptors} descriptors: {page}\n{output}"
        ));
    }
    Ok(())
}

/// Scrapes the endpoint at the printed address while clients hold connections.
fn scrape_with_held_connections(output: &Path, clients: usize) -> String {
    let at = wait_until(
        Duration::from_secs(20),
        "the address of the endpoint",
        || address_in(&std::fs::read_to_string(output).unwrap_or_default()),
    );
    let mut held: Vec<TcpStream> = Vec::new();
    held.extend((0..clients).map_while(|_| TcpStream::connect(&at).ok()));
    let start = Instant::now();
    let mut page = String::new();
    while !page.contains("brunt_") && start.elapsed() < Duration::from_secs(4) {
        page = scrape(&at).unwrap_or_default();
    }
    drop(held);
    page
}

/// Address of the endpoint in the output.
fn address_in(output: &str) -> Option<String> {
    let (before, _) = output.split_once("/metrics")?;
    let (_, port) = before.rsplit_once("127.0.0.1:")?;
    port.parse::<u16>().ok()?;
    Some(format!("127.0.0.1:{port}"))
}

fn scrape(at: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

#[test]
fn run_with_little_memory_ends_and_its_files_are_complete() {
    let promise = Promise {
        says: "a run with limited memory ends by itself, with complete files",
        how: "an address space of 40 to 400 MiB (RLIMIT_AS); every fourth run has 800 MiB, which is enough",
        short: 4,
        long: 120,
        bound: Duration::from_mins(3),
    };
    promise.hold(|number, random| {
        let is_enough = number % 4 == 3;
        let mib = if is_enough {
            800
        } else {
            random.random_range(40..400)
        };
        let server = loads::service();
        let brunt = loads::run(&server.url()).scenario(&loads::scenario(4, 1));
        let limit = format!("--as={}", mib << 20);
        let outcome = loads::outcome(&brunt, &["prlimit", &limit], BOUND)?;
        loads::check_files_complete(&brunt)?;
        let (status, output) = (outcome.status, &outcome.output);
        let names_limit = output.contains("memory") || output.contains("thread");
        match status.code() {
            Some(0) => Ok(()),
            _ if is_enough => Err(format!("{mib} MiB: {status}\n{output}")),
            Some(_) => outcome.is_documented(),
            // The Rust runtime aborts without memory, with a message.
            None if names_limit => Ok(()),
            None => Err(format!("{mib} MiB: {status} without a message\n{output}")),
        }
    });
}

#[test]
fn run_with_few_ports_does_not_blame_the_service() {
    const TEST: &str = "limits::run_with_few_ports_does_not_blame_the_service";
    let promise = Promise {
        says: "a run that finds no free port is refused or invalid, and does not blame the service",
        how: "5 to 60 ephemeral ports for 1 to 30 users with a connection each or for each request",
        short: 4,
        long: 120,
        bound: Duration::from_mins(3),
    };
    if !may_unshare() {
        brunt_testbed::skip(TEST, "cannot create a network namespace");
        return;
    }
    promise.hold(|_, random| {
        let (ports, users) = (random.random_range(5..60), random.random_range(1..30));
        let connections = ["per-user", "per-request"][random.random_range(0..2)];
        let scenario = loads::scenario(users, 2).replace("\"/\"", "\"/health/\"");
        let brunt = loads::run_without_host().and(&["--out", "out"]).scenario(&format!(
            "host = \"embedded\"\nconnections = \"{connections}\"\n{scenario}"
        ));
        let range = format!("40000 {}", 40_000 + ports - 1);
        let script = format!(
            "ip link set lo up && echo '{range}' > /proc/sys/net/ipv4/ip_local_port_range && exec \"$0\" \"$@\""
        );
        let wrapper = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", &script];
        let outcome = loads::outcome(&brunt, &wrapper, BOUND)?;
        outcome.is_documented()?;
        loads::check_files_complete(&brunt)?;
        let wrong = |what: &str| {
            let output = &outcome.output;
            Err(format!("{ports} ports, {users} users, {connections}: {what}\n{output}"))
        };
        if outcome.status.code() == Some(2) {
            let names_ports = outcome.output.contains("need a local port each");
            return if names_ports { Ok(()) } else { wrong("refused for another reason") };
        }
        let summary = brunt.summary();
        let total = &summary["total"];
        let of = |kind: &str| total["failures_by_kind"][kind].as_u64().unwrap_or(0);
        if total["failures"].as_u64() != Some(of("no_ports")) {
            return wrong("other failures than those of ports");
        }
        let code = outcome.status.code();
        match of("no_ports") {
            0 if !matches!(code, Some(0 | 5)) => wrong("no failure, but another exit code"),
            0 => Ok(()),
            _ if code != Some(3) => wrong("missing ports did not invalidate the run"),
            _ => Ok(()),
        }
    });
}

fn may_unshare() -> bool {
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "true"]);
    command.status().is_ok_and(|status| status.success())
}
