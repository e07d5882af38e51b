//! Recovery time: after a spike above a server's capacity, the time until its backlog is served is known.

use super::environment::Environment;
use super::page::ValidationRow;
use super::run::Run;

/// Arrivals per second before and after the spike.
const BASE_RATE: f64 = 600.0;
/// Arrivals per second during the spike.
const SPIKE_RATE: f64 = 1_600.0;
/// Capacity of the server, in requests per second.
const MU: f64 = 1_000.0;
const SPIKE_S: u64 = 10;

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    let truth_s = (SPIKE_RATE - MU) * SPIKE_S as f64 / (MU - BASE_RATE);
    let (times, around_s) = environment.choose((1, 30), (3, 90));
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = 200\nstages = [\n\
         {{ rate = \"{BASE_RATE}/s\", duration = \"{around_s}s\" }},\n\
         {{ rate = \"{SPIKE_RATE}/s\", duration = \"{SPIKE_S}s\" }},\n\
         {{ rate = \"{BASE_RATE}/s\", duration = \"{around_s}s\" }},\n]\n\
         [targets]\nerror_rate = {{ critical = \"1%\" }}\n"
    );
    let (mut shown, mut naive_shown) = (Vec::new(), Vec::new());
    let (mut correct, mut naive_correct) = (0, 0);
    for number in 1..=times {
        let server = environment.serve(&format!("serve --service mdc:1,{MU}"))?;
        let run = environment.run(&scenario, 2 * around_s + SPIKE_S, &server)?;
        let is_correct = |found_s: f64| (found_s - truth_s).abs() <= 1.0;
        let found_s = run
            .finding("recovery")
            .and_then(|found| found["recovery_s"].as_f64())
            .unwrap_or(f64::INFINITY);
        correct += u32::from(is_correct(found_s));
        shown.push(format!("{found_s:.0} s"));
        let naive_s = naive_recovery_s(&run, around_s + SPIKE_S)?;
        naive_correct += u32::from(is_correct(naive_s));
        naive_shown.push(format!("{naive_s:.0} s"));
        println!("  {number} of {times}: {}", shown.join(", "));
    }
    Ok(vec![ValidationRow {
        method: format!(
            "recovery: M/D/1 with {MU}/s; {BASE_RATE}/s, then {SPIKE_RATE}/s for {SPIKE_S} s"
        ),
        truth: format!("(λ₁ − μ) D / (μ − λ₀) = {truth_s:.1} s"),
        result: shown.join(", "),
        goal: "each within 1 s".into(),
        negative_control: format!("from throughput: {}", naive_shown.join(", ")),
        holds: correct == times && naive_correct == 0,
    }])
}

/// Negative control: seconds from the end of the spike to the first second with at least 90 % of the throughput before
/// it.
fn naive_recovery_s(run: &Run, ends_s: u64) -> anyhow::Result<f64> {
    let seconds = run.columns("timeline.csv", ["second", "ok"])?;
    let ends_s = ends_s as f64;
    let back = seconds
        .iter()
        .filter_map(|[second, ok]| Some(((*second)?, (*ok)?)))
        .find(|(second, ok)| *second >= ends_s && *ok >= 0.9 * BASE_RATE);
    Ok(back.map_or(f64::INFINITY, |(second, _)| second - ends_s))
}
