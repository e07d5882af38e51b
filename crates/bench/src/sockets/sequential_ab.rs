//! Two builds in one sitting: the Application Agent beside itself, and beside one that is slower.

use anyhow::Context;
use serde_json::Value;

use super::environment::Environment;
use super::faulty_agents::scenario;
use super::row::Row;

const AGENT: &str = "agent --retention 500";
const PER_S: u32 = 500;
/// A difference by this share is none.
const TOLERANCE: f64 = 0.05;
/// The slower build takes longer by this share of what is usual.
const SLOWER: f64 = 0.1;
/// Every sitting is to end within so many seconds.
const LIMIT_S: u64 = 300;

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    let alike = sittings(environment, environment.choose(1, 20), AGENT)?;
    let usual_ms = alike.iter().find_map(|found| figure(found, "p50", "a"));
    let usual_ms = usual_ms.context("no p50 was measured")?;
    let by_us = (usual_ms * 1e3 * SLOWER).round();
    let slower = format!("{AGENT} --fault slower --by {by_us}");
    let slowed = sittings(environment, environment.choose(1, 5), &slower)?;
    Ok(vec![
        row_alike(&alike),
        row_slower(&slowed, &slower, usual_ms),
    ])
}

/// So many sittings of the agent and another, each with processes of their own.
fn sittings(environment: &Environment, count: usize, other: &str) -> anyhow::Result<Vec<Value>> {
    let (block, limit_s) = environment.choose(("2s", 60), ("5s", LIMIT_S));
    let scenario = scenario(environment, PER_S, 60)?;
    let tolerance = format!("{:.0}%", TOLERANCE * 100.0);
    (0..count)
        .map(|_| {
            let (a, b) = (environment.serve(AGENT)?, environment.serve(other)?);
            let arguments = ["--block", block, "--tolerance", &tolerance];
            let found = environment.compare(&scenario, limit_s, [&a, &b], &arguments)?;
            println!("  {other}: {}", found["sentence"]);
            Ok(found)
        })
        .collect()
}

/// A figure of all requests.
fn figure(found: &Value, measured: &str, of: &str) -> Option<f64> {
    let mut rows = found["rows"].as_array()?.iter();
    let row = rows.find(|row| row["name"].is_null() && row["measured"] == measured)?;
    row[of].as_f64()
}

fn is(found: &Value, outcome: &str) -> bool {
    found["valid"] == true && found["outcome"] == outcome
}

/// Who looks at one pair of blocks, and takes what is more for worse.
fn is_worse_by_one_pair(found: &Value) -> bool {
    let pair = &found["values"]["p95"][0];
    let (a, b) = (pair[0].as_f64(), pair[1].as_f64());
    a.zip(b).is_some_and(|(a, b)| b > a * (1.0 + TOLERANCE))
}

fn count(all: &[Value], is_so: impl Fn(&Value) -> bool) -> usize {
    all.iter().filter(|found| is_so(found)).count()
}

fn row_alike(all: &[Value]) -> Row {
    let worse = count(all, |found| is(found, "worse"));
    let fine = count(all, |found| is(found, "same") || is(found, "better"));
    let naive = count(all, is_worse_by_one_pair);
    let number = all.len();
    Row {
        method: format!("A against B: `testbed {AGENT}` and another of it, sittings: {number}"),
        truth: "A is B".into(),
        reached: format!(
            "{worse} called worse, {fine} fine, {} not known; {:.0} s, median",
            number - worse - fine,
            median_seconds(all)
        ),
        goal: "none worse".into(),
        negative_control: format!("by the p95 of one pair: {naive} worse"),
        // A single one need not show it.
        holds: worse == 0 && (naive > 0 || number == 1),
    }
}

fn row_slower(all: &[Value], slower: &str, usual_ms: f64) -> Row {
    let in_time = |found: &Value| {
        found["seconds"]
            .as_f64()
            .is_some_and(|s| s <= LIMIT_S as f64)
    };
    let found = count(all, |found| is(found, "worse") && in_time(found));
    let mut ratios: Vec<f64> = all
        .iter()
        .filter_map(|found| figure(found, "p50", "ratio"))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    Row {
        method: format!("A against B: `testbed {AGENT}` and `testbed {slower}`"),
        truth: format!(
            "B takes {:.0} % of its p50 of {usual_ms:.2} ms longer",
            SLOWER * 100.0
        ),
        reached: format!(
            "{found} of {} found, θ = {:.0} %; p50 of B over A {ratio:.3}, {:.0} s, medians",
            all.len(),
            TOLERANCE * 100.0,
            median_seconds(all)
        ),
        goal: format!("all, within {LIMIT_S} s"),
        negative_control: format!(
            "by the p95 of one pair: {} found",
            count(all, is_worse_by_one_pair)
        ),
        holds: found == all.len(),
    }
}

fn median_seconds(all: &[Value]) -> f64 {
    let seconds = all.iter().filter_map(|found| found["seconds"].as_f64());
    let mut seconds: Vec<f64> = seconds.collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}
