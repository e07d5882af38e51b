//! A/B tests: two builds, measured alternately, compared in several metrics. Metrics of all requests decide, those of
//! single names are only shown. Running the blocks is up to the caller.

use crate::comparison::compare::tolerance_of;
use crate::comparison::figures::RunMetrics;
use crate::comparison::metric::ComparedMetric;
use crate::comparison::outcome::{Change, Tolerance};
use crate::comparison::row::ComparisonRow;
use crate::comparison::sequential_test::{
    Limit, Look, SequentialTest, TestDecision, change_of, difference,
};
use crate::stats::signed_rank;

/// The risk at each end of the interval of a metric that is shown and not tested, as for a single look.
const RISK_SHOWN: f64 = 0.025;

/// An A/B test of two builds.
#[derive(Debug, Clone)]
pub struct AbTest {
    tests: Vec<MetricTest>,
    limit: Limit,
    pairs: usize,
    left_out: usize,
    seconds: f64,
    /// Duration of the pairs that were excluded since the last pair that counts.
    lost_s: f64,
}

/// The measurements of an A/B test.
#[derive(Debug, Clone, PartialEq)]
pub struct AbMeasurement {
    /// All requests first, then each name: A is the baseline, B the run.
    pub rows: Vec<ComparisonRow>,
    /// Number of pairs of blocks.
    pub pairs: usize,
    /// Number of pairs that were excluded because the generator or its machine distorted them.
    pub left_out: usize,
    /// Total duration, in seconds.
    pub seconds: f64,
    /// The decision.
    pub decision: TestDecision,
    /// Values of A and B in each pair, for each metric of all requests.
    pub values: Vec<(ComparedMetric, Vec<[f64; 2]>)>,
    /// Looks of each tested metric.
    pub looks: Vec<(ComparedMetric, Vec<Look>)>,
}

/// One metric of some requests, pair by pair.
#[derive(Debug, Clone)]
struct MetricTest {
    name: Option<String>,
    measured: ComparedMetric,
    tolerance: Tolerance,
    /// `None`: it is shown and not tested.
    sequential_test: Option<SequentialTest>,
    differences: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
}

impl AbTest {
    /// Creates a test from a trial block of each build: it compares the metrics that both have. The metrics in
    /// `tested` decide, for all requests. Differences of less than `theta`, a proportion, are tolerated; the default
    /// is 5 %, and 10 % for percentiles below a millisecond.
    pub fn new(
        [a, b]: [&RunMetrics; 2],
        tested: &[ComparedMetric],
        theta: Option<f64>,
        limit: Limit,
    ) -> Self {
        // Metrics that both have, with the value of A.
        let trial_value = |name: Option<&str>, measured: ComparedMetric| {
            value(b, name, measured).and_then(|_| value(a, name, measured))
        };
        let available = tested.iter().filter(|it| trial_value(None, **it).is_some());
        let count = available.count();
        let test = |name: Option<&str>, measured: ComparedMetric| {
            let trial_value = trial_value(name, measured)?;
            let tolerance = tolerance_of(measured, trial_value, theta);
            let is_tested = name.is_none() && tested.contains(&measured);
            Some(MetricTest {
                name: name.map(str::to_owned),
                measured,
                tolerance,
                sequential_test: is_tested
                    .then(|| SequentialTest::of(measured, tolerance, limit, count)),
                differences: Vec::new(),
                a: Vec::new(),
                b: Vec::new(),
            })
        };
        let names = a.rows.iter().map(|row| row.name.as_deref());
        let tests = names
            .flat_map(|name| {
                let measures = ComparedMetric::ALL.into_iter();
                measures
                    .filter_map(|measured| test(name, measured))
                    .collect::<Vec<_>>()
            })
            .collect();
        Self {
            tests,
            limit,
            pairs: 0,
            left_out: 0,
            seconds: 0.0,
            lost_s: 0.0,
        }
    }

    /// Adds a pair of blocks with its duration, and returns the decision.
    pub fn add(&mut self, a: &RunMetrics, b: &RunMetrics, seconds: f64) -> TestDecision {
        self.pairs += 1;
        self.seconds += seconds;
        let seconds = seconds + std::mem::take(&mut self.lost_s);
        for test in &mut self.tests {
            test.add(a, b, seconds);
        }
        self.decision()
    }

    /// Excludes a pair that the generator or its machine distorted.
    pub fn leave_out(&mut self, seconds: f64) -> TestDecision {
        self.left_out += 1;
        self.seconds += seconds;
        self.lost_s += seconds;
        self.decision()
    }

    /// The decision: B is worse if it is in any tested metric, and not worse if it is in none.
    pub fn decision(&self) -> TestDecision {
        let mut decisions = self.sequential_tests().map(SequentialTest::decision);
        let asks_nothing = decisions.clone().next().is_none();
        let is_over = self.seconds >= self.limit.seconds || self.pairs >= self.limit.pairs;
        if decisions
            .clone()
            .any(|decision| decision == TestDecision::Worse)
        {
            TestDecision::Worse
        } else if !asks_nothing && decisions.all(|decision| decision == TestDecision::NotWorse) {
            TestDecision::NotWorse
        } else if is_over || asks_nothing {
            TestDecision::NotEnoughData
        } else {
            TestDecision::Continue
        }
    }

    /// Number of pairs.
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// The measurements so far. If the test ends now, an open decision stays open.
    pub fn measurement(&self) -> AbMeasurement {
        let is_valid = self.left_out <= self.pairs;
        let decision = match self.decision() {
            TestDecision::Continue => TestDecision::NotEnoughData,
            _ if !is_valid => TestDecision::NotEnoughData,
            decision => decision,
        };
        let mut rows: Vec<ComparisonRow> = self.tests.iter().map(MetricTest::row).collect();
        if !is_valid {
            rows.iter_mut().for_each(ComparisonRow::leave_undecided);
        }
        AbMeasurement {
            rows,
            pairs: self.pairs,
            left_out: self.left_out,
            seconds: self.seconds,
            decision,
            values: self.values(),
            looks: self.looks(),
        }
    }

    fn looks(&self) -> Vec<(ComparedMetric, Vec<Look>)> {
        let tested = self.tests.iter();
        let looks = tested
            .filter_map(|it| Some((it.measured, it.sequential_test.as_ref()?.looks().to_vec())));
        looks.collect()
    }

    fn values(&self) -> Vec<(ComparedMetric, Vec<[f64; 2]>)> {
        let of_all = self.tests.iter().filter(|it| it.name.is_none());
        let values = |it: &MetricTest| it.a.iter().zip(&it.b).map(|(a, b)| [*a, *b]).collect();
        of_all.map(|it| (it.measured, values(it))).collect()
    }

    /// The tested rows.
    pub fn tested_rows(&self) -> Vec<ComparisonRow> {
        let tested = self.tests.iter().filter(|it| it.sequential_test.is_some());
        tested.map(MetricTest::row).collect()
    }

    fn sequential_tests(&self) -> impl Iterator<Item = &SequentialTest> + Clone {
        self.tests
            .iter()
            .filter_map(|it| it.sequential_test.as_ref())
    }
}

/// The value of a metric in one block.
fn value(figures: &RunMetrics, name: Option<&str>, measured: ComparedMetric) -> Option<f64> {
    let series = figures.row(name)?.series(measured)?;
    series.blocks.first().copied().flatten()
}

impl MetricTest {
    fn add(&mut self, a: &RunMetrics, b: &RunMetrics, seconds: f64) {
        let name = self.name.as_deref();
        let of = |figures: &RunMetrics| value(figures, name, self.measured);
        let (Some(a), Some(b)) = (of(a), of(b)) else {
            return;
        };
        if let Some(difference) = difference(self.measured, a, b) {
            if let Some(sequential_test) = &mut self.sequential_test {
                sequential_test.add(difference, seconds);
            }
            self.differences.push(difference);
            self.a.push(a);
            self.b.push(b);
        }
    }

    fn row(&self) -> ComparisonRow {
        let look = match &self.sequential_test {
            Some(sequential_test) => sequential_test.last(),
            None => self.shown(),
        };
        let sides = look.and_then(|look| self.usual_pair(look));
        ComparisonRow {
            name: self.name.clone(),
            metric: self.measured,
            baseline: sides.map(|[a, _]| a),
            run: sides.map(|[_, b]| b),
            change: look.map(|look| look.change),
            tolerance: self.tolerance,
            is_tested: self.sequential_test.is_some(),
            pairs: look.map(|look| look.pairs),
        }
    }

    /// All pairs, as for a single look.
    fn shown(&self) -> Option<Look> {
        let location = signed_rank::location(&self.differences, [RISK_SHOWN; 2])?;
        Some(Look {
            pairs: self.differences.len(),
            change: change_of(self.measured, location),
        })
    }

    /// Values of A and B in a typical pair at a look. Its level is divided so that B is A with exactly that change.
    fn usual_pair(&self, look: Look) -> Option<[f64; 2]> {
        let pairs = self.a.iter().zip(&self.b).take(look.pairs);
        match look.change {
            Change::Ratio { ratio, .. } => {
                let levels: Vec<f64> = pairs.map(|(a, b)| f64::midpoint(a.ln(), b.ln())).collect();
                let level = signed_rank::hodges_lehmann(&levels)?.exp();
                Some([level / ratio.sqrt(), level * ratio.sqrt()])
            }
            Change::Points { by, .. } => {
                let levels: Vec<f64> = pairs.map(|(a, b)| f64::midpoint(*a, *b)).collect();
                let a = (signed_rank::hodges_lehmann(&levels)? - by / 2.0)
                    .max(0.0)
                    .max(-by);
                Some([a, a + by])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BlockSeries, ChangeInterval, Outcome, RequestMetrics};
    use super::*;

    const TESTED: [ComparedMetric; 5] = [
        ComparedMetric::Throughput,
        ComparedMetric::ErrorRate,
        ComparedMetric::P50,
        ComparedMetric::P95,
        ComparedMetric::CpuPerRequest,
    ];
    const LIMIT: Limit = Limit {
        pairs: 60,
        seconds: 600.0,
    };

    /// A block with these values for all requests and for one name.
    fn block(values: &[(ComparedMetric, f64)]) -> RunMetrics {
        let series = values.iter().map(|(measured, value)| BlockSeries {
            metric: *measured,
            blocks: vec![Some(*value)],
        });
        let requests = |name: Option<String>| RequestMetrics {
            name,
            requests: 1_000,
            series: series.clone().collect(),
        };
        RunMetrics {
            block_s: 4.0,
            rows: vec![requests(None), requests(Some("GET /".into()))],
        }
    }

    const USUAL: [(ComparedMetric, f64); 4] = [
        (ComparedMetric::Throughput, 100.0),
        (ComparedMetric::ErrorRate, 0.0),
        (ComparedMetric::P50, 0.5),
        (ComparedMetric::P95, 20.0),
    ];

    /// Measures builds of which B differs by these factors, and error rates by points.
    fn play(factors: [f64; 4]) -> AbMeasurement {
        let usual = block(&USUAL);
        let mut ab_test = AbTest::new([&usual, &usual], &TESTED, None, LIMIT);
        for at in 0..100usize {
            let wobble = 1.0 + ((at * 7_919 % 101) as f64 / 50.0 - 1.0) * 0.01;
            let mut b = USUAL;
            for ((measured, value), factor) in b.iter_mut().zip(factors) {
                match measured {
                    ComparedMetric::ErrorRate => *value = factor,
                    _ => *value *= factor * wobble,
                }
            }
            if ab_test.add(&usual, &block(&b), 10.0) != TestDecision::Continue {
                break;
            }
        }
        ab_test.measurement()
    }

    fn outcomes(measurement: &AbMeasurement) -> Vec<Outcome> {
        let tested = measurement.rows.iter().filter(|row| row.is_tested);
        tested.map(ComparisonRow::outcome).collect()
    }

    #[test]
    fn worse_metric_is_found_and_equal_builds_pass() {
        use Outcome::{Better, NotEnoughData, NotWorse, Worse};
        for (factors, decision, expected) in [
            ([1.0, 0.0, 1.0, 1.0], TestDecision::NotWorse, [NotWorse; 4]),
            (
                [1.0, 0.0, 1.0, 0.8],
                TestDecision::NotWorse,
                [NotWorse, NotWorse, NotWorse, Better],
            ),
            (
                [0.8, 0.0, 1.0, 1.0],
                TestDecision::Worse,
                [Worse, NotWorse, NotWorse, NotWorse],
            ),
            (
                [1.0, 5.0, 1.0, 1.0],
                TestDecision::Worse,
                [NotWorse, Worse, NotWorse, NotWorse],
            ),
            // The tolerance is a tenth below a millisecond.
            ([1.0, 0.0, 1.08, 1.0], TestDecision::NotWorse, [NotWorse; 4]),
            (
                [1.0, 0.0, 1.0, 1.05],
                TestDecision::NotEnoughData,
                [NotWorse, NotWorse, NotWorse, NotEnoughData],
            ),
        ] {
            let measurement = play(factors);
            assert_eq!(measurement.decision, decision, "{factors:?}");
            assert_eq!(outcomes(&measurement), expected, "{factors:?}");
        }
    }

    #[test]
    fn change_is_that_of_the_values() {
        let measurement = play([0.8, 5.0, 1.0, 1.2]);
        let words = |measured| {
            let mut rows = measurement.rows.iter();
            let row = rows.find(|row| row.name.is_none() && row.metric == measured);
            row.and_then(ComparisonRow::change_in_words).unwrap()
        };
        assert!(words(ComparedMetric::Throughput).starts_with("−20"));
        assert!(words(ComparedMetric::ErrorRate).starts_with("+5 points"));
        assert!(
            words(ComparedMetric::P95).starts_with("+19")
                || words(ComparedMetric::P95).starts_with("+20")
        );
        let named = measurement.rows.iter().filter(|row| row.name.is_some());
        assert!(named.clone().all(|row| !row.is_tested));
        assert!(named.clone().any(|row| row.outcome() == Outcome::Worse));
    }

    #[test]
    fn metric_of_one_build_is_not_tested_and_lost_time_counts() {
        let (a, b) = (block(&USUAL), block(&USUAL[..3]));
        let mut ab_test = AbTest::new([&a, &b], &[ComparedMetric::P95], None, LIMIT);
        assert_eq!(ab_test.add(&a, &b, 10.0), TestDecision::NotEnoughData);
        let mut ab_test = AbTest::new([&a, &a], &[ComparedMetric::P95], None, LIMIT);
        assert_eq!(ab_test.leave_out(500.0), TestDecision::Continue);
        assert_eq!(ab_test.add(&a, &a, 100.0), TestDecision::NotEnoughData);
        let measurement = ab_test.measurement();
        assert_eq!((measurement.pairs, measurement.left_out), (1, 1));
    }

    /// Noise without a pattern, from −1 to 1.
    fn noise(seed: u64, at: usize) -> f64 {
        let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (at as u64 * 0x2545_f491);
        let mixed = mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 40;
        mixed as f64 / f64::from(1u32 << 23) - 1.0
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        /// Whatever is measured, and whenever it ends: rows, their intervals, their values and the decision agree.
        #[test]
        fn rows_values_and_decision_never_contradict_each_other(
            seed in 0u64..1_000_000, slower in 0.8f64..1.3, spread in 0.0f64..0.3, pairs in 1usize..40,
            lost in 0usize..30,
        ) {
            let usual = block(&USUAL);
            let limit = Limit { pairs: 40, seconds: 1e6 };
            let mut ab_test = AbTest::new([&usual, &usual], &TESTED, None, limit);
            let of = |at: usize, factor: f64| {
                let mut values = USUAL;
                for (kind, (measured, value)) in values.iter_mut().enumerate() {
                    let wobble = noise(seed, at * 11 + kind) * spread;
                    *value = match measured {
                        ComparedMetric::ErrorRate => (wobble * 3.0).max(0.0),
                        ComparedMetric::Throughput => *value / factor * wobble.exp(),
                        _ => *value * factor * wobble.exp(),
                    };
                }
                block(&values)
            };
            for at in 0..pairs {
                ab_test.add(&of(2 * at, 1.0), &of(2 * at + 1, slower), 10.0);
            }
            (0..lost).for_each(|_| { ab_test.leave_out(1.0); });
            let measurement = ab_test.measurement();
            let tested = || measurement.rows.iter().filter(|row| row.is_tested);
            let is_any_worse = tested().any(|row| row.outcome() == Outcome::Worse);
            let is_all_known = tested().all(|row| row.outcome() != Outcome::NotEnoughData);
            proptest::prop_assert_eq!(measurement.decision == TestDecision::Worse, is_any_worse);
            proptest::prop_assert_eq!(measurement.decision == TestDecision::NotWorse, is_all_known && !is_any_worse);
            for row in &measurement.rows {
                let (Some(a), Some(b), Some(change)) = (row.baseline, row.run, row.change) else { continue };
                let (seen, by) = match change {
                    Change::Ratio { ratio, .. } => (b / a, ratio),
                    Change::Points { by, .. } => (b - a, by),
                };
                proptest::prop_assert!((seen - by).abs() < 1e-9, "{:?}", row);
                let ChangeInterval { low, high } = change.interval();
                proptest::prop_assert!(low.is_none_or(|low| low <= by + 1e-9), "{:?}", row);
                proptest::prop_assert!(high.is_none_or(|high| high >= by - 1e-9), "{:?}", row);
            }
        }
    }
}
