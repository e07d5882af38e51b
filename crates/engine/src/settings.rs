//! Settings of the engine, and shards of the load.

use std::sync::Arc;
use std::time::Duration;

use brunt_scenario::Value;

/// Settings of the engine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Number of worker threads, at least one.
    pub threads: usize,
    /// Cores to pin the workers to, in order; empty: none.
    pub cores: Vec<usize>,
    /// Shard of the users that this engine runs.
    pub shard: Shard,
    /// Whether threads busy-wait for the last 100 µs of a wait instead of sleeping.
    pub is_precise: bool,
    /// Maximum duration for which requests in flight may continue after the load has stopped.
    pub stop_timeout: Duration,
    /// Variables that the set-up left for all users, by slot.
    pub values: Arc<[Value]>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            threads: 1,
            cores: Vec::new(),
            shard: Shard::ALL,
            is_precise: false,
            stop_timeout: Duration::from_secs(30),
            values: Arc::new([]),
        }
    }
}

/// A shard of the users and of the arrivals: every `count`-th one, starting with number `index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Number of its first user.
    pub index: u32,
    /// Number of shards.
    pub count: u32,
}

impl Shard {
    /// All users, as the only shard.
    pub const ALL: Self = Self { index: 0, count: 1 };

    /// The shard of one worker of an engine.
    pub(crate) fn of_worker(settings: &Settings, worker: usize) -> Self {
        let worker = u32::try_from(worker).unwrap_or(u32::MAX);
        let threads = u32::try_from(settings.threads.max(1)).unwrap_or(u32::MAX);
        let Self { index, count } = settings.shard;
        Self {
            index: index + count * worker,
            count: count * threads,
        }
    }

    /// Numbers of its users, given the number of all users.
    pub(crate) fn numbers(self, users: u32) -> impl Iterator<Item = u32> {
        (self.index..users).step_by(self.count as usize)
    }

    /// Its share of the rows of data.
    pub(crate) fn of_rows(self) -> brunt_scenario::DataShard {
        brunt_scenario::DataShard {
            first: self.index.into(),
            stride: self.count.into(),
        }
    }

    /// Its share of a number that is split across shards, at least one.
    pub(crate) fn share_of(self, things: u32) -> u32 {
        let part =
            (u64::from(things) + u64::from(self.count) - 1).saturating_sub(self.index.into());
        let part = part / u64::from(self.count);
        u32::try_from(part).unwrap_or(u32::MAX).max(1)
    }

    /// Its share of an arrival rate.
    pub(crate) fn of_rate(self, rate: f64) -> f64 {
        rate / f64::from(self.count)
    }

    /// Whether an arrival belongs to it.
    pub(crate) fn holds(self, arrival: u64) -> bool {
        arrival % u64::from(self.count) == u64::from(self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_all_shards_sum_to_the_total() {
        for (of, threads, things) in [(1, 1, 7), (1, 3, 10), (4, 1, 4), (2, 3, 17), (6, 2, 100)] {
            let settings = (0..of).map(|index| Settings {
                threads,
                shard: Shard { index, count: of },
                ..Settings::default()
            });
            let parts = settings.flat_map(|settings| {
                (0..threads).map(move |worker| Shard::of_worker(&settings, worker).share_of(things))
            });
            let parts: Vec<u32> = parts.collect();
            assert_eq!(parts.iter().sum::<u32>(), things, "{parts:?}");
            let (least, most) = (parts.iter().min(), parts.iter().max());
            assert!(most.unwrap() - least.unwrap() <= 1, "{parts:?}");
        }
        assert_eq!(Shard { index: 5, count: 8 }.share_of(2), 1);
    }
}
