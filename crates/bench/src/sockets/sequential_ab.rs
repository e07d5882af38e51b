//! Sequential A/B tests: the Application Agent compared with itself, and with a slower build.

use anyhow::Context;
use serde_json::Value;

use super::environment::Environment;
use super::faulty_agents::scenario;
use super::page::ValidationRow;

const AGENT: &str = "agent --retention 500";
/// Requests per second.
const PER_S: u32 = 500;
/// Tolerance of the A/B test, as a share.
const TOLERANCE: f64 = 0.05;
/// Additional response time of the slower build, as a share of the usual p50.
const SLOWER: f64 = 0.1;
/// Limit of each A/B test, in seconds.
const LIMIT_S: u64 = 300;

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    let same = ab_tests(environment, environment.choose(1, 20), AGENT)?;
    let usual_ms = same.iter().find_map(|found| value(found, "p50", "a"));
    let usual_ms = usual_ms.context("comparison.json has no p50")?;
    let by_us = (usual_ms * 1e3 * SLOWER).round();
    let slower = format!("{AGENT} --fault slower --by {by_us}");
    let slowed = ab_tests(environment, environment.choose(1, 5), &slower)?;
    Ok(vec![
        row_same(&same),
        row_slower(&slowed, &slower, usual_ms),
    ])
}

/// Runs `count` A/B tests of the agent and another command of the testbed, each with new processes.
fn ab_tests(environment: &Environment, count: usize, other: &str) -> anyhow::Result<Vec<Value>> {
    let (block, limit_s) = environment.choose(("2s", 60), ("5s", LIMIT_S));
    let scenario = scenario(environment, PER_S, 60)?;
    let tolerance = format!("{:.0}%", TOLERANCE * 100.0);
    (0..count)
        .map(|_| {
            let (a, b) = (environment.serve(AGENT)?, environment.serve(other)?);
            let arguments = ["--block", block, "--tolerance", &tolerance];
            let found = environment.ab_test(&scenario, limit_s, [&a, &b], &arguments)?;
            println!("  {other}: {}", found["message"]);
            Ok(found)
        })
        .collect()
}

/// A value of a metric of all requests: `a`, `b` or `ratio`.
fn value(found: &Value, metric: &str, column: &str) -> Option<f64> {
    let mut rows = found["rows"].as_array()?.iter();
    let row = rows.find(|row| row["name"].is_null() && row["metric"] == metric)?;
    row[column].as_f64()
}

/// Whether a valid A/B test has this outcome.
fn has_outcome(found: &Value, outcome: &str) -> bool {
    found["valid"] == true && found["outcome"] == outcome
}

/// Negative control: whether the p95 of the first pair of blocks differs by more than the tolerance.
fn is_worse_by_one_pair(found: &Value) -> bool {
    let pair = &found["values"]["p95"][0];
    let (a, b) = (pair[0].as_f64(), pair[1].as_f64());
    a.zip(b).is_some_and(|(a, b)| b > a * (1.0 + TOLERANCE))
}

fn count(all: &[Value], matches: impl Fn(&Value) -> bool) -> usize {
    all.iter().filter(|found| matches(found)).count()
}

/// The row of A/B tests of two equal builds.
fn row_same(all: &[Value]) -> ValidationRow {
    let worse = count(all, |found| has_outcome(found, "worse"));
    let not_worse = count(all, |found| {
        has_outcome(found, "same") || has_outcome(found, "better")
    });
    let naive = count(all, is_worse_by_one_pair);
    let number = all.len();
    ValidationRow {
        method: format!("A/B test: `testbed {AGENT}` against itself, {number} tests"),
        truth: "B equals A".into(),
        result: format!(
            "{worse} called worse, {not_worse} same or better, {} inconclusive; median duration {:.0} s",
            number - worse - not_worse,
            median_seconds(all)
        ),
        goal: "none worse".into(),
        negative_control: format!("from the p95 of one pair: {naive} worse"),
        // The negative control of a single test may pass by chance.
        holds: worse == 0 && (naive > 0 || number == 1),
    }
}

/// The row of A/B tests of a build and a slower one.
fn row_slower(all: &[Value], slower: &str, usual_ms: f64) -> ValidationRow {
    let in_time = |found: &Value| {
        found["duration_s"]
            .as_f64()
            .is_some_and(|s| s <= LIMIT_S as f64)
    };
    let found = count(all, |found| has_outcome(found, "worse") && in_time(found));
    let mut ratios: Vec<f64> = all
        .iter()
        .filter_map(|found| value(found, "p50", "ratio"))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    ValidationRow {
        method: format!("A/B test: `testbed {AGENT}` against `testbed {slower}`"),
        truth: format!(
            "B takes longer by {:.0} % of the p50 of {usual_ms:.2} ms",
            SLOWER * 100.0
        ),
        result: format!(
            "{found} of {} found, θ = {:.0} %; medians: p50 of B over A {ratio:.3}, {:.0} s",
            all.len(),
            TOLERANCE * 100.0,
            median_seconds(all)
        ),
        goal: format!("all, within {LIMIT_S} s"),
        negative_control: format!(
            "from the p95 of one pair: {} found",
            count(all, is_worse_by_one_pair)
        ),
        holds: found == all.len(),
    }
}

/// Median duration of the A/B tests, in seconds.
fn median_seconds(all: &[Value]) -> f64 {
    let seconds = all.iter().filter_map(|found| found["duration_s"].as_f64());
    let mut seconds: Vec<f64> = seconds.collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}
