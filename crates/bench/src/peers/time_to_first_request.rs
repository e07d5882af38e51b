//! From the start of brunt to its first request, and the size of what is shipped.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use rustix::time::{ClockId, clock_gettime};

use super::environment::Environment;
use super::plain_get;
use super::section::Section;
use super::summary_stats::SummaryStats;

const STARTS: usize = 20;
const START_MS_MAX: f64 = 30.0;
const SIZE_MB_MAX: f64 = 25.0;

pub(super) fn first_request(environment: &Environment) -> anyhow::Result<Section> {
    let stripped = environment.folder.path().join("brunt-stripped");
    let size_mb = strip(&environment.brunt(), &stripped)?;
    let mut client = environment.brunt_with(&plain_get::scenario(1))?;
    client.program.clone_from(&stripped);
    let mut took_ms = Vec::new();
    for _ in 0..STARTS {
        let served = environment.serve(&[])?;
        let begun_ns = monotonic_ns()?;
        environment.run(&client, &served)?;
        let seen = served.stop()?;
        ensure!(seen.first_request_ns > begun_ns, "no request came");
        took_ms.push((seen.first_request_ns - begun_ns) as f64 / 1e6);
    }
    let took_ms = SummaryStats::of(took_ms);
    let median = took_ms.median;
    let mut short = Vec::new();
    if median >= START_MS_MAX {
        short.push(format!(
            "{median:.1} ms to the first request, to be under {START_MS_MAX}"
        ));
    }
    if size_mb >= SIZE_MB_MAX {
        short.push(format!("{size_mb:.1} MB, to be under {SIZE_MB_MAX}"));
    }
    let reached = if short.is_empty() {
        "reached"
    } else {
        "**short**"
    };
    println!("  {median:.1} ms, {size_mb:.1} MB");
    let text = format!(
        "From the moment before the process is started to when its first request is whole at the server, {STARTS} times, and the \
         size of the binary as it ships (the profile `dist`).\n\n\
         | first request, ms: min | median | max | binary, MB |\n| ---: | ---: | ---: | ---: |\n\
         | {} | {size_mb:.1} |\n\n\
         Goal: under {START_MS_MAX} ms, under {SIZE_MB_MAX} MB: {reached}.\n",
        took_ms.cells(1)
    );
    Ok(Section { text, short })
}

/// The size of a stripped copy, in MB.
fn strip(program: &Path, to: &Path) -> anyhow::Result<f64> {
    let status = Command::new("strip").arg("-o").args([to, program]).status();
    let status = status.context("strip is needed; on Debian: apt-get install binutils")?;
    ensure!(status.success(), "strip failed: {status}");
    Ok(std::fs::metadata(to)?.len() as f64 / 1e6)
}

fn monotonic_ns() -> anyhow::Result<u64> {
    let now = clock_gettime(ClockId::Monotonic);
    Ok(u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec)?)
}
