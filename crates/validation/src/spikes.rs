//! Recovery: a FIFO server that gets more than it can serve has a backlog whose end is known.

use brunt_record::{LoadStage, Measure, RunRecord, Scope};
use brunt_testbed::queue_simulation::{Arrivals, Gaps, Queue, ServiceDistribution};
use brunt_verdict::findings::recovery::{Recovery, recovery, spike};
use brunt_verdict::stats::median::median;

use crate::{Effort, Row, reckoned};

/// Arrivals a second at the level before and after.
const LEVEL: f64 = 600.0;
/// What the server can serve, a second.
const MU: f64 = 1_000.0;
const BEFORE_S: f64 = 120.0;
const SPIKE_S: f64 = 10.0;
const AFTER_S: f64 = 120.0;

/// A run of a level, a spike of `top` a second, and the level again, with more steps in it that the plan
/// does not know of.
fn run(law: ServiceDistribution, top: f64, more: &[(f64, f64)], seed: u64) -> RunRecord {
    let ends_s = BEFORE_S + SPIKE_S;
    let mut steps = vec![(0.0, LEVEL), (BEFORE_S, top), (ends_s, LEVEL)];
    steps.extend(more.iter().map(|(at_s, per_s)| (ends_s + at_s, *per_s)));
    let mut queue = Queue::new(law, seed);
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
    let visits = arrivals.map(move |arrival_s| queue.serve(arrival_s));
    reckoned::record_of(visits, stages, Vec::new())
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

/// The seconds that were found, of the runs that were said to have recovered.
fn recovered(runs: u64, run: impl Fn(u64) -> RunRecord) -> Vec<f64> {
    let all = (0..runs).filter_map(|seed| match found(&run(seed)) {
        Some(Recovery::Recovered { seconds, .. }) => Some(seconds),
        _ => None,
    });
    all.collect()
}

/// The proofs of this page.
pub fn rows(effort: Effort) -> Vec<Row> {
    let runs = effort.choose(10, 200);
    vec![
        fluid(runs, 1_600.0),
        fluid(runs, 2_600.0),
        never(runs),
        relapse(runs),
        calm(runs),
    ]
}

/// The backlog of (λ₁ − μ) D drains at μ − λ₀.
fn fluid(runs: u64, top: f64) -> Row {
    let truth_s = (top - MU) * SPIKE_S / (MU - LEVEL);
    let seconds = recovered(runs, |seed| run(exponential(), top, &[], seed));
    let allowed_s = f64::max(1.0, truth_s * 0.05);
    let off = |found_s: &&f64| (**found_s - truth_s).abs() <= allowed_s + 0.5;
    let right = seconds.iter().filter(off).count();
    Row {
        method: format!("recovery from {top:.0}/s for {SPIKE_S} s, {MU}/s served"),
        truth: format!("(λ₁ − μ) D / (μ − λ₀) = {truth_s:.1} s"),
        reached: format!(
            "median {:.1} s; right to {allowed_s:.1} s in {right} of {runs}",
            median(&mut seconds.clone()).unwrap_or(f64::NAN)
        ),
        goal: "within a window or 5 %, in 95 of 100".into(),
        broken: "–".into(),
        holds: right as f64 >= 0.95 * runs as f64 - 0.5,
    }
}

fn never(runs: u64) -> Row {
    let stuck = ServiceDistribution::Stuck {
        mean_s: 1.0 / MU,
        stuck_s: 2.0 / MU,
        line_s: 1.0,
    };
    let wrong = recovered(runs, |seed| run(stuck, 1_600.0, &[], seed)).len();
    let broken = recovered(runs, |seed| run(exponential(), 1_600.0, &[], seed)).len();
    Row {
        method: "recovery: a retry storm".into(),
        truth: "never".into(),
        reached: format!("{wrong} of {runs} called recovered"),
        goal: "0".into(),
        broken: format!("without the storm: {broken} of {runs}"),
        holds: wrong == 0 && broken > 0,
    }
}

/// It recovers, and 3 s later another burst comes that the plan does not know of.
fn relapse(runs: u64) -> Row {
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
        reached: format!(
            "median {:.1} s; {early} of {runs} too early",
            median(&mut seconds).unwrap_or(f64::NAN)
        ),
        goal: "0 too early".into(),
        broken: format!("the first second in band: {naive} of {runs} too early"),
        holds: early == 0 && naive > 0,
    }
}

/// What a careless eye would take: the first second after the spike whose p95 is as before.
fn first_in_band_s(record: &RunRecord) -> f64 {
    let p95_ms = |interval| {
        let timeline = &record.timeline;
        let seen = timeline.distribution_at(interval, Scope::All, Measure::Response);
        seen.percentile(0.95)
            .and_then(brunt_record::PercentileValue::ms)
    };
    let mut usual: Vec<f64> = (24..BEFORE_S as usize).filter_map(p95_ms).collect();
    let before_ms = median(&mut usual).unwrap_or(f64::NAN);
    let ends = (BEFORE_S + SPIKE_S) as usize;
    let after = (ends..record.timeline.intervals())
        .find(|interval| p95_ms(*interval).is_some_and(|p95_ms| p95_ms <= before_ms * 1.1));
    after.map_or(f64::INFINITY, |interval| (interval - ends) as f64)
}

fn calm(runs: u64) -> Row {
    // Twice as many servers as needed, at any level: nothing waits.
    let wide = ServiceDistribution::Exponential {
        servers: 64,
        mean_s: 0.01,
    };
    let disturbed = (0..runs)
        .filter(|seed| found(&run(wide, 1_600.0, &[], *seed)) != Some(Recovery::NotDisturbed))
        .count();
    Row {
        method: "recovery: a spike that nobody feels".into(),
        truth: "not disturbed".into(),
        reached: format!("{disturbed} of {runs} called disturbed"),
        goal: "5 % at most".into(),
        broken: "–".into(),
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
