//! Shares: whether the share of requests that miss a threshold is under a limit. Percentiles and
//! error rates are both decided here: "p99 under 500 ms" says that fewer than 1 % take longer.
//!
//! A pass needs as many requests as could tell the limit from a clean run by chance; a fail needs no
//! number, only that chance does not explain it.

use crate::stats::batch_means::ProportionEstimate;

/// The risk of a wrong answer, one-sided.
pub(crate) const RISK: f64 = 0.05;
/// A run that would have to be longer than this is at its limit.
const TIMES_MAX: f64 = 1_000.0;

/// What a share says of its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Decision {
    Kept,
    Broken,
    /// The run would have to be so many times as long, about, as far as can be told.
    Open {
        times: f64,
    },
}

/// The risks of the two wrong answers, one-sided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Risks {
    /// That a limit is kept.
    pub(crate) kept: f64,
    /// That it is broken.
    pub(crate) broken: f64,
}

/// Decides whether the limit is kept: where chance explains no share over it, kept; where chance
/// explains none under it, broken; each but for its risk. A run that is too short for its own ups
/// and downs shows only what is broken.
///
/// A limit of 0 speaks of the requests of this run alone: it is kept where none of them missed.
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

/// How many times as long a run would have to be that goes on like this one.
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
    fn so_many_requests_are_needed_to_pass() {
        assert_eq!(LIMITS.map(requests_needed), [5, 59, 299, 2_995]);
        for limit in LIMITS {
            let needed = requests_needed(limit);
            assert_eq!(decided(&seen(needed, 0), limit), Decision::Kept);
            assert!(is_open(decided(&seen(needed - 1, 0), limit)), "{limit}");
        }
    }

    #[test]
    fn few_requests_fail_where_chance_does_not_explain_it() {
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
    fn a_limit_of_none_is_kept_by_none() {
        assert_eq!(decided(&seen(10, 0), 0.0), Decision::Kept);
        assert_eq!(decided(&seen(1_000_000, 1), 0.0), Decision::Broken);
    }

    #[test]
    fn a_run_that_is_too_short_shows_only_what_is_broken() {
        let short = |missing| ProportionEstimate {
            is_long_enough: false,
            ..seen(1_000, missing)
        };
        assert!(is_open(decided(&short(0), 0.05)));
        assert_eq!(decided(&short(900), 0.05), Decision::Broken);
    }

    #[test]
    fn what_is_near_the_limit_needs_a_longer_run_and_what_is_far_none() {
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
