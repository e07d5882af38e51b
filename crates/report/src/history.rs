//! Runs of the history, and lasting changes of their metrics.

use std::collections::BTreeMap;
use std::ops::Range;

use brunt_record::Metric;
use brunt_verdict::stats::change_points::change_points;
use brunt_verdict::stats::median::median;
use brunt_verdict::{RunResult, Value};

use crate::number::{self, one_line};

/// Number of characters of a commit that are shown.
const COMMIT_LETTERS: usize = 10;
/// Minimum number of runs: with fewer, chance could explain any order.
const RUNS_MIN: usize = 12;
/// Number of newest runs in which level shifts are looked for: the time grows with its square.
const RUNS_MAX: usize = 100;
/// Fixed seed, so that the same runs have the same result.
const SEED: u64 = 1;

/// Runs of the history with some metrics of each.
#[derive(Debug, Clone)]
pub struct RunHistory {
    /// Metrics, in the order of each run's values; the first is the requested one.
    pub metrics: Vec<Metric>,
    /// Request that the metrics are of; `None` for all requests.
    pub request: Option<String>,
    /// The runs, oldest first.
    pub runs: Vec<HistoryRun>,
}

/// A run of the history.
#[derive(Debug, Clone)]
pub struct HistoryRun {
    /// The run's name.
    pub run_id: String,
    /// Start of the run, to the minute, UTC.
    pub started: String,
    /// Its profile.
    pub profile: String,
    /// Scenario file.
    pub scenario_file: String,
    /// Base URL of the service, or a description of the embedded agent.
    pub service: String,
    /// Label from the user.
    pub label: Option<String>,
    /// Git commit.
    pub commit: Option<String>,
    /// Result.
    pub result: RunResult,
    /// Value of each metric, in its unit.
    pub values: Vec<Value>,
    /// Conditions.
    pub conditions: RunConditions,
    /// Path of its report, relative to the history page; `None` if it does not exist any more.
    pub report: Option<String>,
}

/// Conditions of a run, as texts that are equal for equal conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunConditions {
    /// The scenario's hash.
    pub scenario: String,
    /// Planned load.
    pub load: String,
    /// The service's base URL.
    pub host: String,
    /// The machine.
    pub machine: String,
    /// The version of brunt.
    pub brunt: String,
}

/// Comparable runs: of one profile and scenario file, against one service.
pub(crate) struct ProfileHistory<'a> {
    pub(crate) name: &'a str,
    pub(crate) scenario_file: &'a str,
    pub(crate) service: &'a str,
    /// Whether there are runs of this profile of another scenario or against another service.
    pub(crate) is_one_of_several: bool,
    pub(crate) runs: Vec<&'a HistoryRun>,
}

/// Lasting changes of a metric over the runs of a profile.
pub(crate) enum LevelShifts<'a> {
    /// Too few valid runs: their number.
    TooFew(usize),
    /// Number of runs, and the level shifts found among them, in order.
    Found(usize, Vec<LevelShift<'a>>),
}

/// A lasting change of a metric.
pub(crate) struct LevelShift<'a> {
    /// The first run at the new level.
    pub(crate) since: &'a HistoryRun,
    /// Medians of the previous and the new level.
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// Conditions that also differ from those of the previous run.
    also_changed: Vec<&'static str>,
}

impl RunHistory {
    /// The runs of each profile, scenario file and service, in the order of their names.
    pub(crate) fn profiles(&self) -> Vec<ProfileHistory<'_>> {
        let mut groups: BTreeMap<[&str; 3], Vec<&HistoryRun>> = BTreeMap::new();
        for run in &self.runs {
            let key = [&run.profile, &run.scenario_file, &run.service].map(String::as_str);
            groups.entry(key).or_default().push(run);
        }
        let names: Vec<&str> = groups.keys().map(|[name, ..]| *name).collect();
        let is_one_of_several =
            |name: &str| names.iter().filter(|other| **other == name).count() > 1;
        let mut profiles = Vec::new();
        for ([name, scenario_file, service], runs) in groups {
            profiles.push(ProfileHistory {
                name,
                scenario_file,
                service,
                is_one_of_several: is_one_of_several(name),
                runs,
            });
        }
        profiles
    }

    /// Name of a metric with its request.
    pub(crate) fn title(&self, metric: Metric) -> String {
        match &self.request {
            None => metric.name(),
            Some(request) => format!("{} of {}", metric.name(), one_line(request)),
        }
    }
}

impl HistoryRun {
    /// Label, or the abbreviated commit.
    pub(crate) fn display_name(&self) -> Option<String> {
        let commit = || self.short_commit();
        self.label.as_deref().map(one_line).or_else(commit)
    }

    pub(crate) fn short_commit(&self) -> Option<String> {
        let commit = self.commit.as_ref()?;
        Some(one_line(commit).chars().take(COMMIT_LETTERS).collect())
    }
}

impl<'a> ProfileHistory<'a> {
    /// Scenario file and service.
    pub(crate) fn conditions(&self) -> String {
        let of = format!("{} against {}", self.scenario_file, self.service);
        one_line(&of)
    }

    /// The profile, with its scenario and its service if the name alone is not clear.
    pub(crate) fn title(&self) -> String {
        let name = one_line(self.name);
        if self.is_one_of_several {
            format!("{name} of {}", self.conditions())
        } else {
            name
        }
    }

    /// Finds lasting changes of a metric. Invalid runs and runs without a value are ignored.
    pub(crate) fn level_shifts(&self, metric: usize) -> LevelShifts<'a> {
        let runs = self.runs.iter();
        let mut known: Vec<(&HistoryRun, f64)> = runs
            .filter(|run| run.result != RunResult::Invalid)
            .filter_map(|run| Some((*run, run.values.get(metric)?.known()?)))
            .collect();
        known.drain(..known.len().saturating_sub(RUNS_MAX));
        if known.len() < RUNS_MIN {
            return LevelShifts::TooFew(known.len());
        }
        let values: Vec<f64> = known.iter().map(|(_, value)| *value).collect();
        let points = change_points(&values, SEED);
        let ends = |at: usize| {
            let from = if at == 0 { 0 } else { points[at - 1] };
            (from, *points.get(at + 1).unwrap_or(&values.len()))
        };
        let level = |runs: Range<usize>| median(&mut values[runs].to_vec()).unwrap_or(f64::NAN);
        let change = |(at, point): (usize, &usize)| {
            let (from, to) = ends(at);
            LevelShift {
                since: known[*point].0,
                before: level(from..*point),
                after: level(*point..to),
                also_changed: known[*point]
                    .0
                    .conditions
                    .others(&known[point - 1].0.conditions),
            }
        };
        let found = points.iter().enumerate().map(change).collect();
        LevelShifts::Found(known.len(), found)
    }
}

impl LevelShifts<'_> {
    /// Returns a sentence for each level shift, or one that there are no shifts.
    pub(crate) fn in_words(&self, unit: &str) -> Vec<String> {
        match self {
            Self::TooFew(runs) => vec![format!(
                "too few valid runs to separate a change from noise: {runs}, at least {RUNS_MIN} needed"
            )],
            Self::Found(runs, changes) if changes.is_empty() => {
                vec![format!("no change was found in {runs} valid runs")]
            }
            Self::Found(_, changes) => {
                let changes = changes.iter();
                changes.map(|change| change.in_words(unit)).collect()
            }
        }
    }
}

impl LevelShift<'_> {
    pub(crate) fn in_words(&self, unit: &str) -> String {
        let called = self.since.display_name();
        let called = called.map_or_else(String::new, |called| format!(" ({called})"));
        let mut text = format!(
            "since {}{called}: {}, before {}{}",
            self.since.started,
            number::with_unit(self.after, unit),
            number::with_unit(self.before, unit),
            self.ratio()
                .map_or_else(String::new, |ratio| format!(" ({ratio})")),
        );
        if let Some((last, others)) = self.also_changed.split_last() {
            let what = if others.is_empty() {
                (*last).to_owned()
            } else {
                format!("{} and {last}", others.join(", "))
            };
            text += &format!("; {what} also changed at that run");
        }
        text
    }

    /// Change in percent of the previous level; `None` if that is 0.
    pub(crate) fn ratio(&self) -> Option<String> {
        (self.before > 0.0).then(|| format!("{:+.0} %", (self.after / self.before - 1.0) * 100.0))
    }
}

impl RunConditions {
    /// Conditions that differ from others.
    fn others(&self, before: &Self) -> Vec<&'static str> {
        let pairs = [
            (&self.scenario, &before.scenario, "the scenario"),
            (&self.load, &before.load, "the load"),
            (&self.host, &before.host, "the host"),
            (&self.machine, &before.machine, "the machine"),
            (&self.brunt, &before.brunt, "brunt's version"),
        ];
        let others = pairs.into_iter().filter(|(now, before, _)| now != before);
        others.map(|(_, _, name)| name).collect()
    }
}

/// A value with its unit.
pub(crate) fn value_text(value: Value, unit: &str) -> String {
    match value {
        Value::Known(value) => number::with_unit(value, unit),
        Value::Unanswered => "no response".to_owned(),
        Value::Unknown => "–".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use brunt_verdict::Grade;

    use super::*;

    pub(crate) fn run(number: u32, profile: &str, value: Value) -> HistoryRun {
        let grades = [Grade::Good, Grade::Poor, Grade::Critical];
        HistoryRun {
            run_id: format!("run-{number}"),
            started: format!("2026-11-{:02} 11:00", number % 28 + 1),
            profile: profile.into(),
            scenario_file: "brunt.toml".into(),
            service: "http://127.0.0.1:8000/".into(),
            label: number
                .is_multiple_of(3)
                .then(|| format!("release {number} with 日本語 and a tail that is long")),
            commit: (number % 3 == 1).then(|| "0123456789abcdef0123456789abcdef01234567".into()),
            result: RunResult::Graded(grades[number as usize % 3]),
            values: vec![value],
            conditions: RunConditions::default(),
            report: Some(format!("run-{number}.html")),
        }
    }

    /// Up and down by a little, without a pattern, and up for good from a run on.
    pub(crate) fn stepped(runs: u32, from: u32) -> RunHistory {
        let value = |number: u32| {
            let wobble = f64::from(number * 7_919 % 101) / 101.0;
            Value::Known(if number < from { 10.0 } else { 15.0 } + wobble)
        };
        RunHistory {
            metrics: vec![Metric::Percentile(0.95)],
            request: None,
            runs: (0..runs)
                .map(|number| run(number, "load", value(number)))
                .collect(),
        }
    }

    fn said(history: &RunHistory) -> Vec<String> {
        history.profiles()[0].level_shifts(0).in_words("ms")
    }

    #[test]
    fn a_change_is_told_with_its_date_its_run_and_what_else_changed() {
        let mut history = stepped(40, 25);
        assert_eq!(
            said(&history),
            ["since 2026-11-26 11:00 (0123456789): 15.6 ms, before 10.5 ms (+49 %)"]
        );
        for run in &mut history.runs[25..] {
            run.conditions.machine = "another".into();
            run.conditions.load = "more".into();
        }
        assert!(
            said(&history)[0]
                .ends_with("(+49 %); the load and the machine also changed at that run"),
            "{:?}",
            said(&history)
        );
    }

    #[test]
    fn a_change_needs_runs_that_say_something() {
        assert_eq!(
            said(&stepped(11, 5)),
            ["too few valid runs to separate a change from noise: 11, at least 12 needed"]
        );
        assert_eq!(said(&stepped(12, 6)).len(), 1);
        assert!(said(&stepped(12, 6))[0].starts_with("since 2026-11-07"));
        // Three runs at a new level are found among twenty, not among twelve.
        assert!(said(&stepped(20, 17))[0].starts_with("since 2026-11-18"));
        assert!(said(&stepped(12, 9))[0].starts_with("no change"));
        assert_eq!(
            said(&stepped(40, 40)),
            ["no change was found in 40 valid runs"]
        );
        let mut history = stepped(40, 25);
        for run in &mut history.runs[25..] {
            run.result = RunResult::Invalid;
        }
        history.runs[3].values[0] = Value::Unanswered;
        assert_eq!(said(&history), ["no change was found in 24 valid runs"]);
    }

    #[test]
    fn of_many_runs_the_newest_are_looked_at() {
        assert_eq!(
            said(&stepped(400, 200)),
            ["no change was found in 100 valid runs"]
        );
    }

    #[test]
    fn from_nothing_there_is_no_ratio() {
        let run = run(0, "load", Value::Unknown);
        let change = LevelShift {
            since: &run,
            before: 0.0,
            after: 2.5,
            also_changed: Vec::new(),
        };
        assert!(change.in_words("%").ends_with(": 2.50 %, before 0 %"));
    }

    #[test]
    fn runs_against_another_service_are_no_change_of_this_one() {
        let mut history = stepped(40, 20);
        for run in &mut history.runs[20..] {
            run.service = "http://other/".into();
        }
        let profiles = history.profiles();
        let titles: Vec<String> = profiles.iter().map(ProfileHistory::title).collect();
        assert_eq!(
            titles,
            [
                "load of brunt.toml against http://127.0.0.1:8000/",
                "load of brunt.toml against http://other/"
            ]
        );
        for profile in profiles {
            assert_eq!(
                profile.level_shifts(0).in_words("ms"),
                ["no change was found in 20 valid runs"]
            );
        }
        assert_eq!(stepped(3, 3).profiles()[0].title(), "load");
    }
}
