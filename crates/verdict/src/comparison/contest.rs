//! A contest: two builds beside each other in one sitting, in all that is asked of them. What is asked of all
//! requests decides, the rest is shown. Who plays the blocks is somebody else's.

use super::compare::theta_of;
use super::row::{Change, Outcome, Row};
use super::sitting::{Answer, Limit, Sitting, difference};
use super::{Figures, Measured, flips};
use crate::Interval;

/// The risk of each end of the interval that is shown.
const RISK_OF_END: f64 = 0.025;

/// Two builds, and what is asked of them.
#[derive(Debug, Clone)]
pub struct Contest {
    questions: Vec<Question>,
    limit: Limit,
    pairs: usize,
    left_out: usize,
    seconds: f64,
    /// Time that pairs took which were left out.
    lost_s: f64,
}

/// What came of a contest.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// All requests first, then each name: A is the baseline, B the run.
    pub rows: Vec<Row>,
    /// How many pairs of blocks tell it.
    pub pairs: usize,
    /// How many were left out, since brunt or its machine was in the way.
    pub left_out: usize,
    /// How long all of it took, in seconds.
    pub seconds: f64,
    /// What is known.
    pub answer: Answer,
    /// Of all requests, each measure of A and of B in each pair.
    pub values: Vec<(Measured, Vec<[f64; 2]>)>,
}

/// One measure of some requests, pair by pair.
#[derive(Debug, Clone)]
struct Question {
    name: Option<String>,
    measured: Measured,
    theta: f64,
    is_tested: bool,
    sitting: Sitting,
    a: Vec<f64>,
    b: Vec<f64>,
}

impl Contest {
    /// A contest of two builds, each of which has been tried: what both figures tell is asked. `tested` decide,
    /// of all requests. A difference by less than `theta`, a share, is none; unless it is set, that is 5 %, and
    /// 10 % of percentiles under a millisecond.
    pub fn new(
        [a, b]: [&Figures; 2],
        tested: &[Measured],
        theta: Option<f64>,
        limit: Limit,
    ) -> Self {
        // What both tell; of A, how much.
        let tried = |name: Option<&str>, measured: Measured| {
            value(b, name, measured).and_then(|_| value(a, name, measured))
        };
        let told = tested.iter().filter(|it| tried(None, **it).is_some());
        let count = told.count();
        let question = |name: Option<&str>, measured: Measured| {
            let tried = tried(name, measured)?;
            let theta = theta.unwrap_or_else(|| theta_of(measured, tried));
            Some(Question {
                name: name.map(str::to_owned),
                measured,
                theta,
                is_tested: name.is_none() && tested.contains(&measured),
                sitting: Sitting::of(measured, theta, limit, count),
                a: Vec::new(),
                b: Vec::new(),
            })
        };
        let names = a.rows.iter().map(|row| row.name.as_deref());
        let questions = names
            .flat_map(|name| {
                let measures = Measured::ALL.into_iter();
                measures
                    .filter_map(|measured| question(name, measured))
                    .collect::<Vec<_>>()
            })
            .collect();
        Self {
            questions,
            limit,
            pairs: 0,
            left_out: 0,
            seconds: 0.0,
            lost_s: 0.0,
        }
    }

    /// Takes in a pair of blocks with the time that it took, and says what is known.
    pub fn add(&mut self, a: &Figures, b: &Figures, seconds: f64) -> Answer {
        self.pairs += 1;
        self.seconds += seconds;
        let seconds = seconds + std::mem::take(&mut self.lost_s);
        for question in &mut self.questions {
            question.add(a, b, seconds);
        }
        self.answer()
    }

    /// Leaves out a pair in which brunt or its machine was in the way.
    pub fn leave_out(&mut self, seconds: f64) -> Answer {
        self.left_out += 1;
        self.seconds += seconds;
        self.lost_s += seconds;
        self.answer()
    }

    /// What is known: B is worse where it is in anything that is tested, and fine where it is in all of it.
    pub fn answer(&self) -> Answer {
        let mut answers = self.tested().map(|question| question.sitting.answer());
        let asks_nothing = answers.clone().next().is_none();
        let is_over = self.seconds >= self.limit.seconds || self.pairs >= self.limit.pairs;
        if answers.clone().any(|answer| answer == Answer::Worse) {
            Answer::Worse
        } else if !asks_nothing && answers.all(|answer| answer == Answer::Fine) {
            Answer::Fine
        } else if is_over || asks_nothing {
            Answer::NotEnoughData
        } else {
            Answer::GoOn
        }
    }

    /// How many pairs there are.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// What came of it so far. Where it ends here, what is not known yet will not be.
    pub fn played(&self) -> Played {
        let answer = match self.answer() {
            Answer::GoOn => Answer::NotEnoughData,
            answer => answer,
        };
        Played {
            rows: self.questions.iter().map(Question::row).collect(),
            pairs: self.pairs,
            left_out: self.left_out,
            seconds: self.seconds,
            answer,
            values: self.values(),
        }
    }

    fn values(&self) -> Vec<(Measured, Vec<[f64; 2]>)> {
        let of_all = self.questions.iter().filter(|it| it.name.is_none());
        let values = |it: &Question| it.a.iter().zip(&it.b).map(|(a, b)| [*a, *b]).collect();
        of_all.map(|it| (it.measured, values(it))).collect()
    }

    /// The rows that are tested, as they stand.
    pub fn tested_rows(&self) -> Vec<Row> {
        self.tested().map(Question::row).collect()
    }

    fn tested(&self) -> impl Iterator<Item = &Question> + Clone {
        self.questions.iter().filter(|question| question.is_tested)
    }
}

/// What one block tells of a measure.
fn value(figures: &Figures, name: Option<&str>, measured: Measured) -> Option<f64> {
    let series = figures.row(name)?.series(measured)?;
    series.blocks.first().copied().flatten()
}

impl Question {
    fn add(&mut self, a: &Figures, b: &Figures, seconds: f64) {
        let name = self.name.as_deref();
        let of = |figures: &Figures| value(figures, name, self.measured);
        let (Some(a), Some(b)) = (of(a), of(b)) else {
            return;
        };
        if let Some(difference) = difference(self.measured, a, b) {
            self.sitting.add(difference, seconds);
            self.a.push(a);
            self.b.push(b);
        }
    }

    fn row(&self) -> Row {
        let known = flips::usual(self.sitting.differences(), RISK_OF_END);
        Row {
            name: self.name.clone(),
            measured: self.measured,
            baseline: median(&self.a),
            run: median(&self.b),
            change: known.map(|(usual, ends)| self.change(usual, ends)),
            theta: self.theta,
            outcome: self.outcome(known.map(|(_, ends)| ends)),
            is_tested: self.is_tested,
        }
    }

    /// Turned back, so that it is that of the values, whichever way is worse.
    fn change(&self, usual: f64, (low, high): (f64, f64)) -> Change {
        let worse = self.measured.worse();
        let (usual, one, other) = (usual * worse, low * worse, high * worse);
        let (low, high) = (one.min(other), one.max(other));
        let interval = |low, high| Interval {
            low,
            high: Some(high),
        };
        match self.measured {
            Measured::ErrorRate => Change::Points {
                by: usual,
                interval: interval(low, high),
            },
            _ => Change::Ratio {
                ratio: usual.exp(),
                interval: interval(low.exp(), high.exp()),
            },
        }
    }

    /// What is tested is as its test says; of the rest the interval says it, as of a single look.
    fn outcome(&self, ends: Option<(f64, f64)>) -> Outcome {
        let margin = self.sitting.margin();
        let is_better = ends.is_some_and(|(_, high)| high < -margin);
        if self.is_tested {
            return match self.sitting.answer() {
                Answer::Worse => Outcome::Worse,
                Answer::Fine if is_better => Outcome::Better,
                Answer::Fine => Outcome::Same,
                Answer::GoOn | Answer::NotEnoughData => Outcome::NotEnoughData,
            };
        }
        match ends {
            Some((low, _)) if low > margin => Outcome::Worse,
            Some(_) if is_better => Outcome::Better,
            Some((low, high)) if low > -margin && high < margin => Outcome::Same,
            _ => Outcome::NotEnoughData,
        }
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    Some(f64::midpoint(
        *sorted.get(half)?,
        sorted[(sorted.len() - 1) / 2],
    ))
}

#[cfg(test)]
mod tests {
    use super::super::{Requests, Series};
    use super::*;

    const TESTED: [Measured; 5] = [
        Measured::Throughput,
        Measured::ErrorRate,
        Measured::P50,
        Measured::P95,
        Measured::CpuPerRequest,
    ];
    const LIMIT: Limit = Limit {
        pairs: 60,
        seconds: 600.0,
    };

    /// A block of all requests and of one name, whose figures are these.
    fn block(values: &[(Measured, f64)]) -> Figures {
        let series = values.iter().map(|(measured, value)| Series {
            measured: *measured,
            blocks: vec![Some(*value)],
        });
        let requests = |name: Option<String>| Requests {
            name,
            requests: 1_000,
            series: series.clone().collect(),
        };
        Figures {
            block_s: 4.0,
            rows: vec![requests(None), requests(Some("GET /".into()))],
        }
    }

    const USUAL: [(Measured, f64); 4] = [
        (Measured::Throughput, 100.0),
        (Measured::ErrorRate, 0.0),
        (Measured::P50, 0.5),
        (Measured::P95, 20.0),
    ];

    /// Plays builds of which B differs by these factors, and of errors by points.
    fn play(factors: [f64; 4]) -> Played {
        let usual = block(&USUAL);
        let mut contest = Contest::new([&usual, &usual], &TESTED, None, LIMIT);
        for at in 0..100usize {
            let wobble = 1.0 + ((at * 7_919 % 101) as f64 / 50.0 - 1.0) * 0.01;
            let mut b = USUAL;
            for ((measured, value), factor) in b.iter_mut().zip(factors) {
                match measured {
                    Measured::ErrorRate => *value = factor,
                    _ => *value *= factor * wobble,
                }
            }
            if contest.add(&usual, &block(&b), 10.0) != Answer::GoOn {
                break;
            }
        }
        contest.played()
    }

    fn outcomes(played: &Played) -> Vec<Outcome> {
        let tested = played.rows.iter().filter(|row| row.is_tested);
        tested.map(|row| row.outcome).collect()
    }

    #[test]
    fn what_is_alike_is_fine_and_what_is_worse_is_found_in_its_measure() {
        use Outcome::{Better, NotEnoughData, Same, Worse};
        for (factors, answer, expected) in [
            ([1.0, 0.0, 1.0, 1.0], Answer::Fine, [Same; 4]),
            (
                [1.0, 0.0, 1.0, 0.8],
                Answer::Fine,
                [Same, Same, Same, Better],
            ),
            (
                [0.8, 0.0, 1.0, 1.0],
                Answer::Worse,
                [Worse, Same, Same, Same],
            ),
            (
                [1.0, 5.0, 1.0, 1.0],
                Answer::Worse,
                [Same, Worse, Same, Same],
            ),
            // A tenth is allowed below a millisecond.
            ([1.0, 0.0, 1.08, 1.0], Answer::Fine, [Same; 4]),
            (
                [1.0, 0.0, 1.0, 1.05],
                Answer::NotEnoughData,
                [Same, Same, Same, NotEnoughData],
            ),
        ] {
            let played = play(factors);
            assert_eq!(played.answer, answer, "{factors:?}");
            assert_eq!(outcomes(&played), expected, "{factors:?}");
        }
    }

    #[test]
    fn changes_are_those_of_the_values() {
        let played = play([0.8, 5.0, 1.0, 1.2]);
        let words = |measured| {
            let mut rows = played.rows.iter();
            let row = rows.find(|row| row.name.is_none() && row.measured == measured);
            row.and_then(Row::change_in_words).unwrap()
        };
        assert!(words(Measured::Throughput).starts_with("−20"));
        assert!(words(Measured::ErrorRate).starts_with("+5 points"));
        assert!(words(Measured::P95).starts_with("+19") || words(Measured::P95).starts_with("+20"));
        let named = played.rows.iter().filter(|row| row.name.is_some());
        assert!(named.clone().all(|row| !row.is_tested));
        assert!(named.clone().any(|row| row.outcome == Outcome::Worse));
    }

    #[test]
    fn what_one_build_does_not_tell_is_not_asked_and_lost_time_counts() {
        let (a, b) = (block(&USUAL), block(&USUAL[..3]));
        let mut contest = Contest::new([&a, &b], &[Measured::P95], None, LIMIT);
        assert_eq!(contest.add(&a, &b, 10.0), Answer::NotEnoughData);
        let mut contest = Contest::new([&a, &a], &[Measured::P95], None, LIMIT);
        assert_eq!(contest.leave_out(500.0), Answer::GoOn);
        assert_eq!(contest.add(&a, &a, 100.0), Answer::NotEnoughData);
        let played = contest.played();
        assert_eq!((played.pairs, played.left_out), (1, 1));
    }
}
