//! Queue simulation: arrivals at a queue whose service times have a known distribution, computed in virtual time, so that
//! a thousand runs take seconds. Moments are seconds from the start.

mod parse;

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// One request of a simulated run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimulatedRequest {
    /// Its arrival.
    pub arrival_s: f64,
    /// The end of its response.
    pub done_s: f64,
    /// Whether the response was an error.
    pub failed: bool,
}

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// Exponential gaps.
    Poisson,
    /// Even gaps.
    Constant,
}

/// Requests that come at a rate a second that changes by steps.
pub struct Arrivals {
    /// From each moment on, this rate.
    steps: Vec<(f64, f64)>,
    end_s: f64,
    gaps: Gaps,
    now_s: f64,
    random: Xoshiro256PlusPlus,
}

impl Arrivals {
    /// Arrivals at one rate for so long.
    pub fn steady(per_s: f64, seconds: f64, gaps: Gaps, seed: u64) -> Self {
        Self::stepped(vec![(0.0, per_s)], seconds, gaps, seed)
    }

    /// Arrivals whose rate is, from each moment on, that of its step.
    pub fn stepped(steps: Vec<(f64, f64)>, seconds: f64, gaps: Gaps, seed: u64) -> Self {
        Self {
            steps,
            end_s: seconds,
            gaps,
            now_s: 0.0,
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0xa11),
        }
    }
}

impl Iterator for Arrivals {
    type Item = f64;

    /// The next one: a gap of unit rate is used up at the rate of each step that it crosses.
    fn next(&mut self) -> Option<f64> {
        let mut left = match self.gaps {
            Gaps::Poisson => -(1.0 - self.random.random::<f64>()).ln(),
            Gaps::Constant => 1.0,
        };
        loop {
            let at = self
                .steps
                .partition_point(|(from_s, _)| *from_s <= self.now_s);
            let per_s = self.steps[..at].last().map_or(0.0, |(_, per_s)| *per_s);
            let until_s = self.steps.get(at).map_or(self.end_s, |(from_s, _)| *from_s);
            let until_s = until_s.min(self.end_s);
            let within = (until_s - self.now_s) * per_s;
            if left < within {
                self.now_s += left / per_s;
                return Some(self.now_s);
            }
            if until_s >= self.end_s {
                return None;
            }
            left -= within;
            self.now_s = until_s;
        }
    }
}

/// Distribution of service times, with the number of servers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServiceDistribution {
    /// One queue for several servers, exponential times: M/M/c under Poisson arrivals, D/M/c under even ones.
    Exponential {
        /// Servers.
        servers: usize,
        /// The mean time of service.
        mean_s: f64,
    },
    /// One server, exponential times, that is stuck once its line is long: each service then takes
    /// longer, until the line is gone (a retry storm, as the server sees it).
    Stuck {
        /// The mean time of service.
        mean_s: f64,
        /// The mean time while it is stuck.
        stuck_s: f64,
        /// It is stuck from a line of so many seconds on.
        line_s: f64,
    },
    /// So many servers, fixed times: a pool of workers; a cliff, once all are busy.
    Fixed {
        /// Servers.
        servers: usize,
        /// The time of service.
        time_s: f64,
    },
    /// Answers at once while there are tokens; without one the answer is an error.
    TokenBucket {
        /// Tokens a second.
        per_s: f64,
        /// The most that are kept.
        burst: f64,
    },
    /// One server, exponential times, each longer by so much for each request that waits: more load makes
    /// less throughput.
    Retrograde {
        /// The mean time of service of one that is alone.
        mean_s: f64,
        /// The share by which each that waits makes it longer.
        drag: f64,
    },
    /// One server, exponential times, that stands still now and then.
    Stalls {
        /// The mean time of service.
        mean_s: f64,
        /// From the begin of one stall to that of the next.
        every_s: f64,
        /// How long each is.
        stall_s: f64,
    },
}

/// A first-come first-served queue with its servers.
pub struct Queue {
    distribution: ServiceDistribution,
    /// When each server is free again.
    free_s: Vec<f64>,
    is_stuck: bool,
    tokens: f64,
    tokens_at_s: f64,
    /// When those that wait or are served will be done.
    in_flight: VecDeque<f64>,
    random: Xoshiro256PlusPlus,
}

impl Queue {
    /// An idle queue.
    pub fn new(distribution: ServiceDistribution, seed: u64) -> Self {
        let servers = match distribution {
            ServiceDistribution::Exponential { servers, .. }
            | ServiceDistribution::Fixed { servers, .. } => servers,
            _ => 1,
        };
        let tokens = match distribution {
            ServiceDistribution::TokenBucket { burst, .. } => burst,
            _ => 0.0,
        };
        Self {
            distribution,
            free_s: vec![0.0; servers],
            is_stuck: false,
            tokens,
            tokens_at_s: 0.0,
            in_flight: VecDeque::new(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x57a),
        }
    }

    /// A queue that has been at work for so long that nobody knows how it began: an M/M/1 whose line
    /// is as long as its distribution says.
    ///
    /// # Panics
    /// Where the distribution is another, or the line grows for ever.
    #[must_use]
    pub fn settled(mut self, arrivals_per_s: f64) -> Self {
        let ServiceDistribution::Exponential { servers: 1, mean_s } = self.distribution else {
            panic!("only an M/M/1 is known to settle so");
        };
        let load = arrivals_per_s * mean_s;
        assert!(load < 1.0, "a load of {load} never settles");
        // The work ahead of an arrival: none with chance 1 − ρ, else exponential with rate μ − λ.
        if self.random.random::<f64>() < load {
            let rate = 1.0 / mean_s - arrivals_per_s;
            self.free_s[0] = -(1.0 - self.random.random::<f64>()).ln() / rate;
        }
        self
    }

    /// Serves a request that arrives at a moment, not before the last one.
    pub fn serve(&mut self, arrival_s: f64) -> SimulatedRequest {
        if let ServiceDistribution::TokenBucket { per_s, burst } = self.distribution {
            return self.take_token(arrival_s, per_s, burst);
        }
        let time_s = self.time_s(arrival_s);
        let mut first = 0;
        for server in 1..self.free_s.len() {
            if self.free_s[server] < self.free_s[first] {
                first = server;
            }
        }
        let begins_s = self.free_s[first].max(arrival_s);
        let done_s = match self.distribution {
            ServiceDistribution::Stalls {
                every_s, stall_s, ..
            } => past_stalls(begins_s, time_s, every_s, stall_s),
            _ => begins_s + time_s,
        };
        self.free_s[first] = done_s;
        if let ServiceDistribution::Retrograde { .. } = self.distribution {
            self.in_flight.push_back(done_s);
        }
        SimulatedRequest {
            arrival_s,
            done_s,
            failed: false,
        }
    }

    /// Nobody is served for a while from a moment on, as where the machine is taken from it.
    pub fn stand_still(&mut self, from_s: f64, for_s: f64) {
        for free_s in &mut self.free_s {
            *free_s = free_s.max(from_s) + for_s;
        }
    }

    fn take_token(&mut self, arrival_s: f64, per_s: f64, burst: f64) -> SimulatedRequest {
        let fresh = (arrival_s - self.tokens_at_s) * per_s;
        self.tokens = (self.tokens + fresh).min(burst);
        self.tokens_at_s = arrival_s;
        let failed = self.tokens < 1.0;
        if !failed {
            self.tokens -= 1.0;
        }
        SimulatedRequest {
            arrival_s,
            done_s: arrival_s + 0.001,
            failed,
        }
    }

    fn time_s(&mut self, arrival_s: f64) -> f64 {
        let mean_s = match self.distribution {
            ServiceDistribution::Exponential { mean_s, .. }
            | ServiceDistribution::Stalls { mean_s, .. } => mean_s,
            ServiceDistribution::Fixed { time_s, .. } => return time_s,
            ServiceDistribution::TokenBucket { .. } => return 0.0,
            ServiceDistribution::Stuck {
                mean_s,
                stuck_s,
                line_s,
            } => {
                let ahead_s = self.free_s[0] - arrival_s;
                self.is_stuck = ahead_s > line_s || self.is_stuck && ahead_s > 0.0;
                if self.is_stuck { stuck_s } else { mean_s }
            }
            ServiceDistribution::Retrograde { mean_s, drag } => {
                while self
                    .in_flight
                    .front()
                    .is_some_and(|done_s| *done_s <= arrival_s)
                {
                    self.in_flight.pop_front();
                }
                mean_s * (1.0 + drag * self.in_flight.len() as f64)
            }
        };
        -(1.0 - self.random.random::<f64>()).ln() * mean_s
    }
}

/// When work that begins at a moment is done by a server that stands still for the first `stall_s` of
/// every `every_s`.
fn past_stalls(begins_s: f64, time_s: f64, every_s: f64, stall_s: f64) -> f64 {
    let awake_s = every_s - stall_s;
    // Seconds awake up to a moment, and back.
    let awake_until = |at_s: f64| {
        let rounds = (at_s / every_s).floor();
        rounds * awake_s + (at_s - rounds * every_s - stall_s).max(0.0)
    };
    let awake = awake_until(begins_s) + time_s;
    let rounds = (awake / awake_s).floor();
    rounds * every_s + stall_s + (awake - rounds * awake_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentile(mut values: Vec<f64>, q: f64) -> f64 {
        values.sort_by(f64::total_cmp);
        let rank = (1..values.len()).find(|rank| *rank as f64 >= values.len() as f64 * q);
        values[rank.unwrap_or(0)]
    }

    fn times(distribution: ServiceDistribution, per_s: f64, gaps: Gaps) -> Vec<f64> {
        let mut queue = Queue::new(distribution, 3);
        Arrivals::steady(per_s, 2_000.0, gaps, 5)
            .map(|at| queue.serve(at))
            .map(|visit| visit.done_s - visit.arrival_s)
            .collect()
    }

    fn assert_near(found: f64, truth: f64, within: f64) {
        assert!((found / truth - 1.0).abs() < within, "{found} for {truth}");
    }

    #[test]
    fn an_mm1_answers_as_theory_says() {
        let distribution = ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 0.01,
        };
        let times = times(distribution, 50.0, Gaps::Poisson);
        assert_near(times.iter().sum::<f64>() / times.len() as f64, 0.02, 0.03);
        assert_near(percentile(times, 0.99), 100f64.ln() / 50.0, 0.05);
    }

    #[test]
    fn two_servers_answer_as_erlang_says() {
        let distribution = ServiceDistribution::Exponential {
            servers: 2,
            mean_s: 0.01,
        };
        let times = times(distribution, 160.0, Gaps::Poisson);
        let mean_s = 0.711_111 / 40.0 + 0.01;
        assert_near(times.iter().sum::<f64>() / times.len() as f64, mean_s, 0.05);
    }

    #[test]
    fn fixed_times_wait_as_pollaczek_and_khinchine_say() {
        let distribution = ServiceDistribution::Fixed {
            servers: 1,
            time_s: 0.01,
        };
        let times = times(distribution, 50.0, Gaps::Poisson);
        assert_near(times.iter().sum::<f64>() / times.len() as f64, 0.015, 0.03);
    }

    #[test]
    fn fixed_times_queue_up_in_order() {
        let distribution = ServiceDistribution::Fixed {
            servers: 2,
            time_s: 10.0,
        };
        let mut queue = Queue::new(distribution, 0);
        for (at_s, done_s) in [
            (0.0, 10.0),
            (0.0, 10.0),
            (1.0, 20.0),
            (1.0, 20.0),
            (50.0, 60.0),
        ] {
            assert_near(queue.serve(at_s).done_s, done_s, 1e-9);
        }
    }

    #[test]
    fn a_seed_gives_the_same_times() {
        let distribution = ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 0.01,
        };
        let times = |seed| {
            let mut queue = Queue::new(distribution, seed);
            [(); 5].map(|()| queue.serve(0.0))
        };
        assert_eq!(times(3), times(3));
        assert_ne!(times(3), times(4));
    }

    #[test]
    fn even_arrivals_wait_less_than_poisson_ones() {
        // D/M/1: the wait's tail falls by σ, the root of σ = exp(−(1 − σ)/ρ); at ρ = 0.8 σ = 0.6286, so
        // that p99 = ln 100 / (μ (1 − σ)).
        let distribution = ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 0.01,
        };
        let p99 = percentile(times(distribution, 80.0, Gaps::Constant), 0.99);
        assert_near(p99, 100f64.ln() / (100.0 * (1.0 - 0.6286)), 0.05);
    }

    #[test]
    fn a_settled_line_is_as_long_at_first_as_later() {
        let distribution = ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 0.01,
        };
        let first = (0..20_000).map(|seed| {
            let mut queue = Queue::new(distribution, seed).settled(80.0);
            let visit = queue.serve(0.0);
            visit.done_s
        });
        let mean_s = first.sum::<f64>() / 20_000.0;
        assert_near(mean_s, 1.0 / 20.0, 0.03);
    }

    #[test]
    fn a_bucket_answers_as_often_as_it_has_tokens() {
        let distribution = ServiceDistribution::TokenBucket {
            per_s: 100.0,
            burst: 50.0,
        };
        let mut queue = Queue::new(distribution, 1);
        let visits = Arrivals::steady(150.0, 1_000.0, Gaps::Poisson, 1).map(|at| queue.serve(at));
        let failed = visits.filter(|visit| visit.failed).count() as f64;
        assert_near(failed, 50_000.0, 0.05);
    }

    #[test]
    fn a_pool_answers_at_once_until_it_is_full() {
        let distribution = ServiceDistribution::Fixed {
            servers: 10,
            time_s: 0.1,
        };
        assert_near(
            percentile(times(distribution, 60.0, Gaps::Constant), 0.99),
            0.1,
            0.001,
        );
        assert!(percentile(times(distribution, 110.0, Gaps::Constant), 0.5) > 10.0);
    }

    #[test]
    fn more_load_makes_less_throughput_where_it_is_retrograde() {
        let distribution = ServiceDistribution::Retrograde {
            mean_s: 0.01,
            drag: 0.02,
        };
        let answered = |per_s| {
            let mut queue = Queue::new(distribution, 1);
            let visits = Arrivals::steady(per_s, 100.0, Gaps::Poisson, 1);
            visits
                .map(|at| queue.serve(at))
                .filter(|visit| visit.done_s < 100.0)
                .count()
        };
        let (loaded, overloaded) = (answered(60.0), answered(120.0));
        assert!(overloaded < loaded * 3 / 4, "{overloaded} of {loaded}");
    }

    #[test]
    fn a_stall_holds_up_what_comes_in_it() {
        assert_near(past_stalls(12.0, 1.0, 10.0, 2.0), 13.0, 1e-9);
        assert_near(past_stalls(10.5, 1.0, 10.0, 2.0), 13.0, 1e-9);
        assert_near(past_stalls(19.5, 1.0, 10.0, 2.0), 22.5, 1e-9);
    }

    #[test]
    fn steps_change_the_rate_at_their_moments() {
        for gaps in [Gaps::Poisson, Gaps::Constant] {
            let steps = vec![(0.0, 100.0), (10.0, 1_000.0), (20.0, 0.0), (30.0, 50.0)];
            let all: Vec<f64> = Arrivals::stepped(steps, 40.0, gaps, 1).collect();
            let within = |from: f64, to: f64| {
                all.iter().filter(|at| (from..to).contains(*at)).count() as f64
            };
            assert_near(within(0.0, 10.0), 1_000.0, 0.1);
            assert_near(within(10.0, 20.0), 10_000.0, 0.04);
            assert!(within(20.0, 30.0) < 0.5);
            assert_near(within(30.0, 40.0), 500.0, 0.15);
            assert!(all.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
}
