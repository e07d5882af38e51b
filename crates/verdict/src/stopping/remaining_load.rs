//! The remaining load: which seconds of a run represent the rest of it. A run that is stopped early is judged by what
//! it would have shown, so a spike must not stand for the calm after it. Seconds whose planned load is not heavier
//! than the remaining load are a fair sample, or a mild one; all others count as if nothing in them had missed.

use brunt_record::Load;

/// The number of samples of a load.
const MOMENTS: u32 = 200;
/// The proportion of the remaining load that may be lighter than the seconds that represent it, such as a ramp down.
const LIGHTER: f64 = 0.1;
/// The relative difference below which levels are equal.
const SAME: f64 = 1e-9;

/// The remaining load from a time to the end.
pub(crate) struct RemainingLoad<'a> {
    load: &'a Load,
    from_s: f64,
    now_s: f64,
    ends_s: f64,
    /// The level of each concurrent load that nearly all of the remaining load reaches.
    reached: Vec<f64>,
}

/// A sample of the load: the level of each concurrent load, and its weight.
struct LoadSample {
    levels: Vec<f64>,
    weight: f64,
}

impl<'a> RemainingLoad<'a> {
    /// Reads a load that is judged from one time on and has run until another.
    pub(crate) fn new(load: &'a Load, from_s: f64, now_s: f64, ends_s: f64) -> Self {
        let coming = load_samples(load, now_s, ends_s);
        let all: f64 = coming.iter().map(|sample| sample.weight).sum();
        let is_reached = |levels: &[f64]| {
            let lighter = coming
                .iter()
                .filter(|sample| !reaches(&sample.levels, levels));
            lighter.map(|sample| sample.weight).sum::<f64>() <= LIGHTER * all
        };
        let heaviest = coming
            .iter()
            .map(|sample| &sample.levels)
            .filter(|levels| is_reached(levels))
            .max_by(|a, b| sum(a).total_cmp(&sum(b)));
        let reached = heaviest.cloned().unwrap_or_else(|| {
            let parts = load.parts();
            // Nearly all of it reaches no level: no second represents it.
            parts.map(|_| f64::NEG_INFINITY).collect()
        });
        Self {
            load,
            from_s,
            now_s,
            ends_s,
            reached,
        }
    }

    /// Returns whether a time that was measured represents the rest of the run.
    pub(crate) fn is_represented_by(&self, at_s: f64) -> bool {
        reaches(&self.reached, &levels(self.load, at_s))
    }

    /// Returns whether the remaining load stays at the level of a time.
    pub(crate) fn continues_at_level_of(&self, at_s: f64) -> bool {
        let now = levels(self.load, at_s);
        let coming = load_samples(self.load, self.now_s, self.ends_s);
        coming
            .iter()
            .all(|sample| reaches(&sample.levels, &now) && reaches(&now, &sample.levels))
    }

    /// The proportion of the judged load that consists of representative seconds, and of remaining ones that are at
    /// least as heavy (0 to 1).
    pub(crate) fn share_of_load(&self) -> f64 {
        self.share(|sample| sample.weight)
    }

    /// The same as a proportion of the time.
    pub(crate) fn share_of_time(&self) -> f64 {
        let weight = |from_s: f64, to_s: f64| (to_s - from_s) / f64::from(MOMENTS);
        let (past, coming) = (
            weight(self.from_s, self.now_s),
            weight(self.now_s, self.ends_s.max(self.now_s)),
        );
        self.share_weighted(|_| past, |_| coming)
    }

    fn share(&self, weight: impl Fn(&LoadSample) -> f64) -> f64 {
        self.share_weighted(&weight, &weight)
    }

    fn share_weighted(
        &self,
        of_past: impl Fn(&LoadSample) -> f64,
        of_coming: impl Fn(&LoadSample) -> f64,
    ) -> f64 {
        let (mut representative, mut all) = (0.0, 0.0);
        for sample in load_samples(self.load, self.from_s, self.now_s) {
            let weight = of_past(&sample);
            all += weight;
            representative += if reaches(&self.reached, &sample.levels) {
                weight
            } else {
                0.0
            };
        }
        for sample in load_samples(self.load, self.now_s, self.ends_s) {
            let weight = of_coming(&sample);
            all += weight;
            representative += if reaches(&sample.levels, &self.reached) {
                weight
            } else {
                0.0
            };
        }
        if all > 0.0 { representative / all } else { 0.0 }
    }
}

fn sum(levels: &[f64]) -> f64 {
    levels.iter().sum()
}

/// Returns whether each level is at least as high as the other one's.
fn reaches(levels: &[f64], others: &[f64]) -> bool {
    let pairs = levels.iter().zip(others);
    pairs
        .into_iter()
        .all(|(level, other)| *level >= other - SAME * other.abs())
}

fn levels(load: &Load, at_s: f64) -> Vec<f64> {
    load.parts().map(|part| part.level_at(at_s)).collect()
}

/// The load between two times, in equal parts.
fn load_samples(load: &Load, from_s: f64, to_s: f64) -> Vec<LoadSample> {
    if to_s <= from_s {
        return Vec::new();
    }
    let length_s = (to_s - from_s) / f64::from(MOMENTS);
    let middle_s = |at: u32| from_s + (f64::from(at) + 0.5) * length_s;
    let sample = |at: u32| {
        let levels = levels(load, middle_s(at));
        let weights = load.parts().zip(&levels).map(|(part, level)| {
            let tasks_per_s = match part.open {
                Some(_) => 1.0,
                None => part.tasks_per_user_second.unwrap_or(1.0),
            };
            level * tasks_per_s * part.requests_per_task
        });
        LoadSample {
            weight: weights.sum::<f64>() * length_s,
            levels,
        }
    };
    (0..MOMENTS).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use brunt_record::LoadStage;

    use super::*;

    fn load(stages: &[(f64, f64, f64)]) -> Load {
        let stage = |(seconds, from, to): &(f64, f64, f64)| LoadStage {
            seconds: *seconds,
            from: *from,
            to: *to,
        };
        Load {
            stages: stages.iter().map(stage).collect(),
            requests_per_task: 1.0,
            ..Load::default()
        }
    }

    #[test]
    fn ramp_up_represents_the_level_above_it() {
        let load = load(&[(20.0, 0.0, 10.0), (40.0, 10.0, 10.0)]);
        let outlook = RemainingLoad::new(&load, 0.0, 30.0, 60.0);
        assert!(
            [1.0, 19.0, 25.0]
                .into_iter()
                .all(|at_s| outlook.is_represented_by(at_s))
        );
        assert!((outlook.share_of_load() - 1.0).abs() < 1e-9);
        assert!(outlook.continues_at_level_of(25.0));
        assert!(!outlook.continues_at_level_of(5.0));
    }

    #[test]
    fn spike_does_not_represent_the_calm_after_it() {
        let load = load(&[(60.0, 10.0, 10.0), (20.0, 30.0, 30.0), (120.0, 10.0, 10.0)]);
        let outlook = RemainingLoad::new(&load, 0.0, 75.0, 200.0);
        assert!(outlook.is_represented_by(30.0));
        assert!(!outlook.is_represented_by(70.0));
        // 600 + 1,200 + the rest of the spike, 150, of 2,400 requests.
        let share = outlook.share_of_load();
        assert!((share - 1_950.0 / 2_400.0).abs() < 0.02, "{share}");
    }

    #[test]
    fn short_ramp_down_is_ignored() {
        let load = load(&[(90.0, 10.0, 10.0), (10.0, 10.0, 0.0)]);
        let outlook = RemainingLoad::new(&load, 0.0, 30.0, 100.0);
        assert!(outlook.is_represented_by(15.0));
        let share = outlook.share_of_load();
        assert!((0.94..0.97).contains(&share), "{share}");
        assert!(outlook.share_of_time() < 0.96);
        // If little but the ramp down remains, only light seconds would represent it.
        let late = RemainingLoad::new(&load, 0.0, 92.0, 100.0);
        assert!(!late.is_represented_by(15.0));
    }

    #[test]
    fn concurrent_loads_are_compared_separately() {
        let mut both = load(&[(60.0, 10.0, 10.0), (60.0, 20.0, 20.0)]);
        both.concurrent = vec![load(&[(60.0, 20.0, 20.0), (60.0, 10.0, 10.0)])];
        let outlook = RemainingLoad::new(&both, 0.0, 50.0, 120.0);
        // The second load gets lighter for most of the remaining time.
        assert!(!outlook.is_represented_by(10.0));
    }
}
