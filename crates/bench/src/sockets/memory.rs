//! Leaks: a server that leaks, and servers whose caches fill.

use super::environment::Environment;
use super::row::Row;
use super::run::Run;

/// What it leaks, in MB.
const LEAK_PER_MIN: f64 = 2.0;
const CACHES: u32 = 10;

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    // Less says nothing of leaks.
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

fn leak(environment: &Environment, seconds: u64) -> anyhow::Result<Row> {
    let server = environment.serve(&format!("serve --leak {LEAK_PER_MIN}MB/min"))?;
    let leaking = environment.play(&scenario(seconds), seconds, &server)?;
    drop(server);
    let server = environment.serve("serve")?;
    let well = environment.play(&scenario(seconds), seconds, &server)?;
    let truth = LEAK_PER_MIN * 60.0;
    let found = leaking
        .findings()
        .find(|found| found["kind"] == "leak" && found["metric"] == "memory");
    let slope = found.and_then(|found| found["slope_per_hour"].as_f64());
    let is_right = slope.is_some_and(|slope| (slope / truth - 1.0).abs() <= 0.1);
    let is_said_of_well = well.finding("leak").is_some();
    Ok(Row {
        method: format!("leak: {LEAK_PER_MIN} MB a minute for {seconds} s"),
        truth: format!("{truth} MB an hour"),
        reached: slope.map_or_else(
            || "not found".into(),
            |slope| format!("found; {slope:.1} MB an hour"),
        ),
        goal: "found, slope within 10 %".into(),
        negative_control: format!(
            "of a server that holds nothing: {}",
            if is_said_of_well { "a leak" } else { "no leak" }
        ),
        holds: is_right && !is_said_of_well,
    })
}

/// The runs are light: they go side by side.
fn caches(environment: &Environment, seconds: u64) -> anyhow::Result<Row> {
    let mut all = Vec::new();
    for number in 0..CACHES {
        let tau_s = 20 + 10 * number;
        let server = environment.serve(&format!("serve --cache 20MB/{tau_s}s"))?;
        all.push((
            environment.begin(&scenario(seconds), seconds, &server)?,
            server,
        ));
    }
    let (mut leaks, mut careless, mut kinds) = (0, 0, Vec::new());
    for (playing, server) in all {
        let run = playing.end()?;
        drop(server);
        leaks += u32::from(run.finding("leak").is_some());
        careless += u32::from(is_more_at_the_end(&run)?);
        kinds.extend(run.kinds());
    }
    kinds.sort();
    let count = |kind: &String| kinds.iter().filter(|other| *other == kind).count();
    let mut told: Vec<String> = kinds
        .iter()
        .map(|kind| format!("{} {kind}", count(kind)))
        .collect();
    told.dedup();
    Ok(Row {
        method: format!(
            "leak: a cache of 20 MB that fills, τ from 20 to 110 s, {CACHES} runs of {seconds} s"
        ),
        truth: "no leak".into(),
        reached: format!("{leaks} of {CACHES} called leaks; {}", told.join(", ")),
        goal: "none".into(),
        negative_control: format!("last over first: {careless}"),
        holds: leaks == 0 && careless > 0,
    })
}

/// What a careless eye would take for a leak.
fn is_more_at_the_end(run: &Run) -> anyhow::Result<bool> {
    let readings = run.columns("resources.csv", ["target_anonymous_mb"])?;
    let mut known = readings.iter().filter_map(|[megabytes]| *megabytes);
    let first = known.next();
    Ok(first < known.next_back())
}
