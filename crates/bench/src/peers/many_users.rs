//! A hundred thousand users in several processes: more connections than one process may hold, and one record.

use anyhow::{Context, ensure};

use super::child::Served;
use super::environment::Environment;
use super::section::Section;

const USERS: u32 = 100_000;
const PROCESSES: u32 = 6;
/// Servers, each with an address of its own: none may hold all connections either.
const SERVERS: u32 = 6;
const SOURCES: u32 = 4;
const USERS_A_SECOND: u32 = 3_000;
/// How long all users are there, in seconds.
const HOLD_S: u32 = 30;
const HOST: &str = "crowd.test";

pub(super) fn in_processes(environment: &Environment) -> anyhow::Result<Section> {
    let servers = serve(environment)?;
    let port = servers[0].port()?;
    let ramp_s = USERS.div_ceil(USERS_A_SECOND) + 3;
    let mut brunt = environment.brunt_with(&format!(
        "[users.calm]\nwait = \"15s..25s\"\n[[users.calm.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = {USERS}\nspawn_rate = {USERS_A_SECOND}\nduration = \"{}s\"\nwarm_up = \"{ramp_s}s\"\n",
        ramp_s + HOLD_S
    ))?;
    let sources: Vec<String> = (1..=SOURCES).map(address).collect();
    let more = [
        "--processes",
        &PROCESSES.to_string(),
        "--local-address",
        &sources.join(","),
    ];
    brunt.arguments.extend(more.map(str::to_owned));
    for server in 1..=SERVERS {
        let pin = format!("{HOST}:{port}:{}", address(server));
        brunt.arguments.extend(["--resolve".to_owned(), pin]);
    }
    let finished = environment.run_against(&brunt, &format!("http://{HOST}:{port}"))?;
    let (mut connections, mut requests) = (0, 0);
    for server in servers {
        let seen = server.stop()?;
        connections += seen.connections;
        requests += seen.requests;
    }
    let summary = environment.summary()?;
    let total = &summary["total"];
    ensure!(
        connections >= u64::from(USERS) && total["wire_requests"] == requests,
        "{connections} connections and {requests} requests came, {} were counted\n{}",
        total["wire_requests"],
        finished.output
    );
    let figure = |value: &serde_json::Value| value.as_f64().context("a figure is not known");
    let memory_mib =
        figure(&summary["resources"]["generator"]["memory_mb"]["max"])? * 1e6 / 1_048_576.0;
    let text = format!(
        "{USERS} users, each with a connection of its own, that wait 15–25 s after each GET, in {PROCESSES} processes \
         (`--processes {PROCESSES}`) on one core, since a process may open 20,000 files here; against {SERVERS} null servers, \
         from {SOURCES} local addresses. Their record is one: its requests are those that the servers counted. Requests a second and lag \
         are those of the {HOLD_S} s in which all are there.\n\n\
         | connections | requests | requests a second | lag p50, ms | lag p99, ms | memory of all processes, MiB | KiB a user | core busy |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n\
         | {connections} | {requests} | {:.0} | {:.2} | {:.2} | {memory_mib:.0} | {:.1} | {:.0} % |\n",
        requests_a_second(environment, ramp_s)?,
        figure(&total["lag_ms"]["p50"])?,
        figure(&total["lag_ms"]["p99"])?,
        memory_mib * 1_024.0 / f64::from(USERS),
        finished.cpu_s / finished.wall_s * 100.0,
    );
    Ok(Section {
        text,
        short: Vec::new(),
    })
}

/// Requests in each of the seconds in which all users are there, in the mean.
fn requests_a_second(environment: &Environment, from_s: u32) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(environment.out().join("timeline.csv"))?;
    let mut lines = text.lines().map(|line| line.split(','));
    let mut names = lines.next().context("an empty timeline.csv")?;
    let at = names.position(|name| name == "wire_requests");
    let at = at.context("timeline.csv has no wire_requests")?;
    let seconds = lines.skip(from_s as usize).take(HOLD_S as usize);
    let counts = seconds.filter_map(|mut line| line.nth(at)?.parse::<f64>().ok());
    Ok(counts.sum::<f64>() / f64::from(HOLD_S))
}

/// A null server at each address, all at the port that the first one finds.
fn serve(environment: &Environment) -> anyhow::Result<Vec<Served>> {
    let mut servers = vec![environment.serve(&["--listen", &format!("{}:0", address(1))])?];
    let port = servers[0].port()?;
    for server in 2..=SERVERS {
        servers.push(environment.serve(&["--listen", &format!("{}:{port}", address(server))])?);
    }
    Ok(servers)
}

/// An address of this machine.
fn address(number: u32) -> String {
    format!("127.0.0.{number}")
}
