//! Tests of a proportion: whether the proportion of requests that miss a threshold is below a limit. Both percentiles
//! and error rates are decided by it: "p99 under 500 ms" means that fewer than 1 % take longer.
//!
//! A pass needs as many requests as it takes to distinguish the limit from a run without misses; a fail needs no
//! minimum, only that chance does not explain it.

use crate::stats::batch_means::ProportionEstimate;

/// The one-sided risk of a wrong decision.
pub(crate) const RISK: f64 = 0.05;
/// The largest factor by which a run is extended; beyond, its value is at the limit.
const TIMES_MAX: f64 = 1_000.0;

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Decision {
    Kept,
    Broken,
    /// The factor by which the run would have to be longer, as far as it can be estimated.
    Open {
        times: f64,
    },
}

/// One-sided risks of the two wrong decisions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Risks {
    /// Of calling a limit kept.
    pub(crate) kept: f64,
    /// Of calling it broken.
    pub(crate) broken: f64,
}

/// Tests whether a limit is kept. It is kept if chance explains no proportion above it, and broken if chance explains
/// none below it, each with its risk. A run that is too short compared with its own fluctuations can only show that a
/// limit is broken.
///
/// A limit of 0 describes only the requests of this run: it is kept if none of them missed the threshold.
pub(crate) fn decide(seen: &ProportionEstimate, limit: f64, risks: Risks) -> Decision {
    if limit <= 0.0 {
        return if seen.share > 0.0 {
            Decision::Broken
        } else {
            Decision::Kept
        };
    }
    if seen.is_over(limit, risks.broken) {
        return Decision::Broken;
    }
    if seen.is_long_enough && seen.is_under(limit, risks.kept) {
        return Decision::Kept;
    }
    Decision::Open {
        times: times_longer(seen, limit, risks.kept.min(risks.broken)),
    }
}

/// The factor by which a run that continues like this one would have to be longer.
pub(crate) fn times_longer(seen: &ProportionEstimate, limit: f64, risk: f64) -> f64 {
    let decides = |times: f64| {
        let longer = ProportionEstimate {
            effective_size: seen.effective_size * times,
            ..*seen
        };
        if seen.share < limit {
            longer.is_under(limit, risk)
        } else {
            longer.is_over(limit, risk)
        }
    };
    let mut times = 1.0;
    while !decides(times) && times < TIMES_MAX {
        times *= 1.1;
    }
    times.min(TIMES_MAX)
}

/// The number of requests without a miss from which a service at the limit is unlikely to show none: (1 − limit)ⁿ ≤
/// 0.05, so n ≥ ln 0.05 / ln (1 − limit).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a quotient of two negative logarithms; a limit near 0 saturates"
)]
pub(crate) fn requests_needed(limit: f64) -> u64 {
    ((RISK.ln() / (-limit).ln_1p()).ceil() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: [f64; 4] = [0.5, 0.05, 0.01, 0.001];

    fn decided(seen: &ProportionEstimate, limit: f64) -> Decision {
        let (kept, broken) = (RISK, RISK);
        decide(seen, limit, Risks { kept, broken })
    }

    fn seen(requests: u64, missing: u64) -> ProportionEstimate {
        ProportionEstimate {
            share: missing as f64 / requests as f64,
            effective_size: requests as f64,
            is_long_enough: true,
            is_settled: true,
        }
    }

    fn is_open(decision: Decision) -> bool {
        matches!(decision, Decision::Open { .. })
    }

    #[test]
    fn requests_needed_to_pass_depend_on_the_limit() {
        assert_eq!(LIMITS.map(requests_needed), [5, 59, 299, 2_995]);
        for limit in LIMITS {
            let needed = requests_needed(limit);
            assert_eq!(decided(&seen(needed, 0), limit), Decision::Kept);
            assert!(is_open(decided(&seen(needed - 1, 0), limit)), "{limit}");
        }
    }

    #[test]
    fn few_requests_fail_if_chance_does_not_explain_it() {
        for (requests, missing, limit, is_broken) in [
            (50, 50, 0.01, true),
            (50, 1, 0.01, false),
            (50, 2, 0.01, false),
            (50, 3, 0.01, true),
            (1, 1, 0.01, true),
            (1, 1, 0.5, false),
            (4, 4, 0.5, false),
            (100, 1, 0.001, false),
            (10, 1, 0.001, true),
        ] {
            let decision = decided(&seen(requests, missing), limit);
            let name = format!("{missing} of {requests} at limit {limit}: {decision:?}");
            assert_eq!(decision == Decision::Broken, is_broken, "{name}");
            assert_eq!(is_open(decision), !is_broken, "{name}");
        }
    }

    #[test]
    fn limit_of_zero_is_kept_without_misses() {
        assert_eq!(decided(&seen(10, 0), 0.0), Decision::Kept);
        assert_eq!(decided(&seen(1_000_000, 1), 0.0), Decision::Broken);
    }

    #[test]
    fn run_that_is_too_short_shows_only_broken_limits() {
        let short = |missing| ProportionEstimate {
            is_long_enough: false,
            ..seen(1_000, missing)
        };
        assert!(is_open(decided(&short(0), 0.05)));
        assert_eq!(decided(&short(900), 0.05), Decision::Broken);
    }

    #[test]
    fn proportion_near_the_limit_needs_a_longer_run() {
        let times = |missing| match decided(&seen(1_000, missing), 0.05) {
            Decision::Open { times } => times,
            _ => 0.0,
        };
        assert!((1.0..3.0).contains(&times(40)), "{}", times(40));
        assert!((5.0..30.0).contains(&times(47)), "{}", times(47));
        assert!((5.0..30.0).contains(&times(54)), "{}", times(54));
        assert!(times(50) >= TIMES_MAX);
        assert!(times(20) + times(80) < 1.0);
    }
}
