//! Shares: whether the share of requests that miss a threshold is under a limit. Percentiles and
//! error rates are both decided here: "p99 under 500 ms" says that fewer than 1 % take longer.
//!
//! A pass needs as many requests as could tell the limit from a clean run by chance; a fail needs no
//! number, only that chance does not explain it.

/// The risk of a wrong answer, one-sided.
const RISK: f64 = 0.05;

/// What was seen of a share, and its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share {
    /// Requests that count.
    pub(crate) requests: u64,
    /// Those that miss the threshold.
    pub(crate) missing: u64,
    /// The share of them (0 to 1) that may.
    pub(crate) limit: f64,
    /// Whether the share that was seen keeps the limit.
    pub(crate) is_kept: bool,
}

/// What a share says of its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Kept,
    Broken,
    /// Too few requests to tell: so many are needed.
    TooFew {
        needed: u64,
    },
}

/// Decides whether the limit is kept. With enough requests for a pass, by the share that was seen;
/// with fewer, the limit is broken where so many misses are too unlikely to come by chance from a
/// service that keeps it (exact binomial, one-sided, 95 %), and open otherwise.
///
/// A limit of 0 speaks of the requests of this run alone: it is kept where none of them missed.
pub(crate) fn decide(share: &Share) -> Decision {
    if share.limit <= 0.0 && share.requests > 0 {
        return verdict(share.missing == 0);
    }
    let needed = requests_needed(share.limit);
    if share.requests >= needed {
        return verdict(share.is_kept);
    }
    if share.missing > 0 && at_least(share.missing, share.requests, share.limit) <= RISK {
        return Decision::Broken;
    }
    Decision::TooFew { needed }
}

fn verdict(is_kept: bool) -> Decision {
    if is_kept {
        Decision::Kept
    } else {
        Decision::Broken
    }
}

/// How many requests without a miss it takes until a service that just breaks the limit is unlikely
/// to show none: (1 − limit)ⁿ ≤ 0.05, so n ≥ ln 0.05 / ln (1 − limit).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a quotient of two negative logarithms; a limit near 0 saturates"
)]
pub(crate) fn requests_needed(limit: f64) -> u64 {
    ((RISK.ln() / (-limit).ln_1p()).ceil() as u64).max(1)
}

/// The chance of at least `k` misses among `n` requests that miss with probability `p` each
/// (0 < p < 1).
fn at_least(k: u64, n: u64, p: f64) -> f64 {
    // Summed from the largest term outwards, so that nothing of weight underflows.
    if k as f64 > n as f64 * p {
        let odds = p / (1.0 - p);
        let terms = (k..n).scan(chance_of(k, n, p), |term, i| {
            *term *= (n - i) as f64 / (i + 1) as f64 * odds;
            Some(*term)
        });
        return chance_of(k, n, p) + sum_of_falling(terms);
    }
    let Some(below) = k.checked_sub(1) else {
        return 1.0;
    };
    let odds = (1.0 - p) / p;
    let terms = (1..=below).rev().scan(chance_of(below, n, p), |term, i| {
        *term *= i as f64 / (n - i + 1) as f64 * odds;
        Some(*term)
    });
    1.0 - (chance_of(below, n, p) + sum_of_falling(terms))
}

/// The sum of terms that fall ever faster, without those too small to count.
fn sum_of_falling(terms: impl Iterator<Item = f64>) -> f64 {
    terms.take_while(|term| *term > 1e-18).sum()
}

/// The chance of exactly `k` misses among `n`.
fn chance_of(k: u64, n: u64, p: f64) -> f64 {
    let few = k.min(n - k);
    let ln_ways: f64 = (1..=few)
        .map(|i| ((n - few + i) as f64 / i as f64).ln())
        .sum();
    (ln_ways + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: [f64; 4] = [0.5, 0.05, 0.01, 0.001];

    fn share(requests: u64, missing: u64, limit: f64) -> Share {
        Share {
            requests,
            missing,
            limit,
            is_kept: missing as f64 <= limit * requests as f64,
        }
    }

    /// How likely a rule is to say `wanted` of a service whose requests miss with probability `p`.
    fn how_often(
        rule: impl Fn(&Share) -> Decision,
        wanted: Decision,
        requests: u64,
        limit: f64,
        p: f64,
    ) -> f64 {
        (0..=requests)
            .filter(|missing| rule(&share(requests, *missing, limit)) == wanted)
            .map(|missing| chance_of(missing, requests, p))
            .sum()
    }

    /// The rule that we do not want: the share that was seen, however few requests it was seen in.
    fn naive(share: &Share) -> Decision {
        verdict(share.is_kept)
    }

    #[test]
    fn so_many_requests_are_needed_to_pass() {
        let needed = LIMITS.map(requests_needed);
        assert_eq!(needed, [5, 59, 299, 2_995]);
        for limit in LIMITS {
            let needed = requests_needed(limit);
            let clean = |n| 1.0 - at_least(1, n, limit);
            assert!(
                clean(needed) <= RISK && clean(needed - 1) > RISK,
                "limit {limit}"
            );
            assert_eq!(decide(&share(needed, 0, limit)), Decision::Kept);
            assert_eq!(
                decide(&share(needed - 1, 0, limit)),
                Decision::TooFew { needed }
            );
        }
    }

    #[test]
    fn few_requests_fail_where_chance_does_not_explain_it() {
        for (requests, missing, limit, expected) in [
            (50, 50, 0.01, Decision::Broken),
            (50, 1, 0.01, Decision::TooFew { needed: 299 }),
            (50, 2, 0.01, Decision::TooFew { needed: 299 }),
            (50, 3, 0.01, Decision::Broken),
            (1, 1, 0.01, Decision::Broken),
            (1, 1, 0.5, Decision::TooFew { needed: 5 }),
            (4, 4, 0.5, Decision::TooFew { needed: 5 }),
            (100, 1, 0.001, Decision::TooFew { needed: 2_995 }),
            (10, 1, 0.001, Decision::Broken),
            (0, 0, 0.01, Decision::TooFew { needed: 299 }),
        ] {
            let decision = decide(&share(requests, missing, limit));
            assert_eq!(
                decision, expected,
                "{missing} of {requests} at limit {limit}"
            );
        }
    }

    #[test]
    fn a_limit_of_none_is_kept_by_none() {
        assert_eq!(decide(&share(10, 0, 0.0)), Decision::Kept);
        assert_eq!(decide(&share(1_000_000, 1, 0.0)), Decision::Broken);
    }

    #[test]
    fn a_service_at_its_limit_seldom_fails_on_few_requests_and_the_naive_rule_is_caught() {
        for limit in LIMITS {
            let needed = requests_needed(limit);
            for requests in [1, 2, 4, 10, 50, 200, 1_000, 2_994] {
                if requests >= needed {
                    continue;
                }
                let wrong = how_often(decide, Decision::Broken, requests, limit, limit);
                assert!(
                    wrong <= RISK,
                    "{wrong} of runs of {requests} at limit {limit}"
                );
            }
        }
        let naive = how_often(naive, Decision::Broken, 50, 0.01, 0.01);
        assert!(naive > 0.35, "{naive}");
    }

    #[test]
    fn three_times_the_limit_seldom_passes_and_the_naive_rule_is_caught() {
        for limit in [0.05, 0.01, 0.001] {
            let needed = requests_needed(limit);
            for requests in [1, 50, needed - 1, needed, needed + 40, 2 * needed] {
                let wrong = how_often(decide, Decision::Kept, requests, limit, 3.0 * limit);
                assert!(
                    wrong <= RISK,
                    "{wrong} of runs of {requests} at limit {limit}"
                );
            }
        }
        let naive = how_often(naive, Decision::Kept, 50, 0.01, 0.03);
        assert!(naive > 0.2, "{naive}");
    }

    proptest! {
        #[test]
        fn chances_agree_with_counting_trial_by_trial(n in 1u64..80, k in 0u64..81, p in 0.001..0.999f64) {
            let k = k.min(n);
            let mut chances = vec![1.0];
            for _ in 0..n {
                let mut next = vec![0.0; chances.len() + 1];
                for (missing, chance) in chances.iter().enumerate() {
                    next[missing] += chance * (1.0 - p);
                    next[missing + 1] += chance * p;
                }
                chances = next;
            }
            let expected: f64 = chances[usize::try_from(k).unwrap()..].iter().sum();
            prop_assert!((at_least(k, n, p) - expected).abs() < 1e-9, "{} for {}", at_least(k, n, p), expected);
        }

        #[test]
        fn more_misses_are_never_better(n in 1u64..3_500, k in 0u64..60, limit in 0usize..4) {
            let k = k.min(n - 1);
            let decided = |missing| match decide(&share(n, missing, LIMITS[limit])) {
                Decision::Kept => 0,
                Decision::TooFew { .. } => 1,
                Decision::Broken => 2,
            };
            prop_assert!(decided(k) <= decided(k + 1));
        }
    }
}
