//! Arrivals: the intended starts of tasks in the open model. They depend only on the load and the seed, so they are the
//! same on any number of cores.
//!
//! Arrivals are drawn on the axis of the expected number (the integral of the rate). A search that changes the level
//! therefore changes the times of arrivals, and not their sequence.

use brunt_record::{ArrivalProcess, Load, LoadLevel, seconds_to_ns};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Arrivals of a load in order of time, in nanoseconds from the start.
#[derive(Debug, Clone)]
pub struct Arrivals {
    load: Load,
    process: ArrivalProcess,
    random: Xoshiro256PlusPlus,
    /// Number of arrivals expected before the next one: the integral of the rate.
    expected: f64,
    /// Stage of the next one, with its start and the number expected before it.
    stage: usize,
    begin_s: f64,
    before: f64,
}

impl Arrivals {
    /// Arrivals of an open load; a closed load has none.
    pub fn new(load: &Load, random: Xoshiro256PlusPlus) -> Self {
        let (load, process) = match &load.open {
            Some(open) => (load.clone(), open.arrival_process),
            None => (Load::default(), ArrivalProcess::Constant),
        };
        let mut arrivals = Self {
            load,
            process,
            random,
            expected: 0.0,
            stage: 0,
            begin_s: 0.0,
            before: 0.0,
        };
        if process == ArrivalProcess::Poisson {
            arrivals.expected = arrivals.gap();
        }
        arrivals
    }

    /// Expected number of arrivals from one to the next: 1, or exponential with mean 1.
    fn gap(&mut self) -> f64 {
        match self.process {
            ArrivalProcess::Constant => 1.0,
            // 1 − u is never 0, since u is below 1.
            ArrivalProcess::Poisson => -(1.0 - self.random.random::<f64>()).ln(),
        }
    }

    /// Time of the next arrival, in nanoseconds; `None` at the end of the load, unless its level changes.
    pub fn due_ns(&mut self) -> Option<u64> {
        loop {
            let stage = self.load.stages.get(self.stage)?;
            let within = self.expected - self.before;
            let in_stage = f64::midpoint(stage.from, stage.to) * stage.seconds;
            if within < in_stage {
                return Some(seconds_to_ns(self.begin_s + time_to_expect(stage, within)));
            }
            self.before += in_stage;
            self.begin_s += stage.seconds;
            self.stage += 1;
        }
    }

    /// Moves to the next arrival.
    pub fn pass(&mut self) {
        self.expected += self.gap();
    }

    /// Changes the level of future arrivals from a time on.
    pub fn steer(&mut self, level: &LoadLevel) {
        self.load.steer(level);
        (self.stage, self.begin_s, self.before) = (0, 0.0, 0.0);
    }
}

impl Iterator for Arrivals {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let due_ns = self.due_ns()?;
        self.pass();
        Some(due_ns)
    }
}

/// Time into a stage until `expected` arrivals are expected: the root of from·t + (to − from)·t²/2s = expected, in a form
/// without cancellation.
fn time_to_expect(stage: &brunt_record::LoadStage, expected: f64) -> f64 {
    let slope = (stage.to - stage.from) / stage.seconds;
    let root = (stage.from * stage.from + 2.0 * slope * expected)
        .max(0.0)
        .sqrt();
    if stage.from + root > 0.0 {
        2.0 * expected / (stage.from + root)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use brunt_record::{LoadStage, OpenModel, SearchPhase};
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn arrivals(stages: &[(f64, f64, f64)], process: ArrivalProcess, seed: u64) -> Vec<u64> {
        let stage = |&(seconds, from, to): &(f64, f64, f64)| LoadStage { seconds, from, to };
        let load = Load {
            stages: stages.iter().map(stage).collect(),
            open: Some(OpenModel {
                arrival_process: process,
                users: 1,
            }),
            ..Load::default()
        };
        Arrivals::new(&load, Xoshiro256PlusPlus::seed_from_u64(seed)).collect()
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced_and_exact_in_number() {
        let found = arrivals(&[(20.0, 500.0, 500.0)], ArrivalProcess::Constant, 1);
        assert_eq!(found.len(), 10_000);
        assert!(
            found
                .iter()
                .zip(0u64..)
                .all(|(at, number)| at.abs_diff(number * 2_000_000) <= 1)
        );
    }

    #[test]
    fn a_ramp_has_the_count_of_its_integral() {
        let found = arrivals(
            &[(10.0, 0.0, 100.0), (10.0, 100.0, 0.0)],
            ArrivalProcess::Constant,
            1,
        );
        assert_eq!(found.len(), 1_000);
        // Half of the arrivals of a rising ramp are in its last 29 %.
        let early = found.iter().filter(|at| **at < 7_071_067_811).count();
        assert!((249..=251).contains(&early), "{early}");
    }

    proptest! {
        #[test]
        fn arrival_times_increase_and_match_the_expected_number(
            stages in prop::collection::vec((0.1..20.0f64, 0.0..200.0f64, 0.0..200.0f64), 1..4),
        ) {
            let found = arrivals(&stages, ArrivalProcess::Constant, 1);
            let expected: f64 = stages.iter().map(|(s, from, to)| s * f64::midpoint(*from, *to)).sum();
            prop_assert!((found.len() as f64 - expected).abs() <= 1.0, "{} for {}", found.len(), expected);
            prop_assert!(found.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }

    #[test]
    fn changed_level_moves_future_arrivals_and_loses_none() {
        let load = Load {
            stages: vec![LoadStage {
                seconds: 30.0,
                from: 100.0,
                to: 100.0,
            }],
            open: Some(OpenModel {
                arrival_process: ArrivalProcess::Constant,
                users: 1,
            }),
            ..Load::default()
        };
        let level = |from_ms, level| LoadLevel {
            from_ms,
            ramp_ms: 0,
            level,
            phase: SearchPhase::Trial,
        };
        let mut arrivals = Arrivals::new(&load, Xoshiro256PlusPlus::seed_from_u64(1));
        let until = |arrivals: &mut Arrivals, end_ns: u64| {
            let mut count = 0;
            while arrivals.due_ns().is_some_and(|due_ns| due_ns < end_ns) {
                arrivals.pass();
                count += 1;
            }
            count
        };
        assert_eq!(until(&mut arrivals, 10_000_000_000), 1_000);
        arrivals.steer(&level(10_000, 0.0));
        assert_eq!(arrivals.due_ns(), None);
        arrivals.steer(&level(20_000, 50.0));
        assert_eq!(arrivals.due_ns(), Some(20_000_000_000));
        assert_eq!(until(&mut arrivals, u64::MAX), 500);
    }

    /// Kolmogorov–Smirnov distance of gaps from the exponential distribution.
    fn distance(gaps: &mut [f64], rate: f64) -> f64 {
        gaps.sort_by(f64::total_cmp);
        let count = gaps.len() as f64;
        let distances = gaps.iter().enumerate().map(|(at, gap)| {
            let cdf = 1.0 - (-rate * gap).exp();
            f64::max(
                (cdf - at as f64 / count).abs(),
                ((at + 1) as f64 / count - cdf).abs(),
            )
        });
        distances.fold(0.0, f64::max)
    }

    fn rejected(process: ArrivalProcess) -> u32 {
        let rejects = |seed: u64| {
            let found = arrivals(&[(10.0, 200.0, 200.0)], process, seed);
            let mut gaps: Vec<f64> = found
                .windows(2)
                .map(|pair| (pair[1] - pair[0]) as f64 / 1e9)
                .collect();
            // The 5 % point for many samples.
            distance(&mut gaps, 200.0) > 1.358 / (gaps.len() as f64).sqrt()
        };
        (0..1000).map(|seed| u32::from(rejects(seed))).sum()
    }

    #[test]
    fn poisson_gaps_are_exponential_and_others_would_be_seen() {
        let share = rejected(ArrivalProcess::Poisson);
        assert!(
            (30..=70).contains(&share),
            "{share} of 1,000 rejected at 5 %"
        );
        assert_eq!(rejected(ArrivalProcess::Constant), 1000);
    }
}
