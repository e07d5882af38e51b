//! A group-sequential test of two builds that run alternately on one machine, pair by pair, until it is decided
//! whether the second is worse. Noise of the machine affects both.
//!
//! There are several looks, so the risk is spent over them: in proportion to the used part of the limit (Lan and
//! `DeMets`, Biometrika 70, 1983; the power family of Kim and `DeMets`, Biometrika 74, 1987, with ρ = 1). Each look
//! has an interval with its part of the risk, so that all of them together stay within the total, however they depend
//! on each other (Bonferroni). The interval of the last look is the one that is shown, and the one that decides.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::comparison::metric::ComparedMetric;
use crate::comparison::outcome::{Change, ChangeInterval, Outcome, Tolerance};
use crate::stats::signed_rank;

/// The risk of calling a build worse that is slower by just the tolerance, over all looks.
const RISK_WORSE: f64 = 0.01;
/// The risk of calling a build not worse that is slower by just the tolerance.
const RISK_FINE: f64 = 0.05;
/// Pairs before the first look: fewer have too few signs for a decision.
pub const FIRST_LOOK: usize = 10;
/// The factor from one look to the next.
const LOOK_AGAIN: f64 = 1.25;

/// A build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The current one.
    A,
    /// The one that may be worse.
    B,
}

/// The order of a pair: AB or BA, by a fair coin for each pair, so that four consecutive blocks are ABBA or BAAB as
/// often as not. Independent coins make the sign-flip test exact, whatever the machine does. If two pairs shared one,
/// as in a fixed ABBA, noise that affects both would count twice.
pub fn order(pair: usize, seed: u64) -> [Side; 2] {
    let salt = (pair as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ salt);
    let is_turned: bool = random.random();
    if is_turned {
        [Side::B, Side::A]
    } else {
        [Side::A, Side::B]
    }
}

/// The amount by which B was worse than A in a pair, as a logarithm: above zero is worse. `None` if either is not
/// above zero, so that there is no ratio. For error rates, which may be zero, in percentage points.
pub fn difference(measured: ComparedMetric, a: f64, b: f64) -> Option<f64> {
    if measured == ComparedMetric::ErrorRate {
        return Some(b - a);
    }
    let ratio = (a > 0.0 && b > 0.0).then(|| b / a)?;
    ratio.is_finite().then(|| ratio.ln() * measured.worse())
}

/// The limit of a test, decided or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Number of pairs.
    pub pairs: usize,
    /// Duration, in seconds.
    pub seconds: f64,
}

/// The decision of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestDecision {
    /// B is significantly worse, by more than the tolerance.
    Worse,
    /// B is significantly not worse.
    NotWorse,
    /// Not decided yet.
    Continue,
    /// Not decided at the limit.
    NotEnoughData,
}

/// A sequential test of one metric.
#[derive(Debug, Clone)]
pub struct SequentialTest {
    measured: ComparedMetric,
    tolerance: Tolerance,
    limit: Limit,
    tested: f64,
    differences: Vec<f64>,
    seconds: f64,
    next_look: usize,
    spent: f64,
    looks: Vec<Look>,
    decision: TestDecision,
}

/// The result of a look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// The number of pairs.
    pub pairs: usize,
    /// The change, with the interval that decides.
    pub change: Change,
}

impl SequentialTest {
    /// Creates a test that tolerates differences of `theta`, a proportion. If several metrics are tested in parallel,
    /// `tested` is their number, and the risk is divided among them.
    pub fn new(theta: f64, limit: Limit, tested: usize) -> Self {
        Self::of(ComparedMetric::P95, Tolerance::Share(theta), limit, tested)
    }

    /// The same for any metric.
    pub(crate) fn of(
        measured: ComparedMetric,
        tolerance: Tolerance,
        limit: Limit,
        tested: usize,
    ) -> Self {
        Self {
            measured,
            tolerance,
            limit,
            tested: tested.max(1) as f64,
            differences: Vec::new(),
            seconds: 0.0,
            next_look: FIRST_LOOK,
            spent: 0.0,
            looks: Vec::new(),
            decision: TestDecision::Continue,
        }
    }

    /// Adds a pair, by its [`difference`], with its duration; returns the decision. Once it is made, further pairs do
    /// not change it.
    pub fn add(&mut self, difference: f64, seconds: f64) -> TestDecision {
        self.differences.push(difference);
        self.seconds += seconds;
        if self.decision != TestDecision::Continue {
            return self.decision;
        }
        let used = self.used();
        if self.differences.len() >= self.next_look || used >= 1.0 {
            self.decision = self.look(used);
            self.next_look = next_look(self.differences.len());
        }
        self.decision
    }

    /// The decision.
    pub fn decision(&self) -> TestDecision {
        self.decision
    }

    /// Number of pairs.
    pub fn pairs(&self) -> usize {
        self.differences.len()
    }

    /// All looks, in order.
    pub(crate) fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// The last look; before the first one, the change of all pairs so far, without an interval.
    pub(crate) fn last(&self) -> Option<Look> {
        let last = self.looks.last().copied();
        last.or_else(|| {
            let middle = signed_rank::hodges_lehmann(&self.differences)?;
            Some(Look {
                pairs: self.differences.len(),
                change: change(self.measured, middle, ChangeInterval::UNKNOWN),
            })
        })
    }

    /// The used part of the limit (0 to 1).
    fn used(&self) -> f64 {
        let pairs = self.differences.len() as f64 / self.limit.pairs.max(1) as f64;
        pairs.max(self.seconds / self.limit.seconds).clamp(0.0, 1.0)
    }

    /// A look at which not even pairs with equal signs could decide is skipped, and spends nothing.
    fn look(&mut self, used: f64) -> TestDecision {
        let part = (used - self.spent) / self.tested;
        if signed_rank::smallest_p_value(self.differences.len()) <= RISK_FINE * part {
            self.spent = used;
            let risks = [RISK_WORSE * part, RISK_FINE * part];
            self.looks.extend(
                signed_rank::location(&self.differences, risks).map(|location| Look {
                    pairs: self.differences.len(),
                    change: change_of(self.measured, location),
                }),
            );
        }
        let outcome = self.looks.last().map_or(Outcome::NotEnoughData, |look| {
            look.change.outcome(self.measured, self.tolerance)
        });
        match outcome {
            Outcome::Worse => TestDecision::Worse,
            Outcome::Better | Outcome::Same | Outcome::NotWorse => TestDecision::NotWorse,
            Outcome::NotEnoughData if used >= 1.0 => TestDecision::NotEnoughData,
            Outcome::NotEnoughData => TestDecision::Continue,
        }
    }
}

/// The change that corresponds to differences of pairs.
pub(crate) fn change_of(
    measured: ComparedMetric,
    location: signed_rank::LocationEstimate,
) -> Change {
    let ends = ChangeInterval {
        low: location.low,
        high: location.high,
    };
    change(measured, location.estimate, ends)
}

/// Converts a difference, of which higher is worse, to a change of the values.
fn change(measured: ComparedMetric, middle: f64, turned: ChangeInterval) -> Change {
    let worse = measured.worse();
    let ends = if worse < 0.0 {
        turned.negated()
    } else {
        turned
    };
    if measured == ComparedMetric::ErrorRate {
        return Change::Points {
            by: middle * worse,
            interval: ends,
        };
    }
    Change::Ratio {
        ratio: (middle * worse).exp(),
        interval: ends.map(f64::exp),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of pairs, times little more than one"
)]
fn next_look(pairs: usize) -> usize {
    (pairs as f64 * LOOK_AGAIN).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        pairs: 60,
        seconds: 600.0,
    };

    /// Adds pairs with this difference and some noise.
    fn play(difference: f64, noise: f64) -> (TestDecision, usize) {
        let mut sequential_test = SequentialTest::new(0.02, LIMIT, 1);
        for at in 0..100usize {
            let wobble = (at * 7_919 % 101) as f64 / 50.0 - 1.0;
            if sequential_test.add(difference + noise * wobble, 10.0) != TestDecision::Continue {
                break;
            }
        }
        (sequential_test.decision(), sequential_test.pairs())
    }

    #[test]
    fn clear_difference_is_decided_soon_and_borderline_never() {
        assert_eq!(play(0.1, 0.01), (TestDecision::Worse, 10));
        assert_eq!(play(0.0, 0.01), (TestDecision::NotWorse, 10));
        assert_eq!(play(0.05, 0.1).0, TestDecision::Worse);
        assert_eq!(play(0.02, 0.01), (TestDecision::NotEnoughData, 60));
    }

    #[test]
    fn duration_limit_ends_the_test() {
        let mut sequential_test = SequentialTest::new(0.02, LIMIT, 1);
        assert_eq!(sequential_test.add(0.1, 300.0), TestDecision::Continue);
        assert_eq!(sequential_test.add(0.1, 300.0), TestDecision::NotEnoughData);
    }

    #[test]
    fn several_metrics_divide_the_risk() {
        let first = |tested| {
            let mut sequential_test = SequentialTest::new(0.02, LIMIT, tested);
            (0..10).for_each(|_| {
                sequential_test.add(0.1, 10.0);
            });
            sequential_test.decision()
        };
        assert_eq!(
            (first(1), first(8)),
            (TestDecision::Worse, TestDecision::Continue)
        );
    }

    #[test]
    fn each_pair_has_its_own_order() {
        let turned = |pair: usize| order(pair, 5)[0] == Side::B;
        let count = (0..400).filter(|pair| turned(*pair)).count();
        let alike = (0..399).filter(|pair| turned(*pair) == turned(pair + 1));
        let alike = alike.count();
        assert!((160..240).contains(&count), "{count}");
        assert!((160..240).contains(&alike), "{alike}");
        assert!((0..400).all(|pair| order(pair, 5) == order(pair, 5)));
    }

    #[test]
    fn difference_is_positive_if_worse_in_either_direction() {
        assert!(difference(ComparedMetric::P95, 10.0, 11.0).is_some_and(|d| d > 0.09));
        assert!(difference(ComparedMetric::Throughput, 10.0, 11.0).is_some_and(|d| d < -0.09));
        assert_eq!(difference(ComparedMetric::P95, 0.0, 11.0), None);
        assert_eq!(difference(ComparedMetric::ErrorRate, 0.0, 2.5), Some(2.5));
    }
}
