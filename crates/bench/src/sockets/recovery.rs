//! Recovery: a server that gets more than it can serve for a while has a backlog whose end is known.

use super::environment::Environment;
use super::row::Row;
use super::run::Run;

/// Arrivals a second before and after, and in the spike.
const LEVEL: f64 = 600.0;
const TOP: f64 = 1_600.0;
/// What the server can serve, a second.
const MU: f64 = 1_000.0;
const SPIKE_S: u64 = 10;

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    let truth_s = (TOP - MU) * SPIKE_S as f64 / (MU - LEVEL);
    let (times, around_s) = environment.choose((1, 30), (3, 90));
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = 200\nstages = [\n\
         {{ rate = \"{LEVEL}/s\", duration = \"{around_s}s\" }},\n\
         {{ rate = \"{TOP}/s\", duration = \"{SPIKE_S}s\" }},\n\
         {{ rate = \"{LEVEL}/s\", duration = \"{around_s}s\" }},\n]\n\
         [targets]\nerror_rate = {{ critical = \"1%\" }}\n"
    );
    let (mut told, mut careless_told) = (Vec::new(), Vec::new());
    let (mut right, mut careless_right) = (0, 0);
    for number in 1..=times {
        let server = environment.serve(&format!("serve --law mdc:1,{MU}"))?;
        let run = environment.play(&scenario, 2 * around_s + SPIKE_S, &server)?;
        let is_right = |found_s: f64| (found_s - truth_s).abs() <= 1.0;
        let found_s = run
            .finding("recovery")
            .and_then(|found| found["seconds"].as_f64())
            .unwrap_or(f64::INFINITY);
        right += u32::from(is_right(found_s));
        told.push(format!("{found_s:.0} s"));
        let careless_s = careless_s(&run, around_s + SPIKE_S)?;
        careless_right += u32::from(is_right(careless_s));
        careless_told.push(format!("{careless_s:.0} s"));
        println!("  {number} of {times}: {}", told.join(", "));
    }
    Ok(vec![Row {
        method: format!("recovery: M/D/1 of {MU}/s, {LEVEL}/s, then {TOP}/s for {SPIKE_S} s"),
        truth: format!("(λ₁ − μ) D / (μ − λ₀) = {truth_s:.1} s"),
        reached: told.join(", "),
        goal: "each within 1 s".into(),
        negative_control: format!("by throughput: {}", careless_told.join(", ")),
        holds: right == times && careless_right == 0,
    }])
}

/// What a careless eye would take: the first second after the spike in which as much is answered as before.
fn careless_s(run: &Run, ends_s: u64) -> anyhow::Result<f64> {
    let seconds = run.columns("timeline.csv", ["second", "ok"])?;
    let ends_s = ends_s as f64;
    let back = seconds
        .iter()
        .filter_map(|[second, ok]| Some(((*second)?, (*ok)?)))
        .find(|(second, ok)| *second >= ends_s && *ok >= 0.9 * LEVEL);
    Ok(back.map_or(f64::INFINITY, |(second, _)| second - ends_s))
}
