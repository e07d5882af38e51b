//! 100,000 users in several processes, since one process may not open as many connections, with one merged record.

use anyhow::{Context, ensure};

use super::child::NullServer;
use super::environment::Environment;
use super::page::Section;

const USERS: u32 = 100_000;
const PROCESSES: u32 = 6;
/// Number of servers, each with its own address: the limit of open files applies to them too.
const SERVERS: u32 = 6;
/// Number of local addresses that connections come from: each has its own ephemeral ports.
const SOURCES: u32 = 4;
/// Users that are added per second.
const SPAWN_RATE: u32 = 3_000;
/// Time during which all users are active, in seconds.
const HOLD_S: u32 = 30;
/// Name that resolves to all servers.
const HOST: &str = "many-users.test";

/// Measures [`USERS`] in [`PROCESSES`] and compares the merged record with the servers' counters.
pub(super) fn in_several_processes(environment: &Environment) -> anyhow::Result<Section> {
    let servers = serve(environment)?;
    let port = servers[0].port()?;
    let ramp_s = USERS.div_ceil(SPAWN_RATE) + 3;
    let mut brunt = environment.brunt_with(&format!(
        "[users.calm]\nwait = \"15s..25s\"\n[[users.calm.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = {USERS}\nspawn_rate = {SPAWN_RATE}\nduration = \"{}s\"\nwarm_up = \"{ramp_s}s\"\n",
        ramp_s + HOLD_S
    ))?;
    let sources: Vec<String> = (1..=SOURCES).map(address).collect();
    let arguments = [
        "--processes",
        &PROCESSES.to_string(),
        "--local-address",
        &sources.join(","),
    ];
    brunt.arguments.extend(arguments.map(str::to_owned));
    for server in 1..=SERVERS {
        let pin = format!("{HOST}:{port}:{}", address(server));
        brunt.arguments.extend(["--resolve".to_owned(), pin]);
    }
    let run = environment.run_against(&brunt, &format!("http://{HOST}:{port}"))?;
    let (mut connections, mut requests) = (0, 0);
    for server in servers {
        let stats = server.stop()?;
        connections += stats.connections;
        requests += stats.requests;
    }
    let summary = environment.summary()?;
    let total = &summary["total"];
    ensure!(
        connections >= u64::from(USERS) && total["wire_requests"] == requests,
        "the servers counted {connections} connections and {requests} requests, brunt {} requests\n{}",
        total["wire_requests"],
        run.output
    );
    let number = |value: &serde_json::Value| {
        value
            .as_f64()
            .context("summary.json has no memory or no lag")
    };
    let memory_mib =
        number(&summary["resources"]["generator"]["memory_mb"]["max"])? * 1e6 / 1_048_576.0;
    let text = format!(
        "{USERS} users in {PROCESSES} processes (`--processes {PROCESSES}`) on one core, since a process may open 20,000 files on this \
         machine. Each user has its own connection and a think time of 15–25 s after each GET. There are {SERVERS} null servers, and \
         connections come from {SOURCES} local addresses. The processes write one record, whose requests equal those that the servers \
         counted. Requests per second and lag are measured in the {HOLD_S} s during which all users are active.\n\n\
         | connections | requests | requests/s | lag p50, ms | lag p99, ms | memory of all processes, MiB | KiB per user | core busy |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n\
         | {connections} | {requests} | {:.0} | {:.2} | {:.2} | {memory_mib:.0} | {:.1} | {:.0} % |\n",
        requests_per_s(environment, ramp_s)?,
        number(&total["lag_ms"]["p50"])?,
        number(&total["lag_ms"]["p99"])?,
        memory_mib * 1_024.0 / f64::from(USERS),
        run.cpu_s / run.wall_s * 100.0,
    );
    Ok(Section {
        text,
        missed_goals: Vec::new(),
    })
}

/// Mean requests per second while all users are active, from second `from_s` on.
fn requests_per_s(environment: &Environment, from_s: u32) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(environment.out().join("timeline.csv"))?;
    let mut lines = text.lines().map(|line| line.split(','));
    let mut names = lines.next().context("timeline.csv is empty")?;
    let at = names.position(|name| name == "wire_requests");
    let at = at.context("timeline.csv has no column wire_requests")?;
    let seconds = lines.skip(from_s as usize).take(HOLD_S as usize);
    let counts = seconds.filter_map(|mut line| line.nth(at)?.parse::<f64>().ok());
    Ok(counts.sum::<f64>() / f64::from(HOLD_S))
}

/// Starts a null server on each address. The first chooses a free port, which the others use too.
fn serve(environment: &Environment) -> anyhow::Result<Vec<NullServer>> {
    let mut servers = vec![environment.serve(&["--listen", &format!("{}:0", address(1))])?];
    let port = servers[0].port()?;
    for server in 2..=SERVERS {
        servers.push(environment.serve(&["--listen", &format!("{}:{port}", address(server))])?);
    }
    Ok(servers)
}

/// A loopback address.
fn address(number: u32) -> String {
    format!("127.0.0.{number}")
}
