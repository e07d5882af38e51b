//! Time from the start of brunt's process to its first request, and the size of the binary.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use rustix::time::{ClockId, clock_gettime};

use super::environment::Environment;
use super::page::Section;
use super::plain_get;
use super::summary_stats::SummaryStats;

/// Number of runs.
const STARTS: usize = 20;
/// Largest median time that reaches the goal, in milliseconds.
const START_MS_MAX: f64 = 30.0;
/// Largest stripped binary that reaches the goal, in MB.
const SIZE_MB_MAX: f64 = 25.0;

/// Measures the time to the first request and the size of the stripped binary.
pub(super) fn startup_time_and_size(environment: &Environment) -> anyhow::Result<Section> {
    let stripped = environment.folder.path().join("brunt-stripped");
    let size_mb = strip(&environment.brunt(), &stripped)?;
    let mut client = environment.brunt_with(&plain_get::scenario(1))?;
    client.program.clone_from(&stripped);
    let mut times_ms = Vec::new();
    for _ in 0..STARTS {
        let server = environment.serve(&[])?;
        let started_at_ns = monotonic_ns()?;
        environment.run(&client, &server)?;
        let stats = server.stop()?;
        ensure!(
            stats.first_request_ns > started_at_ns,
            "the server received no request"
        );
        times_ms.push((stats.first_request_ns - started_at_ns) as f64 / 1e6);
    }
    let times_ms = SummaryStats::of(times_ms);
    let median = times_ms.median;
    let mut missed_goals = Vec::new();
    if median >= START_MS_MAX {
        missed_goals.push(format!(
            "{median:.1} ms to the first request, goal: under {START_MS_MAX}"
        ));
    }
    if size_mb >= SIZE_MB_MAX {
        missed_goals.push(format!("{size_mb:.1} MB, goal: under {SIZE_MB_MAX}"));
    }
    let outcome = if missed_goals.is_empty() {
        "reached"
    } else {
        "**missed**"
    };
    println!("  {median:.1} ms, {size_mb:.1} MB");
    let text = format!(
        "Time from just before the process starts until the server has received its first complete request, over {STARTS} runs, and \
         the size of the release binary (profile `dist`), stripped.\n\n\
         | first request, ms: min | median | max | binary, MB |\n| ---: | ---: | ---: | ---: |\n\
         | {} | {size_mb:.1} |\n\n\
         Goal: under {START_MS_MAX} ms, under {SIZE_MB_MAX} MB: {outcome}.\n",
        times_ms.cells(1)
    );
    Ok(Section { text, missed_goals })
}

/// Writes a stripped copy of a program and returns its size in MB.
fn strip(program: &Path, to: &Path) -> anyhow::Result<f64> {
    let status = Command::new("strip").arg("-o").args([to, program]).status();
    let status = status
        .context("cannot run strip: on Debian, install it with `apt-get install binutils`")?;
    ensure!(status.success(), "strip failed: {status}");
    Ok(std::fs::metadata(to)?.len() as f64 / 1e6)
}

/// Time of the system's monotonic clock, which the null server uses too, in nanoseconds.
fn monotonic_ns() -> anyhow::Result<u64> {
    let now = clock_gettime(ClockId::Monotonic);
    Ok(u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec)?)
}
