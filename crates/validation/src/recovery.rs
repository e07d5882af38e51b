//! Recovery: an overloaded FIFO server has a backlog whose end is known.

use brunt_record::{LoadStage, Measure, RunRecord, Scope};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, Queue, ServiceDistribution};
use brunt_verdict::findings::recovery::{Recovery, recovery, spike};
use brunt_verdict::stats::median::median;

use crate::row::{Effort, Row};
use crate::simulated_run;

/// Arrivals per second before and after the spike.
const LEVEL: f64 = 600.0;
/// Capacity of the server, per second.
const MU: f64 = 1_000.0;
const BEFORE_S: f64 = 120.0;
const SPIKE_S: f64 = 10.0;
const AFTER_S: f64 = 120.0;

/// A run of a level, a spike of `top` arrivals per second, and the level again. `unplanned` are further steps that the plan
/// does not contain: seconds after the spike, and arrivals per second.
fn run(service: ServiceDistribution, top: f64, unplanned: &[(f64, f64)], seed: u64) -> RunRecord {
    let ends_s = BEFORE_S + SPIKE_S;
    let mut steps = vec![(0.0, LEVEL), (BEFORE_S, top), (ends_s, LEVEL)];
    let unplanned = unplanned.iter();
    steps.extend(unplanned.map(|(at_s, per_s)| (ends_s + at_s, *per_s)));
    let mut queue = Queue::new(service, seed);
    let arrivals = Arrivals::stepped(steps, ends_s + AFTER_S, Gaps::Poisson, seed);
    let stage = |seconds, level| LoadStage {
        seconds,
        from: level,
        to: level,
    };
    let stages = vec![
        stage(BEFORE_S, LEVEL),
        stage(SPIKE_S, top),
        stage(AFTER_S, LEVEL),
    ];
    let requests = arrivals.map(move |arrival_s| queue.serve(arrival_s));
    simulated_run::record_of(requests, stages, Vec::new())
}

fn found(record: &RunRecord) -> Option<Recovery> {
    recovery(record, &spike(record)?)
}

fn exponential() -> ServiceDistribution {
    ServiceDistribution::Exponential {
        servers: 1,
        mean_s: 1.0 / MU,
    }
}

/// Recovery times of the runs that are called recovered.
fn recovered(runs: u64, run: impl Fn(u64) -> RunRecord) -> Vec<f64> {
    let all = (0..runs).filter_map(|seed| match found(&run(seed)) {
        Some(Recovery::Recovered { seconds, .. }) => Some(seconds),
        _ => None,
    });
    all.collect()
}

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(10, 200);
    vec![
        fluid_row(runs, 1_600.0),
        fluid_row(runs, 2_600.0),
        never_row(runs),
        relapse_row(runs),
        calm_row(runs),
    ]
}

/// The backlog of (λ₁ − μ) D drains at μ − λ₀.
fn fluid_row(runs: u64, top: f64) -> Row {
    let truth_s = (top - MU) * SPIKE_S / (MU - LEVEL);
    let seconds = recovered(runs, |seed| run(exponential(), top, &[], seed));
    let allowed_s = f64::max(1.0, truth_s * 0.05);
    let is_right = |found_s: &&f64| (**found_s - truth_s).abs() <= allowed_s + 0.5;
    let right = seconds.iter().filter(is_right).count();
    Row {
        method: format!("recovery from {top:.0}/s for {SPIKE_S} s, capacity {MU}/s"),
        truth: format!("(λ₁ − μ) D / (μ − λ₀) = {truth_s:.1} s"),
        result: format!(
            "median {:.1} s; within {allowed_s:.1} s in {right} of {runs}",
            median(&mut seconds.clone()).unwrap_or(f64::NAN)
        ),
        goal: "within a window of 1 s or 5 %, in 95 of 100".into(),
        negative_control: "–".into(),
        holds: right as f64 >= 0.95 * runs as f64 - 0.5,
    }
}

fn never_row(runs: u64) -> Row {
    let stuck = ServiceDistribution::Stuck {
        mean_s: 1.0 / MU,
        stuck_s: 2.0 / MU,
        line_s: 1.0,
    };
    let wrong = recovered(runs, |seed| run(stuck, 1_600.0, &[], seed)).len();
    let without = recovered(runs, |seed| run(exponential(), 1_600.0, &[], seed)).len();
    Row {
        method: "recovery: a retry storm".into(),
        truth: "never".into(),
        result: format!("{wrong} of {runs} called recovered"),
        goal: "0".into(),
        negative_control: format!("without the storm: {without} of {runs}"),
        holds: wrong == 0 && without > 0,
    }
}

/// The server recovers, and 3 s later another burst arrives that the plan does not contain.
fn relapse_row(runs: u64) -> Row {
    let first_s = (1_600.0 - MU) * SPIKE_S / (MU - LEVEL);
    let again = [(first_s + 3.0, 3_000.0), (first_s + 5.0, LEVEL)];
    let truth_s = first_s + 5.0 + 2.0 * (3_000.0 - MU) / (MU - LEVEL);
    let (mut seconds, mut early, mut naive) = (Vec::new(), 0u32, 0u32);
    for seed in 0..runs {
        let record = run(exponential(), 1_600.0, &again, seed);
        if let Some(Recovery::Recovered {
            seconds: found_s, ..
        }) = found(&record)
        {
            early += u32::from(found_s < truth_s - 3.0);
            seconds.push(found_s);
        }
        naive += u32::from(first_in_band_s(&record) < truth_s - 3.0);
    }
    Row {
        method: "recovery: a relapse three seconds later".into(),
        truth: format!("{truth_s:.1} s"),
        result: format!(
            "median {:.1} s; {early} of {runs} too early",
            median(&mut seconds).unwrap_or(f64::NAN)
        ),
        goal: "0 too early".into(),
        negative_control: format!(
            "from the first second in the usual range: {naive} of {runs} too early"
        ),
        holds: early == 0 && naive > 0,
    }
}

/// The first second after the spike whose p95 is in the range before the spike.
fn first_in_band_s(record: &RunRecord) -> f64 {
    let p95_ms = |interval| {
        let timeline = &record.timeline;
        let distribution = timeline.distribution_at(interval, Scope::All, Measure::Response);
        let p95 = distribution.percentile(0.95);
        p95.and_then(brunt_record::PercentileValue::ms)
    };
    let mut usual: Vec<f64> = (24..BEFORE_S as usize).filter_map(p95_ms).collect();
    let before_ms = median(&mut usual).unwrap_or(f64::NAN);
    let ends = (BEFORE_S + SPIKE_S) as usize;
    let after = (ends..record.timeline.intervals())
        .find(|interval| p95_ms(*interval).is_some_and(|p95_ms| p95_ms <= before_ms * 1.1));
    after.map_or(f64::INFINITY, |interval| (interval - ends) as f64)
}

fn calm_row(runs: u64) -> Row {
    // Twice as many servers as needed at any level, so that no request waits.
    let wide = ServiceDistribution::Exponential {
        servers: 64,
        mean_s: 0.01,
    };
    let disturbed = (0..runs)
        .filter(|seed| found(&run(wide, 1_600.0, &[], *seed)) != Some(Recovery::NotDisturbed))
        .count();
    Row {
        method: "recovery: a spike without effect".into(),
        truth: "not disturbed".into(),
        result: format!("{disturbed} of {runs} called disturbed"),
        goal: "at most 5 %".into(),
        negative_control: "–".into(),
        holds: disturbed as f64 <= 0.05 * runs as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_holds() {
        for row in rows(Effort::Reduced) {
            assert!(row.holds, "{row:#?}");
        }
    }
}
