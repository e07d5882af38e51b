//! GET requests to one path in the closed model, over TCP, TLS and HTTP/2.

use super::environment::Environment;
use super::page::Section;
use super::rounds;
use super::tools::{PeerSpec, Tool};

/// Number of users, each with one connection.
pub(super) const USERS: u32 = 64;

/// A scenario of users without think time that send GET requests to `/`.
pub(super) fn scenario(seconds: u64) -> String {
    format!(
        "[users.plain]\nwait = \"none\"\n[[users.plain.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = {USERS}\nduration = \"{seconds}s\"\n"
    )
}

/// TLS settings that accept the null server's self-signed certificate.
pub(super) const ANY_CERTIFICATE: &str = "[tls]\ninsecure = true\n";

/// Compares all load generators over TCP.
pub(super) fn over_tcp(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let peers = vec![
        wrk(seconds).with_goal(1.05),
        minimal_loop("minimal loop", seconds, ""),
        minimal_loop("minimal loop, io_uring", seconds, " --io-uring"),
        PeerSpec::new(
            Tool::H2load,
            "h2load --h1",
            format!("--h1 -c{USERS} -t1 -D{seconds} URL/"),
        ),
        PeerSpec::new(
            Tool::Oha,
            "oha",
            format!("--no-tui -z {seconds}s -c {USERS} URL/"),
        ),
        PeerSpec::new(
            Tool::Hey,
            "hey",
            format!("-z {seconds}s -c {USERS} -cpus 1 URL/"),
        ),
        k6(environment, "plain"),
        PeerSpec::new(
            Tool::Goose,
            "goose",
            format!("--host URL --scenarios plain {}", goose_load(seconds)),
        ),
    ];
    let brunt = environment.brunt_with(&scenario(seconds))?;
    let intro = format!(
        "GET requests to one path from {USERS} users without think time, each with its own persistent connection. The minimal loops \
         send one prepared request, read as many bytes as the response has, and do nothing else: they show the cost of the kernel."
    );
    rounds::run(environment, &[], brunt, peers, &intro)
}

/// Compares wrk and brunt over TLS 1.3.
pub(super) fn over_tls(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let brunt = environment.brunt_with(&(scenario(seconds) + ANY_CERTIFICATE))?;
    let intro = "The same over TLS 1.3. The server offers only AES-256-GCM, and neither client verifies its certificate.";
    let peers = vec![wrk(seconds).with_goal(1.0)];
    rounds::run(environment, &["--tls"], brunt, peers, intro)
}

/// Compares h2load and brunt over HTTP/2 without TLS.
pub(super) fn over_http2(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let settings = "http = \"2\"\nconnections = { shared = 8, streams = 8 }\n";
    let brunt = environment.brunt_with(&(settings.to_owned() + &scenario(seconds)))?;
    let intro = "GET requests to one path over HTTP/2 without TLS: 8 connections with 8 requests in flight on each.";
    let command = format!("-c8 -m8 -t1 -D{seconds} URL/");
    let peers = vec![PeerSpec::new(Tool::H2load, "h2load", command).with_goal(0.9)];
    rounds::run(environment, &["--http2"], brunt, peers, intro)
}

/// k6 with one of the sets of tasks of `peers/k6.js`: `plain` or `agent`.
pub(super) fn k6(environment: &Environment, tasks: &str) -> PeerSpec {
    let script = environment.root.join("peers/k6.js");
    let seconds = environment.seconds;
    let arguments = format!(
        "run --quiet --no-usage-report --vus {USERS} --duration {seconds}s -e HOST=URL -e TASKS={tasks} {}",
        script.display()
    );
    PeerSpec::new(Tool::K6, "k6", arguments)
}

/// The testbed's loop that only sends and reads. `options` are appended to its arguments.
fn minimal_loop(name: &'static str, seconds: u64, options: &str) -> PeerSpec {
    let arguments = format!("client URL --connections {USERS} --seconds {seconds}{options}");
    PeerSpec::new(Tool::MinimalLoop, name, arguments)
}

/// wrk with plain GET requests, the reference of several sections.
pub(super) fn wrk(seconds: u64) -> PeerSpec {
    PeerSpec::new(Tool::Wrk, "wrk", format!("-c{USERS} -t1 -d{seconds}s URL/"))
}

/// Arguments for goose's users and duration.
pub(super) fn goose_load(seconds: u64) -> String {
    format!("--users {USERS} --increase-rate {USERS} --run-time {seconds}s")
}
