//! Saved baselines: runs against a service of known speed, unchanged and slower, are compared with a baseline of three
//! runs against the unchanged service.
//!
//! Several baselines are saved one after the other, and each is compared with every build in an order that rotates, so
//! that a drift of the machine affects all builds equally.

use std::path::PathBuf;

use serde_json::Value;

use super::environment::Environment;
use super::page::ValidationRow;
use super::run::Run;

/// Arrivals per second.
const PER_S: u32 = 200;
/// Service channels of the server.
const CHANNELS: u32 = 8;
/// Constant service time of a request, in milliseconds.
const SERVICE_MS: f64 = 10.0;
/// Runs per baseline.
const RUNS: usize = 3;
/// The service times of the builds, as multiples of [`SERVICE_MS`].
const BUILDS: [f64; 3] = [1.0, 1.2, 1.1];
/// Tolerance of the negative control, as a share.
const NAIVE_TOLERANCE: f64 = 0.25;

/// A comparison of a run with a baseline.
struct BaselineComparison {
    /// Index into [`BUILDS`].
    build: usize,
    /// `comparison` of `summary.json`.
    json: Value,
}

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    // 5 · (3 + 4 · 3) runs of 25 s, and the time to start them: about 35 minutes.
    let (baselines, rounds, seconds) = environment.choose((1, 1, 22), (5, 4, 25));
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nrate = \"{PER_S}/s\"\nusers = 100\nduration = \"{seconds}s\"\n"
    );
    let mut all = Vec::new();
    println!(
        "  baseline  build  outcome          p50, run over baseline       p95                          CPU per request"
    );
    for number in 0..baselines {
        let folders = (0..RUNS)
            .map(|_| {
                Ok(run_build(environment, &scenario, seconds, 1.0)?
                    .folder()
                    .to_owned())
            })
            .collect::<anyhow::Result<Vec<PathBuf>>>()?;
        let baseline = environment.save_baseline(&format!("baseline-{number}"), &folders)?;
        for round in 0..rounds {
            for position in 0..BUILDS.len() {
                let build = (position + round + number) % BUILDS.len();
                let run = run_build(environment, &scenario, seconds, BUILDS[build])?;
                let json = environment.compare_with_baseline(&baseline, run.folder())?;
                let comparison = BaselineComparison { build, json };
                comparison.print(number);
                all.push(comparison);
            }
        }
    }
    let of_build = |build: usize| -> Vec<&BaselineComparison> {
        all.iter()
            .filter(|comparison| comparison.build == build)
            .collect()
    };
    let method = format!(
        "a saved baseline of {RUNS} runs of {seconds} s, {PER_S} requests per second; {baselines} baselines"
    );
    Ok(vec![
        row_same(&method, &of_build(0)),
        row_slower(&method, &of_build(1), 0.95, BUILDS[1]),
        row_slower(&method, &of_build(2), 0.8, BUILDS[2]),
    ])
}

/// Runs against the service, whose requests take `slower` times as long as usual.
fn run_build(
    environment: &Environment,
    scenario: &str,
    seconds: u64,
    slower: f64,
) -> anyhow::Result<Run> {
    let per_s = 1e3 / (SERVICE_MS * slower);
    let server = environment.serve(&format!("serve --service mdc:{CHANNELS},{per_s:.4}"))?;
    environment.run(scenario, seconds, &server)
}

impl BaselineComparison {
    /// The row of a metric for all requests.
    fn row(&self, metric: &str) -> Option<&Value> {
        let mut rows = self.json["rows"].as_array()?.iter();
        rows.find(|row| row["name"].is_null() && row["metric"] == metric)
    }

    /// The run's value of a metric divided by the baseline's.
    fn ratio(&self, metric: &str) -> Option<f64> {
        self.row(metric)?["ratio"].as_f64()
    }

    fn is_worse(&self) -> bool {
        self.json["outcome"] == "worse"
    }

    /// Whether the confidence interval of any tested row is completely beyond the row's tolerance.
    fn shows_worse(&self) -> bool {
        let rows = self.json["rows"].as_array();
        rows.into_iter().flatten().any(|row| {
            let beyond = |end: usize| row["interval"][end].as_f64();
            let Some(tolerance) = row["tolerance"].as_f64() else {
                return row["tested"] == true
                    && beyond(0) > row["tolerance_points"].as_f64().or(Some(f64::INFINITY));
            };
            let is_beyond = if row["metric"] == "throughput" {
                beyond(1).is_some_and(|high| high < 1.0 - tolerance)
            } else {
                beyond(0).is_some_and(|low| low > 1.0 + tolerance)
            };
            row["tested"] == true && is_beyond
        })
    }

    /// Negative control: whether p50 or p95 exceeds the baseline's by this share, whatever the spread of the baseline.
    fn exceeds_by(&self, share: f64) -> bool {
        ["p50", "p95"]
            .into_iter()
            .filter_map(|metric| self.ratio(metric))
            .any(|ratio| ratio > 1.0 + share)
    }

    fn print(&self, baseline: usize) {
        let shown = |metric: &str| -> Option<String> {
            let row = self.row(metric)?;
            let end = |at: usize| row["interval"][at].as_f64();
            Some(format!(
                "{:.4} ({:.4} to {:.4}) {}",
                row["ratio"].as_f64()?,
                end(0)?,
                end(1)?,
                row["outcome"].as_str()?.chars().next()?
            ))
        };
        let shown = |metric| shown(metric).unwrap_or_else(|| "–".into());
        println!(
            "  {baseline:<8}  ×{:<4}  {:<15}  {:<27}  {:<27}  {}",
            BUILDS[self.build],
            self.json["outcome"].as_str().unwrap_or("–"),
            shown("p50"),
            shown("p95"),
            shown("cpu_per_request")
        );
    }
}

fn count(all: &[&BaselineComparison], matches: impl Fn(&BaselineComparison) -> bool) -> usize {
    all.iter().filter(|comparison| matches(comparison)).count()
}

/// The row of runs against the unchanged service.
fn row_same(method: &str, all: &[&BaselineComparison]) -> ValidationRow {
    let worse = count(all, BaselineComparison::is_worse);
    let agree = count(all, |it| it.is_worse() == it.shows_worse());
    let undecided = count(all, |it| it.json["outcome"] == "not_enough_data");
    let naive = count(all, |it| it.exceeds_by(0.0));
    let number = all.len();
    ValidationRow {
        method: method.to_owned(),
        truth: format!("the same service, {SERVICE_MS} ms per request"),
        result: format!(
            "{worse} of {number} called worse, {undecided} inconclusive; {agree} of {number} outcomes agree with their intervals"
        ),
        goal: "at most 1 of 20 worse; all agree".into(),
        negative_control: format!("any increase is worse: {naive}"),
        // The negative control of a single run may pass by chance.
        holds: worse * 20 <= number && agree == number && (naive * 20 > number || number == 1),
    }
}

/// The row of runs against a service that is slower by the factor `by`, of which the share `found_min` must be found.
fn row_slower(method: &str, all: &[&BaselineComparison], found_min: f64, by: f64) -> ValidationRow {
    let found = count(all, BaselineComparison::is_worse);
    let agree = count(all, |it| it.is_worse() == it.shows_worse());
    let number = all.len();
    let naive = count(all, |it| it.exceeds_by(NAIVE_TOLERANCE));
    let mut ratios: Vec<f64> = all.iter().filter_map(|it| it.ratio("p50")).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    ValidationRow {
        method: method.to_owned(),
        truth: format!(
            "{:.0} ms per request instead of {SERVICE_MS}",
            SERVICE_MS * by
        ),
        result: format!(
            "{found} of {number} found; median ratio of the p50 to the baseline's {median:.3}; {agree} of {number} outcomes \
             agree with their intervals"
        ),
        goal: format!("at least {:.0} of 20 found; all agree", found_min * 20.0),
        negative_control: format!("an increase by a quarter is worse: {naive} found"),
        holds: found as f64 >= found_min * number as f64 && agree == number && naive < found,
    }
}
