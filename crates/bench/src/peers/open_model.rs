//! The open model: brunt's lag at 10,000 arrivals per second, compared with a minimal timer loop.

use std::path::Path;

use anyhow::{Context, ensure};

use super::child::{ClientRun, run};
use super::client::Client;
use super::environment::Environment;
use super::page::Section;
use super::summary_stats::SummaryStats;

/// Arrivals per second.
const RATE: u64 = 10_000;
/// Largest difference between brunt's lag and the minimal loop's that reaches the goal, in microseconds.
const DIFFERENCE_US_MAX: f64 = 50.0;

/// Compares the p99 of brunt's lag with that of the minimal loop.
pub(super) fn lag(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nrate = \"{RATE}/s\"\narrivals = \"constant\"\nusers = 100\nduration = \"{seconds}s\"\n"
    );
    let brunt = environment.brunt_with(&scenario)?;
    let mut busy_wait = environment.brunt_with(&scenario)?;
    busy_wait.arguments.push("--busy-wait".to_owned());
    let (mut rows, mut differences_us) = (Vec::new(), Vec::new());
    let mut is_exact = true;
    for round in 1..=environment.rounds {
        // The order alternates, so that a drift of the machine affects both.
        let first = (round % 2 == 0)
            .then(|| minimal_p99_us(environment))
            .transpose()?;
        let (lag_us, requests, run) = lag_p99_us(environment, &brunt)?;
        let (busy_wait_us, ..) = lag_p99_us(environment, &busy_wait)?;
        let minimal_us = match first {
            Some(minimal_us) => minimal_us,
            None => minimal_p99_us(environment)?,
        };
        is_exact &= requests == RATE * seconds;
        differences_us.push(lag_us - minimal_us);
        let row = format!(
            "| {round} | {requests} | {lag_us:.0} | {minimal_us:.0} | {:+.0} | {:.0} % | {busy_wait_us:.0} |",
            lag_us - minimal_us,
            run.cpu_s / run.wall_s * 100.0
        );
        println!("  {row}");
        rows.push(row);
    }
    let median_us = SummaryStats::of(differences_us).median;
    let mut missed_goals = Vec::new();
    if median_us > DIFFERENCE_US_MAX {
        missed_goals.push(format!(
            "lag {median_us:.0} µs above the minimal loop's, goal: at most {DIFFERENCE_US_MAX}"
        ));
    }
    if !is_exact {
        missed_goals.push(format!(
            "a round without exactly {} requests",
            RATE * seconds
        ));
    }
    let outcome = if missed_goals.is_empty() {
        "reached"
    } else {
        "**missed**"
    };
    let text = format!(
        "{RATE} arrivals per second, evenly spaced, for {seconds} s: {} requests. Lag is the delay between the intended start of a \
         request and its dispatch. It is compared with `testbed timer`, a minimal loop that sleeps on a timerfd until each of the \
         same times and does nothing else, on the same core in the same minute. brunt with `--busy-wait` has no goal.\n\n\
         | round | requests | brunt's lag p99, µs | minimal loop's p99, µs | difference, µs | brunt's core busy | `--busy-wait`: lag p99, µs |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{}\n\n\
         Median: **{median_us:+.0} µs**; goal: at most {DIFFERENCE_US_MAX:+} µs, and every request sent: {outcome}.\n",
        RATE * seconds,
        rows.join("\n")
    );
    Ok(Section { text, missed_goals })
}

/// The p99 of brunt's lag in microseconds, the number of requests that the server counted, and the run.
fn lag_p99_us(environment: &Environment, brunt: &Client) -> anyhow::Result<(f64, u64, ClientRun)> {
    let server = environment.serve(&[])?;
    let run = environment.run(brunt, &server)?;
    let stats = server.stop()?;
    let lag_ms = environment.summary()?["total"]["lag_ms"]["p99"].as_f64();
    let lag_us = lag_ms.context("summary.json has no lag")? * 1e3;
    Ok((lag_us, stats.requests, run))
}

/// The p99 of the delays of `testbed timer`, in microseconds.
fn minimal_p99_us(environment: &Environment) -> anyhow::Result<f64> {
    let arguments = format!("timer --rate {RATE} --seconds {}", environment.seconds);
    let arguments: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
    let log: &Path = &environment.folder.path().join("timer.log");
    let minimal = run(&environment.testbed(), &arguments, log)?;
    ensure!(
        minimal.status.success(),
        "`testbed timer` failed: {}",
        minimal.output
    );
    let p99 = minimal
        .output
        .lines()
        .find_map(|line| line.strip_prefix("late_p99_us "));
    Ok(p99
        .context("`testbed timer` did not print its p99")?
        .parse()?)
}
