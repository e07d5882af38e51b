//! GET of one path in the closed model, in the clear and by TLS.

use super::environment::Environment;
use super::rounds;
use super::section::Section;
use super::tools::{Tool, Wanted};

/// Users, and with them connections.
pub(super) const USERS: u32 = 64;

pub(super) fn scenario(seconds: u64) -> String {
    format!(
        "[users.plain]\nwait = \"none\"\n[[users.plain.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = {USERS}\nduration = \"{seconds}s\"\n"
    )
}

/// What a scenario says to a server whose certificate nobody knows.
pub(super) const ANY_CERTIFICATE: &str = "[tls]\ninsecure = true\n";

pub(super) fn in_the_clear(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let peers = vec![
        wrk(seconds).goal(1.05),
        bare("bare loop", seconds, ""),
        bare("bare loop, io_uring", seconds, " --io-uring"),
        Wanted::new(
            Tool::H2load,
            "h2load --h1",
            format!("--h1 -c{USERS} -t1 -D{seconds} URL/"),
        ),
        Wanted::new(
            Tool::Oha,
            "oha",
            format!("--no-tui -z {seconds}s -c {USERS} URL/"),
        ),
        Wanted::new(
            Tool::Hey,
            "hey",
            format!("-z {seconds}s -c {USERS} -cpus 1 URL/"),
        ),
        k6(environment, "plain"),
        Wanted::new(
            Tool::Goose,
            "goose",
            format!("--host URL --scenarios plain {}", goose_load(seconds)),
        ),
    ];
    let brunt = environment.brunt_with(&scenario(seconds))?;
    let intro = format!(
        "GET of one path, {USERS} users that do not wait, each with a connection of its own that it keeps. The bare loops send \
         one prepared request, read as many bytes as the answer has, and do nothing else: what they take is the kernel's."
    );
    rounds::play(environment, &[], brunt, peers, &intro)
}

pub(super) fn by_tls(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let brunt = environment.brunt_with(&(scenario(seconds) + ANY_CERTIFICATE))?;
    let intro = "The same by TLS 1.3: the server offers AES-256-GCM alone, and neither client looks at its certificate.";
    let peers = vec![wrk(seconds).goal(1.0)];
    rounds::play(environment, &["--tls"], brunt, peers, intro)
}

pub(super) fn by_http2(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let settings = "http = \"2\"\nconnections = { shared = 8, streams = 8 }\n";
    let brunt = environment.brunt_with(&(settings.to_owned() + &scenario(seconds)))?;
    let intro =
        "GET of one path by HTTP/2 in the clear: 8 connections with 8 requests under way on each.";
    let command = format!("-c8 -m8 -t1 -D{seconds} URL/");
    let peers = vec![Wanted::new(Tool::H2load, "h2load", command).goal(0.9)];
    rounds::play(environment, &["--http2"], brunt, peers, intro)
}

/// k6 with the tasks of its script that have this name.
pub(super) fn k6(environment: &Environment, tasks: &str) -> Wanted {
    let script = environment.root.join("peers/k6.js");
    let seconds = environment.seconds;
    let arguments = format!(
        "run --quiet --no-usage-report --vus {USERS} --duration {seconds}s -e HOST=URL -e TASKS={tasks} {}",
        script.display()
    );
    Wanted::new(Tool::K6, "k6", arguments)
}

/// A loop of the testbed that does nothing but send and read.
fn bare(name: &'static str, seconds: u64, how: &str) -> Wanted {
    let arguments = format!("client URL --connections {USERS} --seconds {seconds}{how}");
    Wanted::new(Tool::Bare, name, arguments)
}

/// wrk's plain GET, which others are held against as well.
pub(super) fn wrk(seconds: u64) -> Wanted {
    Wanted::new(Tool::Wrk, "wrk", format!("-c{USERS} -t1 -d{seconds}s URL/"))
}

/// How long and by how many goose is to make load.
pub(super) fn goose_load(seconds: u64) -> String {
    format!("--users {USERS} --increase-rate {USERS} --run-time {seconds}s")
}
