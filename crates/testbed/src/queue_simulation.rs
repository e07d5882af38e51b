//! Queue simulation: arrivals at a queue whose service times have a known distribution, computed in virtual time, so
//! that a thousand runs take seconds. Times are in seconds from the start.

mod parse;

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// One request of a simulated run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimulatedRequest {
    /// Arrival time.
    pub arrival_s: f64,
    /// Completion time.
    pub done_s: f64,
    /// Whether the response was an error.
    pub failed: bool,
}

/// Distribution of the gaps between arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// Exponential gaps.
    Poisson,
    /// Constant gaps.
    Constant,
}

/// Arrivals at a rate, in requests per second, that changes in steps.
pub struct Arrivals {
    /// The start of each step, and its rate.
    steps: Vec<(f64, f64)>,
    end_s: f64,
    gaps: Gaps,
    now_s: f64,
    random: Xoshiro256PlusPlus,
}

impl Arrivals {
    /// Arrivals at a constant rate for a duration.
    pub fn steady(per_s: f64, seconds: f64, gaps: Gaps, seed: u64) -> Self {
        Self::stepped(vec![(0.0, per_s)], seconds, gaps, seed)
    }

    /// Arrivals at the rate of each step, from its start on.
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

    /// The next arrival: a gap of unit rate is consumed at the rate of each step that it crosses.
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
    /// One queue for several servers with exponential times: M/M/c for Poisson arrivals, D/M/c for constant gaps.
    Exponential {
        /// Number of servers.
        servers: usize,
        /// Mean service time.
        mean_s: f64,
    },
    /// One server with exponential times that becomes stuck if its queue is long: each service then takes
    /// longer, until the queue is empty (a retry storm, as the server sees it).
    Stuck {
        /// Mean service time.
        mean_s: f64,
        /// Mean service time while stuck.
        stuck_s: f64,
        /// Queueing time from which it is stuck.
        line_s: f64,
    },
    /// Several servers with constant times: a worker pool, with a cliff once all workers are busy.
    Fixed {
        /// Number of servers.
        servers: usize,
        /// Service time.
        time_s: f64,
    },
    /// Responds immediately while there are tokens, and with an error without one.
    TokenBucket {
        /// Tokens per second.
        per_s: f64,
        /// Maximum number of tokens.
        burst: f64,
    },
    /// One server with exponential times, which each waiting request makes longer: more load results in
    /// less throughput.
    Retrograde {
        /// Mean service time of a request without others.
        mean_s: f64,
        /// Share by which each waiting request makes it longer.
        drag: f64,
    },
    /// One server with exponential times that stalls periodically.
    Stalls {
        /// Mean service time.
        mean_s: f64,
        /// Interval between the starts of two stalls.
        every_s: f64,
        /// Duration of each stall.
        stall_s: f64,
    },
}

/// A first-come first-served queue with its servers.
pub struct Queue {
    distribution: ServiceDistribution,
    /// When each server becomes idle.
    free_s: Vec<f64>,
    is_stuck: bool,
    tokens: f64,
    tokens_at_s: f64,
    /// Completion times of the requests in the system.
    in_flight: VecDeque<f64>,
    random: Xoshiro256PlusPlus,
}

impl Queue {
    /// Creates an idle queue.
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

    /// Puts the queue into its steady state: an M/M/1 with a backlog drawn from its
    /// stationary distribution.
    ///
    /// # Panics
    /// If the distribution is not M/M/1, or the queue has no steady state.
    #[must_use]
    pub fn in_steady_state(mut self, arrivals_per_s: f64) -> Self {
        let ServiceDistribution::Exponential { servers: 1, mean_s } = self.distribution else {
            panic!("the steady state is only known for an M/M/1");
        };
        let load = arrivals_per_s * mean_s;
        assert!(load < 1.0, "no steady state at a load of {load}");
        // The work ahead of an arrival: none with probability 1 − ρ, else exponential with rate μ − λ.
        if self.random.random::<f64>() < load {
            let rate = 1.0 / mean_s - arrivals_per_s;
            self.free_s[0] = -(1.0 - self.random.random::<f64>()).ln() / rate;
        }
        self
    }

    /// Serves a request that arrives at a time, which must not be before the previous one.
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

    /// Stalls all servers for a duration, as if the machine was paused.
    pub fn stall(&mut self, from_s: f64, for_s: f64) {
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

/// Completion time of work that starts at `begins_s`, on a server that stalls for the first `stall_s` of
/// every `every_s`.
fn past_stalls(begins_s: f64, time_s: f64, every_s: f64, stall_s: f64) -> f64 {
    let awake_s = every_s - stall_s;
    // Seconds without stalls up to a time, and the inverse.
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
    fn mm1_response_times_match_theory() {
        let distribution = ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 0.01,
        };
        let times = times(distribution, 50.0, Gaps::Poisson);
        assert_near(times.iter().sum::<f64>() / times.len() as f64, 0.02, 0.03);
        assert_near(percentile(times, 0.99), 100f64.ln() / 50.0, 0.05);
    }

    #[test]
    fn two_servers_match_the_erlang_c_formula() {
        let distribution = ServiceDistribution::Exponential {
            servers: 2,
            mean_s: 0.01,
        };
        let times = times(distribution, 160.0, Gaps::Poisson);
        let mean_s = 0.711_111 / 40.0 + 0.01;
        assert_near(times.iter().sum::<f64>() / times.len() as f64, mean_s, 0.05);
    }

    #[test]
    fn constant_times_match_the_pollaczek_khinchine_formula() {
        let distribution = ServiceDistribution::Fixed {
            servers: 1,
            time_s: 0.01,
        };
        let times = times(distribution, 50.0, Gaps::Poisson);
        assert_near(times.iter().sum::<f64>() / times.len() as f64, 0.015, 0.03);
    }

    #[test]
    fn constant_times_are_served_in_order() {
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
    fn seed_determines_the_times() {
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
    fn constant_gaps_wait_less_than_poisson_arrivals() {
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
    fn steady_state_does_not_drift() {
        let distribution = ServiceDistribution::Exponential {
            servers: 1,
            mean_s: 0.01,
        };
        let first = (0..20_000).map(|seed| {
            let mut queue = Queue::new(distribution, seed).in_steady_state(80.0);
            let visit = queue.serve(0.0);
            visit.done_s
        });
        let mean_s = first.sum::<f64>() / 20_000.0;
        assert_near(mean_s, 1.0 / 20.0, 0.03);
    }

    #[test]
    fn token_bucket_serves_at_its_rate() {
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
    fn pool_does_not_queue_until_it_is_full() {
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
    fn retrograde_throughput_falls_with_load() {
        let distribution = ServiceDistribution::Retrograde {
            mean_s: 0.01,
            drag: 0.02,
        };
        let served = |per_s| {
            let mut queue = Queue::new(distribution, 1);
            let visits = Arrivals::steady(per_s, 100.0, Gaps::Poisson, 1);
            visits
                .map(|at| queue.serve(at))
                .filter(|visit| visit.done_s < 100.0)
                .count()
        };
        let (loaded, overloaded) = (served(60.0), served(120.0));
        assert!(overloaded < loaded * 3 / 4, "{overloaded} of {loaded}");
    }

    #[test]
    fn stall_delays_requests_that_arrive_in_it() {
        assert_near(past_stalls(12.0, 1.0, 10.0, 2.0), 13.0, 1e-9);
        assert_near(past_stalls(10.5, 1.0, 10.0, 2.0), 13.0, 1e-9);
        assert_near(past_stalls(19.5, 1.0, 10.0, 2.0), 22.5, 1e-9);
    }

    #[test]
    fn steps_change_the_rate_at_their_start() {
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
