//! Users that wait: how many one process holds, what each takes, and how late they are.

use anyhow::{Context, ensure};

use super::environment::Environment;
use super::plain_get::ANY_CERTIFICATE;
use super::section::Section;

const USERS: u32 = 18_000;
const RSS_KIB_MAX: f64 = 10.0;
const LAG_MS_MAX: f64 = 5.0;
/// How long all users are there, in seconds.
const HOLD_S: u32 = 15;

/// What one process held.
struct Held {
    connections: u64,
    per_second: f64,
    rss_kib: u64,
    lag_p99_ms: f64,
    busy_percent: f64,
}

pub(super) fn users(environment: &Environment) -> anyhow::Result<Section> {
    let (mut rows, mut short) = (Vec::new(), Vec::new());
    // A handshake costs both sides many times what a connection does.
    for (name, server, a_second) in [("TCP", &[][..], 2_000), ("TLS 1.3", &["--tls"][..], 600)] {
        let one = held(environment, server, 1, a_second)?;
        let all = held(environment, server, USERS, a_second)?;
        let each_kib = (all.rss_kib as f64 - one.rss_kib as f64) / f64::from(USERS - 1);
        let row = format!(
            "| {name} | {} | {:.0} | {} | {} | {each_kib:.1} | {:.2} | {:.0} % |",
            all.connections,
            all.per_second,
            one.rss_kib,
            all.rss_kib,
            all.lag_p99_ms,
            all.busy_percent
        );
        println!("  {row}");
        rows.push(row);
        // Of TLS it is shown.
        if server.is_empty() {
            if each_kib >= RSS_KIB_MAX {
                short.push(format!(
                    "{each_kib:.1} KiB a user, to be under {RSS_KIB_MAX}"
                ));
            }
            if all.lag_p99_ms >= LAG_MS_MAX {
                short.push(format!(
                    "lag p99 {:.1} ms, to be under {LAG_MS_MAX}",
                    all.lag_p99_ms
                ));
            }
        }
    }
    let reached = if short.is_empty() {
        "reached"
    } else {
        "**short**"
    };
    let text = format!(
        "{USERS} users, each with a connection of its own, that wait 1–3 s after each GET, in one process on one core: about \
         {} requests a second. A user's memory is the largest resident memory of a run with all, less that of a run with one. \
         Lag is that of the {HOLD_S} s in which all are there; requests a second are those of all of the run.\n\n\
         | by | connections | requests a second | RSS with one user, KiB | RSS with all, KiB | KiB a user | lag p99, ms | core busy |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{}\n\n\
         Goal by TCP: under {RSS_KIB_MAX} KiB a user, lag p99 under {LAG_MS_MAX} ms: {reached}.\n",
        USERS / 2,
        rows.join("\n")
    );
    Ok(Section { text, short })
}

fn held(
    environment: &Environment,
    server: &[&str],
    users: u32,
    a_second: u32,
) -> anyhow::Result<Held> {
    let ramp_s = users.div_ceil(a_second) + 3;
    // A scenario may say it, wherever it goes.
    let brunt = environment.brunt_with(&format!(
        "[users.calm]\nwait = \"1s..3s\"\n[[users.calm.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = {users}\nspawn_rate = {a_second}\nduration = \"{}s\"\nwarm_up = \"{ramp_s}s\"\n\
         {ANY_CERTIFICATE}",
        ramp_s + HOLD_S
    ))?;
    let served = environment.serve(server)?;
    let finished = environment.run(&brunt, &served)?;
    let seen = served.stop()?;
    ensure!(
        seen.connections >= u64::from(users),
        "{} of {users} users were connected: are there enough file descriptors?\n{}",
        seen.connections,
        finished.output
    );
    let total = &environment.summary()?["total"];
    let figure = |value: &serde_json::Value| value.as_f64().context("a figure is not known");
    Ok(Held {
        connections: seen.connections,
        per_second: figure(&total["throughput_rps"])?,
        rss_kib: finished.rss_kib_max,
        lag_p99_ms: figure(&total["lag_ms"]["p99"])?,
        busy_percent: finished.cpu_s / finished.wall_s * 100.0,
    })
}
