//! Settings: how the engine is to run.

use std::sync::Arc;
use std::time::Duration;

use brunt_scenario::Value;

/// How the engine is to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The seed of all randomness.
    pub seed: u64,
    /// Threads to make load with, at least one.
    pub threads: usize,
    /// The cores to pin them to, one each in turn; empty: none.
    pub cores: Vec<usize>,
    /// This engine's share of the users: every `of`-th, beginning with number `share`.
    pub share: u32,
    /// How many engines there are.
    pub of: u32,
    /// Whether threads look at the clock for the last 100 µs of a wait, instead of sleeping.
    pub is_precise: bool,
    /// How long what is under way may take to end once the load is stopped.
    pub stop_timeout: Duration,
    /// The values that the set-up left for all users, by their slots.
    pub values: Arc<[Value]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            threads: 1,
            cores: Vec::new(),
            share: 0,
            of: 1,
            is_precise: false,
            stop_timeout: Duration::from_secs(30),
            values: Arc::new([]),
        }
    }
}

/// A core's share of the users and of the arrivals: every `stride`-th, beginning with number `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    first: u32,
    stride: u32,
}

impl Share {
    /// The share of a core of an engine.
    pub(crate) fn of_core(settings: &Settings, core: usize) -> Self {
        let core = u32::try_from(core).unwrap_or(u32::MAX);
        let threads = u32::try_from(settings.threads.max(1)).unwrap_or(u32::MAX);
        Self {
            first: settings.share + settings.of * core,
            stride: settings.of * threads,
        }
    }

    /// Its users, of so many.
    pub(crate) fn numbers(self, users: u32) -> impl Iterator<Item = u32> {
        (self.first..users).step_by(self.stride as usize)
    }

    /// Its rows of data.
    pub(crate) fn of_rows(self) -> brunt_scenario::Share {
        brunt_scenario::Share {
            first: self.first.into(),
            stride: self.stride.into(),
        }
    }

    /// Its part of things that all share, at least one.
    pub(crate) fn part_of(self, things: u32) -> u32 {
        let part =
            (u64::from(things) + u64::from(self.stride) - 1).saturating_sub(self.first.into());
        let part = part / u64::from(self.stride);
        u32::try_from(part).unwrap_or(u32::MAX).max(1)
    }

    /// Its part of a rate of arrivals.
    pub(crate) fn of_rate(self, rate: f64) -> f64 {
        rate / f64::from(self.stride)
    }

    /// The number of the first, which tells shares apart.
    pub(crate) fn first(self) -> usize {
        self.first as usize
    }

    /// Whether an arrival is among its own.
    pub(crate) fn holds(self, arrival: u64) -> bool {
        arrival % u64::from(self.stride) == u64::from(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_all_shares_are_the_whole() {
        for (of, threads, things) in [(1, 1, 7), (1, 3, 10), (4, 1, 4), (2, 3, 17), (6, 2, 100)] {
            let settings = (0..of).map(|share| Settings {
                threads,
                share,
                of,
                ..Settings::default()
            });
            let parts = settings.flat_map(|settings| {
                (0..threads).map(move |core| Share::of_core(&settings, core).part_of(things))
            });
            let parts: Vec<u32> = parts.collect();
            assert_eq!(parts.iter().sum::<u32>(), things, "{parts:?}");
            let (least, most) = (parts.iter().min(), parts.iter().max());
            assert!(most.unwrap() - least.unwrap() <= 1, "{parts:?}");
        }
        assert_eq!(
            Share {
                first: 5,
                stride: 8
            }
            .part_of(2),
            1
        );
    }
}
