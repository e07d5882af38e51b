//! The open model: how late brunt is at ten thousand arrivals a second, beside a bare loop over a timer.

use std::path::Path;

use anyhow::{Context, ensure};

use super::child::{Finished, run};
use super::client::Client;
use super::environment::Environment;
use super::section::Section;
use super::summary_stats::SummaryStats;

const RATE: u64 = 10_000;
/// How much later than the bare loop brunt may be.
const BEHIND_US_MAX: f64 = 50.0;

pub(super) fn lateness(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nrate = \"{RATE}/s\"\narrivals = \"constant\"\nusers = 100\nduration = \"{seconds}s\"\n"
    );
    let brunt = environment.brunt_with(&scenario)?;
    let mut precise = environment.brunt_with(&scenario)?;
    precise.arguments.push("--busy-wait".to_owned());
    let (mut rows, mut behind) = (Vec::new(), Vec::new());
    let mut is_exact = true;
    for round in 1..=environment.pairs {
        // The order turns, as everywhere.
        let first = (round % 2 == 0)
            .then(|| bare_p99_us(environment))
            .transpose()?;
        let (lag_us, seen, finished) = lag_p99_us(environment, &brunt)?;
        let (precise_us, ..) = lag_p99_us(environment, &precise)?;
        let bare_us = match first {
            Some(bare_us) => bare_us,
            None => bare_p99_us(environment)?,
        };
        is_exact &= seen == RATE * seconds;
        behind.push(lag_us - bare_us);
        let row = format!(
            "| {round} | {seen} | {lag_us:.0} | {bare_us:.0} | {:+.0} | {:.0} % | {precise_us:.0} |",
            lag_us - bare_us,
            finished.cpu_s / finished.wall_s * 100.0
        );
        println!("  {row}");
        rows.push(row);
    }
    let median_us = SummaryStats::of(behind).median;
    let mut short = Vec::new();
    if median_us > BEHIND_US_MAX {
        short.push(format!("{median_us:.0} µs behind, at most {BEHIND_US_MAX}"));
    }
    if !is_exact {
        short.push(format!("not {} requests each time", RATE * seconds));
    }
    let reached = if short.is_empty() {
        "reached"
    } else {
        "**short**"
    };
    let text = format!(
        "{RATE} arrivals a second, evenly spaced, for {seconds} s: {} requests. Lag is how much later than intended brunt took a \
         request up; beside it `testbed timer`, a bare loop that sleeps on a timerfd until each of the same moments and does \
         nothing else, on the same core in the same minute; and brunt with `--busy-wait`, which is not held to it.\n\n\
         | round | requests | brunt's lag p99, µs | bare loop's p99, µs | behind, µs | brunt's core busy | `--busy-wait`: lag p99, µs |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{}\n\n\
         Median: **{median_us:+.0} µs**; goal: at most {BEHIND_US_MAX:+} µs, and every request made: {reached}.\n",
        RATE * seconds,
        rows.join("\n")
    );
    Ok(Section { text, short })
}

/// brunt's lag, how many requests the server counted, and what it took.
fn lag_p99_us(environment: &Environment, brunt: &Client) -> anyhow::Result<(f64, u64, Finished)> {
    let served = environment.serve(&[])?;
    let finished = environment.run(brunt, &served)?;
    let seen = served.stop()?;
    let lag_ms = environment.summary()?["total"]["lag_ms"]["p99"].as_f64();
    let lag_us = lag_ms.context("no lag was measured")? * 1e3;
    Ok((lag_us, seen.requests, finished))
}

fn bare_p99_us(environment: &Environment) -> anyhow::Result<f64> {
    let arguments = format!("timer --rate {RATE} --seconds {}", environment.seconds);
    let arguments: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
    let said: &Path = &environment.folder.path().join("timer.txt");
    let finished = run(&environment.testbed(), &arguments, said)?;
    ensure!(
        finished.status.success(),
        "the bare loop failed: {}",
        finished.output
    );
    let p99 = finished
        .output
        .lines()
        .find_map(|line| line.strip_prefix("late_p99_us "));
    Ok(p99
        .context("the bare loop did not say how late it was")?
        .parse()?)
}
