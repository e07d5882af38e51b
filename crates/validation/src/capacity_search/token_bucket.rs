//! Exact results for a token bucket: the share of Poisson arrivals that it rejects, and the rate at which that is a given
//! share.
//!
//! The tokens that are missing in the bucket are the work of an M/D/1 queue: each admitted request takes one, and tokens
//! return at a constant rate. A request is rejected if no token is left, like a request that finds K others in an M/D/1/K
//! queue, with K the burst. The bucket rejects more than the excess over the rate, since tokens that arrive at a full bucket
//! are lost.

/// Share of the arrivals that a bucket of `burst` tokens rejects, which gets `per_s` tokens per second.
///
/// It follows from the chain of an M/G/1/K queue embedded at departures (Cooper, Introduction to Queueing Theory, 2nd ed.
/// 1981, section 5.9): with its share of empty departures `p0` and the load `ρ`, it is `1 − 1 / (p0 + ρ)`.
fn rejected(arrivals_per_s: f64, per_s: f64, burst: usize) -> f64 {
    let load = arrivals_per_s / per_s;
    // Arrivals during the time of a token: Poisson.
    let arrivals: Vec<f64> = (0..burst)
        .scan((-load).exp(), |share, count| {
            let own = *share;
            *share *= load / (count as f64 + 1.0);
            Some(own)
        })
        .collect();
    // Unnormalized, from one state to the next.
    let mut states = vec![1.0];
    for state in 0..burst - 1 {
        let come: f64 = (1..=state)
            .map(|from| states[from] * arrivals[state + 1 - from])
            .sum();
        states.push((states[state] - states[0] * arrivals[state] - come) / arrivals[0]);
    }
    let empty = states[0] / states.iter().sum::<f64>();
    1.0 - 1.0 / (empty + load)
}

/// Arrivals per second of which a bucket rejects this share.
pub(super) fn breaks_at(share: f64, per_s: f64, burst: usize) -> f64 {
    let (mut low, mut high) = (0.0, per_s / (1.0 - share));
    while high - low > 1e-9 * per_s {
        let middle = f64::midpoint(low, high);
        if rejected(middle, per_s, burst) > share {
            high = middle;
        } else {
            low = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use brunt_testbed::queue_simulation::{Arrivals, Gaps, Queue, ServiceDistribution};

    use super::*;

    #[test]
    fn token_bucket_rejects_the_share_of_the_formula() {
        let (per_s, burst) = (500.0, 20.0);
        for arrivals_per_s in [450.0, 521.0, 600.0] {
            let mut queue = Queue::new(ServiceDistribution::TokenBucket { per_s, burst }, 3);
            let arrivals = Arrivals::steady(arrivals_per_s, 4_000.0, Gaps::Poisson, 11);
            let (mut all, mut failed) = (0.0, 0.0);
            for at_s in arrivals {
                all += 1.0;
                failed += if queue.serve(at_s).failed { 1.0 } else { 0.0 };
            }
            let (simulated, share) = (failed / all, rejected(arrivals_per_s, per_s, 20));
            assert!(
                (simulated - share).abs() < 0.002,
                "{arrivals_per_s}: {simulated}, {share}"
            );
        }
    }

    #[test]
    fn lost_tokens_lower_the_breaking_point() {
        let breaks_at = |burst| breaks_at(0.05, 500.0, burst);
        assert!((breaks_at(20) - 521.0).abs() < 0.1, "{}", breaks_at(20));
        // A bucket that is never full loses none.
        assert!(
            (breaks_at(200) - 500.0 / 0.95).abs() < 0.01,
            "{}",
            breaks_at(200)
        );
        assert!(breaks_at(1) < breaks_at(20));
    }
}
