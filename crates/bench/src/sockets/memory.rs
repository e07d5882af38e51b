//! Detection of memory leaks: a server that leaks, and servers with a cache that fills up.

use super::environment::Environment;
use super::page::ValidationRow;
use super::run::Run;

/// Leak of the server, in MB per minute.
const LEAK_MB_PER_MIN: f64 = 2.0;
/// Number of servers with a cache.
const CACHES: u32 = 10;

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    // Leaks are not tested in shorter runs.
    let seconds = environment.choose(120, 300);
    Ok(vec![
        leak(environment, seconds)?,
        caches(environment, seconds)?,
    ])
}

fn scenario(seconds: u64) -> String {
    format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nrate = \"50/s\"\nusers = 10\nduration = \"{seconds}s\"\n\
         [targets]\nmemory = {{ critical = \"1GB\" }}\n"
    )
}

fn leak(environment: &Environment, seconds: u64) -> anyhow::Result<ValidationRow> {
    let server = environment.serve(&format!("serve --leak {LEAK_MB_PER_MIN}MB/min"))?;
    let leaking = environment.run(&scenario(seconds), seconds, &server)?;
    drop(server);
    let server = environment.serve("serve")?;
    let healthy = environment.run(&scenario(seconds), seconds, &server)?;
    let truth_mb_per_hour = LEAK_MB_PER_MIN * 60.0;
    let found = leaking
        .findings()
        .find(|found| found["kind"] == "leak" && found["metric"] == "memory");
    let slope = found.and_then(|found| found["slope_per_hour"].as_f64());
    let is_correct = slope.is_some_and(|slope| (slope / truth_mb_per_hour - 1.0).abs() <= 0.1);
    let is_false_alarm = healthy.finding("leak").is_some();
    Ok(ValidationRow {
        method: format!("leak: {LEAK_MB_PER_MIN} MB per minute for {seconds} s"),
        truth: format!("{truth_mb_per_hour} MB per hour"),
        result: slope.map_or_else(
            || "not found".into(),
            |slope| format!("found; {slope:.1} MB per hour"),
        ),
        goal: "found; slope within 10 %".into(),
        negative_control: format!(
            "a server without a leak: {}",
            if is_false_alarm { "a leak" } else { "no leak" }
        ),
        holds: is_correct && !is_false_alarm,
    })
}

/// The row of servers whose caches fill with different time constants. The runs are light, so they run in parallel.
fn caches(environment: &Environment, seconds: u64) -> anyhow::Result<ValidationRow> {
    let mut all = Vec::new();
    for number in 0..CACHES {
        let tau_s = 20 + 10 * number;
        let server = environment.serve(&format!("serve --cache 20MB/{tau_s}s"))?;
        all.push((
            environment.start(&scenario(seconds), seconds, &server)?,
            server,
        ));
    }
    let (mut leaks, mut naive, mut kinds) = (0, 0, Vec::new());
    for (active, server) in all {
        let run = active.wait()?;
        drop(server);
        leaks += u32::from(run.finding("leak").is_some());
        naive += u32::from(is_higher_at_the_end(&run)?);
        kinds.extend(run.kinds());
    }
    kinds.sort();
    let count = |kind: &String| kinds.iter().filter(|other| *other == kind).count();
    let mut counts: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{} {kind}", count(kind)))
        .collect();
    counts.dedup();
    Ok(ValidationRow {
        method: format!(
            "leak: a cache of 20 MB that fills up, time constant τ from 20 to 110 s, {CACHES} runs of {seconds} s"
        ),
        truth: "no leak".into(),
        result: format!("{leaks} of {CACHES} called leaks; {}", counts.join(", ")),
        goal: "none".into(),
        negative_control: format!("last sample above the first: {naive}"),
        holds: leaks == 0 && naive > 0,
    })
}

/// Negative control: whether the last sample of the memory is above the first.
fn is_higher_at_the_end(run: &Run) -> anyhow::Result<bool> {
    let samples = run.columns("resources.csv", ["target_anonymous_mb"])?;
    let mut known = samples.iter().filter_map(|[megabytes]| *megabytes);
    let first = known.next();
    Ok(first < known.next_back())
}
