//! Report of an A/B comparison: how the two builds were run, `comparison.json`, and the progress line.

use std::collections::BTreeMap;

use brunt_verdict::AbSummary;
use brunt_verdict::comparison::{Change, ComparisonRow, Look};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::comparison::{self, json_row};
use crate::number;

/// Schema version of `comparison.json`. It increases when a field is removed or changes its meaning, not when one is added.
pub const COMPARISON_SCHEMA_VERSION: u32 = 1;

/// Results of an A/B comparison, and its configuration.
#[derive(Debug, Clone, Copy)]
pub struct AbReport<'a> {
    /// Results of the comparison.
    pub ab_summary: &'a AbSummary,
    /// Configuration of the comparison.
    pub info: &'a AbRunInfo,
}

/// Configuration of an A/B comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct AbRunInfo {
    /// Name of the comparison and of its results folder.
    pub run_id: String,
    /// The version of brunt.
    pub brunt_version: String,
    /// Scenario file as given by the user.
    pub scenario_file: String,
    /// Hash of the scenario.
    pub scenario_hash: String,
    /// Profile whose highest level was held.
    pub profile: String,
    /// Description of this level.
    pub level: String,
    /// The seed of all randomness.
    pub seed: u64,
    /// Start, RFC 3339, UTC.
    pub started_at: String,
    /// Duration of a block, in seconds.
    pub block_s: f64,
    /// Warm-up of each block, in seconds.
    pub uncounted_s: f64,
    /// Maximum duration, in seconds.
    pub limit_s: f64,
    /// Description of brunt's machine.
    pub machine: String,
}

impl AbRunInfo {
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let seconds = |seconds: f64| format!("{seconds} s");
        vec![
            ("Run", self.run_id.clone()),
            ("Started", self.started_at.clone()),
            (
                "Scenario",
                format!("{} ({})", self.scenario_file, self.scenario_hash),
            ),
            ("Load", self.level.clone()),
            ("Block", seconds(self.block_s)),
            (
                "Not counted",
                format!("the first {} of each block", seconds(self.uncounted_s)),
            ),
            ("Maximum duration", seconds(self.limit_s)),
            ("Seed", self.seed.to_string()),
            ("Machine", self.machine.clone()),
            ("brunt", self.brunt_version.clone()),
        ]
    }
}

/// `comparison.json`: the results for other programs.
#[expect(
    clippy::missing_panics_doc,
    reason = "there is nothing in it that JSON cannot hold"
)]
pub fn ab_report_json(report: &AbReport) -> String {
    let AbReport { ab_summary, info } = report;
    let [a, b] = &ab_summary.hosts;
    let rows = ab_summary.measurement.rows.iter();
    let value = json!({
        "schema": COMPARISON_SCHEMA_VERSION,
        "run_id": info.run_id,
        "brunt_version": info.brunt_version,
        "profile": info.profile,
        "scenario_file": info.scenario_file,
        "scenario_hash": info.scenario_hash,
        "seed": info.seed,
        "started_at": info.started_at,
        "host_a": a,
        "host_b": b,
        "block_s": info.block_s,
        "max_duration_s": info.limit_s,
        "pairs": ab_summary.measurement.pairs,
        "pairs_excluded": ab_summary.measurement.left_out,
        "duration_s": ab_summary.measurement.seconds,
        "stopped": ab_summary.is_stopped,
        "valid": ab_summary.is_valid(),
        "outcome": ab_summary.outcome().name(),
        "headline": ab_summary.headline(),
        "values": ab_summary.measurement.values.iter().map(|(measured, values)| (measured.name(), values)).collect::<BTreeMap<_, _>>(),
        "looks": ab_summary.measurement.looks.iter().map(|(measured, looks)| (measured.name(), json_looks(looks))).collect::<BTreeMap<_, _>>(),
        "figures": "usual_pair",
        "rows": rows.map(|row| json_row(row, ["a", "b"])).collect::<Vec<Value>>(),
    });
    let text = serde_json::to_string_pretty(&value);
    text.expect("numbers, texts and lists of them are always JSON") + "\n"
}

fn json_looks(looks: &[Look]) -> Value {
    let looks = looks.iter().map(|look| {
        let change = match look.change {
            Change::Ratio { ratio, .. } => ratio,
            Change::Points { by, .. } => by,
        };
        json!({"pairs": look.pairs, "change": change, "interval": comparison::json_interval(look.change)})
    });
    looks.collect()
}

/// Progress line of an A/B comparison, at most `width` columns wide: progress, and the current results of the tests.
pub fn ab_progress_line(
    pairs: usize,
    seconds: f64,
    limit_s: f64,
    rows: &[ComparisonRow],
    width: usize,
) -> String {
    let mut line = format!("A vs. B: {pairs} pairs, {seconds:.0} of at most {limit_s:.0} s");
    for row in rows {
        let (change, interval) = comparison::change(row);
        if interval.is_empty() {
            continue;
        }
        let next = format!(" · {} {change} ({interval})", row.metric.in_words());
        if line.width() + next.width() > width {
            break;
        }
        line += &next;
    }
    crate::terminal::shortened(&number::one_line(&line), width)
}
