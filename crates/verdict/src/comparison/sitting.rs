//! A sitting: two builds played in turns on one machine, pair by pair, until it is known whether the
//! second is worse. What the machine does meanwhile, both feel.
//!
//! It is looked at more than once, so the risk is spent over the looks: in proportion to the part of the
//! limit that is used up (Lan and `DeMets`, Biometrika 70, 1983; the power family of Kim and `DeMets`,
//! Biometrika 74, 1987, with ρ = 1), and each look is tested with what it may spend, so that all of them together stay below
//! the whole, however they depend on each other (Bonferroni).

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Measured, flips};
use crate::Interval;

/// The risk of calling a build worse that is slower by just what is allowed, over all looks.
const RISK_WORSE: f64 = 0.01;
/// The risk of calling a build fine that is.
const RISK_FINE: f64 = 0.05;
/// The risk of each end of the interval that is shown.
const RISK_OF_END: f64 = 0.025;
/// The first look is after so many pairs: fewer have too few signs to tell.
const FIRST_LOOK: usize = 10;
/// Each further look is after so many times as many.
const LOOK_AGAIN: f64 = 1.25;
/// Logarithms of ratios lie between these; how often they are halved.
const FAR: f64 = 5.0;
const HALVINGS: u32 = 30;

/// Which build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is.
    A,
    /// What may be worse.
    B,
}

/// In which order a pair is played: two pairs are ABBA or BAAB, as a coin says, so that what drifts evenly
/// is felt by both alike.
pub fn order(pair: usize, seed: u64) -> [Side; 2] {
    let four = (pair / 2) as u64;
    let salt = four.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ salt);
    let is_turned: bool = random.random();
    if is_turned == pair.is_multiple_of(2) {
        [Side::B, Side::A]
    } else {
        [Side::A, Side::B]
    }
}

/// How much worse B was than A in a pair, as a logarithm: over zero is worse. `None` where either is not above
/// zero, so that there is no ratio.
pub fn difference(measured: Measured, a: f64, b: f64) -> Option<f64> {
    let ratio = (a > 0.0 && b > 0.0).then(|| b / a)?;
    ratio.is_finite().then(|| ratio.ln() * measured.worse())
}

/// When a sitting ends, whether it is known or not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// After so many pairs.
    pub pairs: usize,
    /// After so many seconds.
    pub seconds: f64,
}

/// What is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// B is worse by more than is allowed, beyond chance.
    Worse,
    /// B is not, beyond chance.
    Fine,
    /// Not known yet.
    GoOn,
    /// Not known at the limit.
    NotEnoughData,
}

/// The pairs so far, of one measure, and what they tell.
#[derive(Debug, Clone)]
pub struct Sitting {
    margin: f64,
    limit: Limit,
    tested: f64,
    seed: u64,
    differences: Vec<f64>,
    seconds: f64,
    next_look: usize,
    spent: f64,
    answer: Answer,
}

impl Sitting {
    /// A sitting in which a difference by less than `theta`, a share, is none. Where several measures are
    /// asked beside each other, `tested` is how many, and each has its part of the risk.
    pub fn new(theta: f64, limit: Limit, tested: usize, seed: u64) -> Self {
        Self {
            margin: theta.ln_1p(),
            limit,
            tested: tested.max(1) as f64,
            seed,
            differences: Vec::new(),
            seconds: 0.0,
            next_look: FIRST_LOOK,
            spent: 0.0,
            answer: Answer::GoOn,
        }
    }

    /// Takes in a pair, by its [`difference`], with the time that it took; and says what is known. Once it is,
    /// further pairs change nothing.
    pub fn add(&mut self, difference: f64, seconds: f64) -> Answer {
        if self.answer != Answer::GoOn {
            return self.answer;
        }
        self.differences.push(difference);
        self.seconds += seconds;
        let used = self.used();
        if self.differences.len() >= self.next_look || used >= 1.0 {
            self.answer = self.look(used);
            self.next_look = next_look(self.differences.len());
        }
        self.answer
    }

    /// What is known.
    pub fn answer(&self) -> Answer {
        self.answer
    }

    /// How many pairs there are.
    pub fn pairs(&self) -> usize {
        self.differences.len()
    }

    /// The part of the limit that is used up (0 to 1).
    fn used(&self) -> f64 {
        let pairs = self.differences.len() as f64 / self.limit.pairs.max(1) as f64;
        pairs.max(self.seconds / self.limit.seconds).clamp(0.0, 1.0)
    }

    fn look(&mut self, used: f64) -> Answer {
        let part = (used - self.spent) / self.tested;
        self.spent = used;
        let chances = flips::chances(&self.beyond(self.margin), self.seed_of_look());
        if chances.as_large <= RISK_WORSE * part {
            Answer::Worse
        } else if chances.as_small <= RISK_FINE * part {
            Answer::Fine
        } else if used >= 1.0 {
            Answer::NotEnoughData
        } else {
            Answer::GoOn
        }
    }

    fn seed_of_look(&self) -> u64 {
        self.seed ^ self.differences.len() as u64
    }

    fn beyond(&self, margin: f64) -> Vec<f64> {
        let all = self.differences.iter();
        all.map(|difference| difference - margin).collect()
    }

    /// How much worse B is: the ratio of a usual pair (Hodges and Lehmann, 1963), over 1 is worse; with the
    /// ratios that the sign-flip test does not rule out, 95 % as of a single look. `None` before the first.
    pub fn ratio(&self) -> Option<(f64, Interval)> {
        if self.differences.len() < FIRST_LOOK {
            return None;
        }
        let seed = self.seed_of_look();
        let chances = |margin: f64| flips::chances(&self.beyond(margin), seed);
        let low = edge(|margin| chances(margin).as_large <= RISK_OF_END);
        let high = edge(|margin| chances(margin).as_small > RISK_OF_END);
        let interval = Interval {
            low: low.exp(),
            high: Some(high.exp()),
        };
        Some((usual(&self.differences).exp(), interval))
    }
}

/// The median of the means of each two, and of each alone.
fn usual(differences: &[f64]) -> f64 {
    let pairs = differences.iter().enumerate();
    let mut means: Vec<f64> = pairs
        .flat_map(|(at, one)| {
            differences[at..]
                .iter()
                .map(|other| f64::midpoint(*one, *other))
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let half = means.len() / 2;
    f64::midpoint(means[half], means[(means.len() - 1) / 2])
}

/// Where something ends that is so from far below on.
fn edge(is_so: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (-FAR, FAR);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if is_so(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
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

    /// Plays pairs whose difference is this, up and down by a little.
    fn play(difference: f64, noise: f64) -> (Answer, usize) {
        let mut sitting = Sitting::new(0.02, LIMIT, 1, 3);
        for at in 0..100usize {
            let wobble = (at * 7_919 % 101) as f64 / 50.0 - 1.0;
            if sitting.add(difference + noise * wobble, 10.0) != Answer::GoOn {
                break;
            }
        }
        (sitting.answer(), sitting.pairs())
    }

    #[test]
    fn what_is_clear_is_known_soon_and_what_is_not_never() {
        assert_eq!(play(0.1, 0.01), (Answer::Worse, 10));
        assert_eq!(play(0.0, 0.01), (Answer::Fine, 10));
        assert_eq!(play(0.05, 0.1).0, Answer::Worse);
        assert_eq!(play(0.02, 0.01), (Answer::NotEnoughData, 60));
    }

    #[test]
    fn time_ends_a_sitting_too() {
        let mut sitting = Sitting::new(0.02, LIMIT, 1, 3);
        assert_eq!(sitting.add(0.1, 300.0), Answer::GoOn);
        assert_eq!(sitting.add(0.1, 300.0), Answer::NotEnoughData);
        assert_eq!(sitting.ratio(), None);
    }

    #[test]
    fn several_measures_share_the_risk() {
        let first = |tested| {
            let mut sitting = Sitting::new(0.02, LIMIT, tested, 3);
            (0..10).for_each(|_| {
                sitting.add(0.1, 10.0);
            });
            sitting.answer()
        };
        assert_eq!((first(1), first(8)), (Answer::Worse, Answer::GoOn));
    }

    #[test]
    fn four_blocks_in_a_row_feel_a_drift_alike() {
        let mut turned = 0;
        for pair in (0..400).step_by(2) {
            let (first, second) = (order(pair, 5), order(pair + 1, 5));
            assert_eq!([first[0], first[1]], [second[1], second[0]]);
            turned += usize::from(first[0] == Side::B);
        }
        assert!((70..130).contains(&turned), "{turned}");
    }

    #[test]
    fn worse_is_over_zero_whichever_way_it_is() {
        assert!(difference(Measured::P95, 10.0, 11.0).is_some_and(|d| d > 0.09));
        assert!(difference(Measured::Throughput, 10.0, 11.0).is_some_and(|d| d < -0.09));
        assert_eq!(difference(Measured::P95, 0.0, 11.0), None);
    }

    #[test]
    fn the_interval_is_about_the_usual_pair() {
        let mut sitting = Sitting::new(0.02, LIMIT, 1, 3);
        for at in 0..12 {
            sitting.add(if at % 2 == 0 { 0.0 } else { 0.04 }, 10.0);
        }
        let (ratio, interval) = sitting.ratio().unwrap();
        assert!((ratio.ln() - 0.02).abs() < 1e-9);
        let high = interval.high.unwrap();
        assert!((0.98..1.02).contains(&interval.low) && (1.02..1.06).contains(&high));
    }
}
