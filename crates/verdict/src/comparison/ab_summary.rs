//! The result of an A/B test in words.

use crate::comparison::ab_test::AbMeasurement;
use crate::comparison::outcome::{Change, Outcome};
use crate::comparison::row::ComparisonRow;
use crate::comparison::sequential_test::FIRST_LOOK;
use crate::number;

/// The number of requests per block below which the test is weak.
const REQUESTS_FEW: f64 = 100.0;

/// Two builds, and the result of their A/B test.
#[derive(Debug, Clone, PartialEq)]
pub struct AbSummary {
    /// Base URLs of A and B.
    pub hosts: [String; 2],
    /// The result.
    pub measurement: AbMeasurement,
    /// Whether the test was stopped before it was decided.
    pub is_stopped: bool,
    /// Requests in a typical block.
    pub requests_per_block: f64,
}

impl AbSummary {
    /// Returns whether the test describes the builds: it does not if the generator or its machine distorted more than
    /// half of the pairs.
    pub fn is_valid(&self) -> bool {
        self.measurement.left_out <= self.measurement.pairs
    }

    /// The outcome of all tested metrics: worse if any is, and known only if all are.
    pub fn outcome(&self) -> Outcome {
        if !self.is_valid() {
            return Outcome::NotEnoughData;
        }
        let tested = self.measurement.rows.iter().filter(|row| row.is_tested);
        Outcome::of_all(tested.map(ComparisonRow::outcome))
    }

    /// The result in one sentence.
    pub fn headline(&self) -> String {
        if !self.is_valid() {
            return format!(
                "Invalid: brunt or its machine distorted {} of {} pairs; give brunt more cores, or reduce \
                 the load.",
                self.measurement.left_out,
                self.measurement.left_out + self.measurement.pairs
            );
        }
        let after = format!(
            "after {} pairs in {}",
            self.measurement.pairs,
            number::seconds(self.measurement.seconds.round())
        );
        match self.outcome() {
            Outcome::Worse => format!("B is worse than A: {} ({after}).", self.worse_in_words()),
            Outcome::Better => {
                let better = names(self.tested(Outcome::Better));
                format!("B is not worse than A; better: {better} ({after}).")
            }
            Outcome::Same | Outcome::NotWorse => format!("B is not worse than A ({after})."),
            Outcome::NotEnoughData => {
                let open = names(self.tested(Outcome::NotEnoughData));
                let stopped = if self.is_stopped { "stopped " } else { "" };
                format!(
                    "Undecided whether B is worse than A: not enough data for {open} ({stopped}{after})."
                )
            }
        }
    }

    /// Facts that weaken the conclusion, in words.
    pub fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        let AbMeasurement {
            pairs, left_out, ..
        } = self.measurement;
        if left_out > 0 {
            caveats.push(format!(
                "excluded: {left_out} of {} pairs, which brunt or its machine distorted",
                left_out + pairs
            ));
        }
        if pairs > 0 && self.requests_per_block < REQUESTS_FEW {
            caveats.push(format!(
                "a block had only {} requests; use more users, a higher rate or longer blocks",
                number::measured(self.requests_per_block)
            ));
        }
        if self.outcome() == Outcome::NotEnoughData && self.is_valid() {
            let few = pairs < FIRST_LOOK;
            let fewer = format!("at least {FIRST_LOOK} pairs are needed; ");
            caveats.push(format!(
                "{}a longer --max-duration, or a wider --tolerance, may decide",
                if few { fewer.as_str() } else { "" }
            ));
        }
        caveats
    }

    fn tested(&self, outcome: Outcome) -> impl Iterator<Item = &ComparisonRow> {
        let rows = self.measurement.rows.iter();
        rows.filter(move |row| row.is_tested && row.outcome() == outcome)
    }

    fn worse_in_words(&self) -> String {
        let words = self.tested(Outcome::Worse).map(|row| {
            let change = row.change.map(Change::in_words).unwrap_or_default();
            format!("{} {change}", row.metric.in_words())
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

fn names<'a>(rows: impl Iterator<Item = &'a ComparisonRow>) -> String {
    let names = rows.map(|row| row.metric.in_words());
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::{ChangeInterval, ComparedMetric, TestDecision, Tolerance};

    fn summary(interval: ChangeInterval, left_out: usize) -> AbSummary {
        let row = ComparisonRow {
            name: None,
            metric: ComparedMetric::P95,
            baseline: Some(10.0),
            run: Some(11.0),
            change: Some(Change::Ratio {
                ratio: 1.1,
                interval,
            }),
            tolerance: Tolerance::Share(0.05),
            is_tested: true,
            pairs: Some(12),
        };
        AbSummary {
            hosts: ["http://a/".into(), "http://b/".into()],
            measurement: AbMeasurement {
                rows: vec![row],
                pairs: 12,
                left_out,
                seconds: 120.4,
                decision: TestDecision::NotEnoughData,
                values: Vec::new(),
                looks: Vec::new(),
            },
            is_stopped: false,
            requests_per_block: 2_000.0,
        }
    }

    #[test]
    fn headline_matches_the_outcome() {
        for (low, high, left_out, sentence) in [
            (
                1.08,
                1.12,
                0,
                "B is worse than A: p95 +10 % (+8 to +12) (after 12 pairs in 120 s).",
            ),
            (
                0.97,
                1.03,
                0,
                "B is not worse than A (after 12 pairs in 120 s).",
            ),
            (
                0.9,
                1.03,
                0,
                "B is not worse than A (after 12 pairs in 120 s).",
            ),
            (
                0.9,
                0.93,
                0,
                "B is not worse than A; better: p95 (after 12 pairs in 120 s).",
            ),
            (
                0.9,
                1.08,
                0,
                "Undecided whether B is worse than A: not enough data for p95 (after 12 pairs in 120 s).",
            ),
            (
                1.08,
                1.12,
                13,
                "Invalid: brunt or its machine distorted 13 of 25 pairs; give brunt more cores, or reduce \
                 the load.",
            ),
        ] {
            let summary = summary(ChangeInterval::between(low, high), left_out);
            assert_eq!(summary.headline(), sentence);
        }
    }

    #[test]
    fn caveats_name_what_weakens_the_conclusion() {
        let mut it = summary(ChangeInterval::UNKNOWN, 2);
        (it.requests_per_block, it.measurement.pairs) = (31.4, 4);
        let caveats = it.caveats().join("\n");
        for part in ["2 of 6 pairs", "31.4 requests", "at least 10 pairs"] {
            assert!(caveats.contains(part), "{caveats}");
        }
        assert!(
            summary(ChangeInterval::between(0.98, 1.02), 0)
                .caveats()
                .is_empty()
        );
    }
}
