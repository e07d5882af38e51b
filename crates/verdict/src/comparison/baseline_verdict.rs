//! The verdict on a run compared with a baseline, in words.

use crate::comparison::conditions::{Compatibility, ConditionDifference};
use crate::comparison::outcome::{Outcome, Tolerance};
use crate::comparison::row::{BetweenRuns, Comparison, ComparisonRow};
use crate::model::finding::{Figure, Finding, FindingKind};

/// The widest tolerance that is advised, in percent.
const TOLERANCE_MAX: f64 = 30.0;
/// The number of changes in the headline; the table has all.
const CHANGES_MAX: usize = 2;

/// A run compared with a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineVerdict {
    /// Name of the baseline.
    pub baseline: String,
    /// Differences between the conditions of both.
    pub differences: Vec<ConditionDifference>,
    /// The comparison.
    pub comparison: Comparison,
}

impl BaselineVerdict {
    /// The result in one sentence.
    pub fn headline(&self) -> String {
        let baseline = format!("baseline `{}`", self.baseline);
        let rows = |outcome| names(self.comparison.tested(), outcome);
        match self.comparison.outcome() {
            Outcome::Worse => format!("Worse than {baseline}: {}.", self.worse_in_words()),
            Outcome::Better => format!(
                "Not worse than {baseline}; better: {}.",
                rows(Outcome::Better)
            ),
            Outcome::NotWorse => format!("Not worse than {baseline}."),
            Outcome::Same => format!("The same as {baseline}."),
            Outcome::NotEnoughData if self.comparison.tells_anything() => format!(
                "Undecided whether this run is worse than {baseline}: not enough data for {}.",
                rows(Outcome::NotEnoughData)
            ),
            Outcome::NotEnoughData => {
                format!("Not enough data to compare this run with {baseline}.")
            }
        }
    }

    /// Facts that weaken the conclusion, in words, with remedies.
    pub fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        match self.comparison.between_runs {
            BetweenRuns::Unknown { runs } => {
                caveats.push(noise_unknown(&self.baseline, runs));
            }
            BetweenRuns::Known { .. } => caveats.extend(self.what_would_decide()),
        }
        let differences = self.differences.iter();
        let weaker = differences.filter(|it| it.compatibility != Compatibility::Ignorable);
        caveats.extend(weaker.map(|it| format!("differences may be due to the {}", it.in_words())));
        caveats
    }

    /// Advice that would decide the undecided rows, as far as their intervals show.
    fn what_would_decide(&self) -> Option<String> {
        let open = self.comparison.tested().filter_map(|row| {
            let change = row
                .change
                .filter(|_| row.outcome() == Outcome::NotEnoughData)?;
            match row.tolerance {
                Tolerance::Share(_) => change.tolerable(row.metric),
                Tolerance::Points(_) => None,
            }
        });
        let needed = open.reduce(f64::max)? * 100.0;
        let wider = if needed <= TOLERANCE_MAX {
            format!("; with --tolerance {}%, they are not worse", needed.ceil())
        } else {
            String::new()
        };
        Some(format!(
            "a baseline of more or longer runs narrows the intervals of the undecided metrics{wider}"
        ))
    }

    fn worse_in_words(&self) -> String {
        let worse = self.comparison.tested();
        let worse = worse.filter(|row| row.outcome() == Outcome::Worse);
        let words = worse.filter_map(|row| {
            let change = row.change_in_words()?;
            Some(format!("{} {change}", row.metric.in_words()))
        });
        let words: Vec<String> = words.collect();
        let (shown, more) = words.split_at(words.len().min(CHANGES_MAX));
        match more.len() {
            0 => shown.join(", "),
            more => format!("{}, and {more} more", shown.join(", ")),
        }
    }

    pub(crate) fn finding(&self) -> Finding {
        let worse = names(self.comparison.tested(), Outcome::Worse);
        Finding::new(FindingKind::Regression, self.headline())
            .with("baseline", Figure::Text(self.baseline.clone()))
            .with("worse", Figure::Text(worse))
    }
}

fn names<'a>(rows: impl Iterator<Item = &'a ComparisonRow>, outcome: Outcome) -> String {
    let rows = rows.filter(|row| row.outcome() == outcome);
    let names = rows.map(|row| row.metric.in_words());
    names.collect::<Vec<_>>().join(", ")
}

/// The limits of a baseline with fewer than three runs, and the remedy.
pub(crate) fn noise_unknown(name: &str, runs: usize) -> String {
    let of = if runs == 1 {
        "1 run"
    } else {
        &format!("{runs} runs")
    };
    format!(
        "baseline `{name}` has {of}, so the noise between runs is unknown, and no metric can be called worse or \
         not worse; save at least three runs: `brunt baseline save {name} --runs 3`"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::comparison::{Change, ChangeInterval, ComparedMetric};

    fn row(measured: ComparedMetric, interval: ChangeInterval, is_tested: bool) -> ComparisonRow {
        ComparisonRow {
            name: None,
            metric: measured,
            baseline: Some(10.0),
            run: Some(11.0),
            change: Some(Change::Ratio {
                ratio: 1.1,
                interval,
            }),
            tolerance: Tolerance::Share(0.05),
            is_tested,
            pairs: None,
        }
    }

    fn compared_run(rows: Vec<ComparisonRow>, runs: usize) -> BaselineVerdict {
        BaselineVerdict {
            baseline: "main".into(),
            differences: Vec::new(),
            comparison: Comparison {
                rows,
                between_runs: BetweenRuns::of(runs),
            },
        }
    }

    #[test]
    fn baseline_of_one_run_names_the_remedy() {
        let compared_run = compared_run(
            vec![row(
                ComparedMetric::CpuPerRequest,
                ChangeInterval::UNKNOWN,
                true,
            )],
            1,
        );
        assert_eq!(
            compared_run.headline(),
            "Not enough data to compare this run with baseline `main`."
        );
        assert_eq!(
            compared_run.caveats(),
            [
                "baseline `main` has 1 run, so the noise between runs is unknown, and no metric can be called worse or \
                 not worse; save at least three runs: `brunt baseline save main --runs 3`"
            ]
        );
    }

    #[test]
    fn undecided_rows_have_a_caveat_with_the_remedy() {
        let caveats = |high: f64| {
            let open = row(
                ComparedMetric::P95,
                ChangeInterval::between(0.9, high),
                true,
            );
            compared_run(vec![open], 3).caveats().join("\n")
        };
        assert!(
            caveats(1.124).contains("--tolerance 13%"),
            "{}",
            caveats(1.124)
        );
        assert!(!caveats(1.6).contains("--tolerance"), "{}", caveats(1.6));
        let decided = row(
            ComparedMetric::P95,
            ChangeInterval::between(1.08, 1.2),
            true,
        );
        assert_eq!(compared_run(vec![decided], 3).caveats(), [] as [String; 0]);
    }

    proptest! {
        /// The headline says worse if and only if the interval of a tested row does, and "not worse" or "the same"
        /// only if those of all tested rows do.
        #[test]
        fn headline_never_contradicts_the_shown_intervals(
            rows in proptest::collection::vec(
                (0..ComparedMetric::ALL.len(), 0.7f64..1.4, 0.0f64..0.4, any::<bool>(), any::<bool>()), 0..8,
            ),
        ) {
            let rows: Vec<ComparisonRow> = rows
                .into_iter()
                .filter(|(at, ..)| ComparedMetric::ALL[*at] != ComparedMetric::ErrorRate)
                .map(|(at, low, width, is_known, is_tested)| {
                    let interval = if is_known { ChangeInterval::between(low, low + width) } else { ChangeInterval::UNKNOWN };
                    row(ComparedMetric::ALL[at], interval, is_tested)
                })
                .collect();
            // By the ends alone, as a reader interprets them.
            let ends = |row: &ComparisonRow| {
                let interval = row.change.unwrap().interval();
                let (low, high) = (interval.low?, interval.high?);
                Some(if row.metric == ComparedMetric::Throughput { (2.0 - high, 2.0 - low) } else { (low, high) })
            };
            let tested: Vec<&ComparisonRow> = rows.iter().filter(|row| row.is_tested).collect();
            let is_worse = tested.iter().any(|row| ends(row).is_some_and(|(low, _)| low > 1.05));
            let is_fine = !tested.is_empty()
                && tested.iter().all(|row| ends(row).is_some_and(|(_, high)| high <= 1.05));
            let sentence = compared_run(rows.clone(), 3).headline();
            prop_assert_eq!(sentence.starts_with("Worse"), is_worse, "{}", &sentence);
            let says_fine = sentence.starts_with("Not worse") || sentence.starts_with("The same");
            prop_assert_eq!(says_fine, is_fine, "{}", &sentence);
            prop_assert_eq!(sentence.starts_with("Undecided") || sentence.starts_with("Not enough"), !is_worse && !is_fine);
        }
    }
}
