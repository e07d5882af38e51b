//! Limited capacity with a known law: so many servers, a service time, one queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// How long a server is busy with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceTime {
    /// Always this long.
    Fixed(Duration),
    /// Exponentially distributed with this mean.
    Exponential {
        /// The mean.
        mean: Duration,
    },
}

/// Answers leave as from `servers` that each serve one request at a time, out of one queue in the
/// order of arrival: M/M/c and M/D/c where arrivals are Poisson. The capacity is `servers` per mean
/// service time.
///
/// The queue is reckoned and not played: a thread that wakes late delays its own answer, by some
/// tens of microseconds, and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// The law of the service time.
    pub time: ServiceTime,
    /// How many requests are served at once, at least 1.
    pub servers: usize,
    /// Where the randomness starts.
    pub seed: u64,
}

impl Service {
    /// The queue of this service, empty.
    ///
    /// # Panics
    /// Where there are no servers.
    pub fn queue(&self) -> Queue {
        assert!(self.servers > 0, "a service needs at least one server");
        Queue {
            time: self.time,
            free_at: vec![Reverse(Duration::ZERO); self.servers].into(),
            random: Xoshiro256PlusPlus::seed_from_u64(self.seed),
        }
    }
}

/// The state of a [`Service`]: when each server is free. It knows no clock: times count from any
/// moment, the same for all.
#[derive(Debug)]
pub struct Queue {
    time: ServiceTime,
    free_at: BinaryHeap<Reverse<Duration>>,
    random: Xoshiro256PlusPlus,
}

impl Queue {
    /// Takes in a request that arrives at this time, not before the last one, and tells when it
    /// is done.
    pub fn admit(&mut self, arrival: Duration) -> Duration {
        let Reverse(free_at) = self.free_at.pop().unwrap_or_default();
        let done = arrival.max(free_at) + self.service_time();
        self.free_at.push(Reverse(done));
        done
    }

    fn service_time(&mut self) -> Duration {
        match self.time {
            ServiceTime::Fixed(time) => time,
            ServiceTime::Exponential { mean } => {
                mean.mul_f64(-(1.0 - self.random.random::<f64>()).ln())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean time from arrival to done in seconds, for Poisson arrivals at this rate.
    fn mean_response_s(service: Service, arrivals_per_s: f64) -> f64 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let mut queue = service.queue();
        let mut arrival_s = 0.0;
        let mut sum_s = 0.0;
        let count = 400_000;
        for _ in 0..count {
            arrival_s -= (1.0 - random.random::<f64>()).ln() / arrivals_per_s;
            let arrival = Duration::from_secs_f64(arrival_s);
            sum_s += queue.admit(arrival).as_secs_f64() - arrival.as_secs_f64();
        }
        sum_s / f64::from(count)
    }

    #[test]
    fn fixed_times_queue_up_in_order() {
        let service = Service {
            time: ServiceTime::Fixed(Duration::from_millis(10)),
            servers: 2,
            seed: 0,
        };
        let mut queue = service.queue();
        let done = [0, 0, 1, 1, 50].map(|ms| queue.admit(Duration::from_millis(ms)).as_millis());
        assert_eq!(done, [10, 10, 20, 20, 60]);
    }

    /// Means by queueing theory: M/M/1 is 1 / (μ − λ), M/M/c by Erlang's C formula, M/D/1 by
    /// Pollaczek and Khinchine.
    #[test]
    fn means_are_those_of_theory() {
        let exponential = ServiceTime::Exponential {
            mean: Duration::from_millis(10),
        };
        let fixed = ServiceTime::Fixed(Duration::from_millis(10));
        for (time, servers, arrivals_per_s, mean_s) in [
            (exponential, 1, 50.0, 0.02),
            (exponential, 1, 80.0, 0.05),
            // Two servers at a load of 0.8: C = 0.711111, W = C / (2μ − λ) + 1 / μ.
            (exponential, 2, 160.0, 0.711_111 / 40.0 + 0.01),
            (fixed, 1, 50.0, 0.015),
        ] {
            let service = Service {
                time,
                servers,
                seed: 1,
            };
            let found_s = mean_response_s(service, arrivals_per_s);
            assert!(
                (found_s / mean_s - 1.0).abs() < 0.03,
                "{service:?} at {arrivals_per_s}/s: {found_s} s instead of {mean_s} s"
            );
        }
    }

    #[test]
    fn a_seed_gives_the_same_times() {
        let times = |seed| {
            let service = Service {
                time: ServiceTime::Exponential {
                    mean: Duration::from_millis(10),
                },
                servers: 1,
                seed,
            };
            let mut queue = service.queue();
            [(); 5].map(|()| queue.admit(Duration::ZERO))
        };
        assert_eq!(times(3), times(3));
        assert_ne!(times(3), times(4));
    }
}
