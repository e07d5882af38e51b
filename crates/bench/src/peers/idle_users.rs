//! Users that are idle most of the time: memory per user and lag of one process with many connections.

use anyhow::{Context, ensure};

use super::environment::Environment;
use super::page::Section;
use super::plain_get::ANY_CERTIFICATE;

const USERS: u32 = 18_000;
/// Largest memory per user that reaches the goal, in KiB.
const RSS_KIB_MAX: f64 = 10.0;
/// Largest p99 of the lag that reaches the goal, in milliseconds.
const LAG_MS_MAX: f64 = 5.0;
/// Time during which all users are active, in seconds.
const HOLD_S: u32 = 15;

/// Measurements of one process.
struct ProcessStats {
    connections: u64,
    requests_per_s: f64,
    rss_kib: u64,
    lag_p99_ms: f64,
    busy_percent: f64,
}

/// Measures one process with one user and with all, over TCP and TLS.
pub(super) fn memory_and_lag(environment: &Environment) -> anyhow::Result<Section> {
    let (mut rows, mut missed_goals) = (Vec::new(), Vec::new());
    // A TLS handshake costs the client and the server much more CPU time than a TCP connection.
    for (name, server, spawn_rate) in [("TCP", &[][..], 2_000), ("TLS 1.3", &["--tls"][..], 600)] {
        let one = measure(environment, server, 1, spawn_rate)?;
        let all = measure(environment, server, USERS, spawn_rate)?;
        let each_kib = (all.rss_kib as f64 - one.rss_kib as f64) / f64::from(USERS - 1);
        let row = format!(
            "| {name} | {} | {:.0} | {} | {} | {each_kib:.1} | {:.2} | {:.0} % |",
            all.connections,
            all.requests_per_s,
            one.rss_kib,
            all.rss_kib,
            all.lag_p99_ms,
            all.busy_percent
        );
        println!("  {row}");
        rows.push(row);
        // TLS has no goal.
        if server.is_empty() {
            if each_kib >= RSS_KIB_MAX {
                missed_goals.push(format!(
                    "{each_kib:.1} KiB per user, goal: under {RSS_KIB_MAX}"
                ));
            }
            if all.lag_p99_ms >= LAG_MS_MAX {
                missed_goals.push(format!(
                    "lag p99 {:.1} ms, goal: under {LAG_MS_MAX}",
                    all.lag_p99_ms
                ));
            }
        }
    }
    let outcome = if missed_goals.is_empty() {
        "reached"
    } else {
        "**missed**"
    };
    let text = format!(
        "{USERS} users in one process on one core. Each has its own connection and a think time of 1–3 s after each GET: about \
         {} requests per second. Memory per user is the peak resident set size (RSS) of a run with all users, minus that of a \
         run with one, divided by the number of users. Lag is measured in the {HOLD_S} s during which all users are active; requests \
         per second are those of the complete run, the ramp included.\n\n\
         | transport | connections | requests/s | RSS with one user, KiB | RSS with all, KiB | KiB per user | lag p99, ms | core busy |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{}\n\n\
         Goal for TCP: under {RSS_KIB_MAX} KiB per user, lag p99 under {LAG_MS_MAX} ms: {outcome}.\n",
        USERS / 2,
        rows.join("\n")
    );
    Ok(Section { text, missed_goals })
}

/// Runs users that are added at `spawn_rate` per second.
fn measure(
    environment: &Environment,
    server: &[&str],
    users: u32,
    spawn_rate: u32,
) -> anyhow::Result<ProcessStats> {
    let ramp_s = users.div_ceil(spawn_rate) + 3;
    // The setting for TLS has no effect on TCP.
    let brunt = environment.brunt_with(&format!(
        "[users.calm]\nwait = \"1s..3s\"\n[[users.calm.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = {users}\nspawn_rate = {spawn_rate}\nduration = \"{}s\"\nwarm_up = \"{ramp_s}s\"\n\
         {ANY_CERTIFICATE}",
        ramp_s + HOLD_S
    ))?;
    let server = environment.serve(server)?;
    let run = environment.run(&brunt, &server)?;
    let stats = server.stop()?;
    ensure!(
        stats.connections >= u64::from(users),
        "only {} of {users} users connected: check the limit of open files (`ulimit -n`)\n{}",
        stats.connections,
        run.output
    );
    let total = &environment.summary()?["total"];
    let number = |value: &serde_json::Value| {
        value
            .as_f64()
            .context("summary.json has no throughput or no lag")
    };
    Ok(ProcessStats {
        connections: stats.connections,
        requests_per_s: number(&total["throughput_rps"])?,
        rss_kib: run.rss_kib_max,
        lag_p99_ms: number(&total["lag_ms"]["p99"])?,
        busy_percent: run.cpu_s / run.wall_s * 100.0,
    })
}
