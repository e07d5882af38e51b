//! Values and facts of a run in words: the same in every report.

use brunt_record::{ArrivalProcess, Load, NameKind, RunRecord, StoppedBy};
use brunt_verdict::{Grade, Judgment, Value};

use crate::Judged;
use crate::number::{self, one_line};
use crate::request_stats::RequestStats;

/// Number of stages of a load that are named.
const STAGES_SHOWN: usize = 6;

/// Metric of a target, and the requests it is of.
pub(crate) fn title(run: &Judged, row: &Judgment) -> String {
    let metric = row.target.metric.name();
    match run.record.header.scope_title(&row.target) {
        None => metric,
        Some(requests) => format!("{metric} of {}", one_line(&requests)),
    }
}

/// Measured value of a target.
pub(crate) fn value(row: &Judgment) -> String {
    match row.value {
        Value::Known(value) => number::with_unit(value, row.unit),
        Value::Unanswered => "no response".to_owned(),
        Value::Unknown => "–".to_owned(),
    }
}

/// Confidence interval of a measured value; empty without one.
pub(crate) fn interval(row: &Judgment) -> String {
    let unit = row.unit;
    row.interval
        .as_ref()
        .map_or_else(String::new, |interval| number::interval(interval, unit))
}

/// A value of a row: values of a user's own metric have no unit.
pub(crate) fn measured(stats: &RequestStats, value: Option<f64>, unanswered: bool) -> String {
    match (stats.kind, value) {
        (NameKind::Metric, Some(value)) => number::plain(value),
        (_, value) => waited(value, unanswered),
    }
}

/// A duration; if it is unknown and `unanswered` is set, it is among requests without a response.
pub(crate) fn waited(value: Option<f64>, unanswered: bool) -> String {
    match value {
        Some(ms) => number::ms(ms),
        None if unanswered => "no response".to_owned(),
        None => "–".to_owned(),
    }
}

/// Start of the load, to the second, UTC.
pub(crate) fn began(record: &RunRecord) -> String {
    let began = format!("{:.0}", record.header.started_at);
    began.replace('T', " ").replace('Z', " UTC")
}

/// The planned load, stage by stage.
pub(crate) fn plan(load: &Load) -> String {
    load.parts()
        .map(plan_alone)
        .collect::<Vec<_>>()
        .join("; in parallel ")
}

fn plan_alone(load: &Load) -> String {
    let what = if load.open.is_some() {
        "arrivals per second"
    } else {
        "users"
    };
    let short = |value: f64| number::threshold(value, "").trim_end().to_owned();
    if let Some(search) = &load.search {
        return format!("search from {} {what}", short(search.from));
    }
    let shown = load.stages.iter().take(STAGES_SHOWN);
    let stages = shown.map(|stage| {
        let (from, to) = (short(stage.from), short(stage.to));
        let (level, preposition) = if from == to {
            (to, "for")
        } else {
            (format!("{from} to {to}"), "in")
        };
        format!(
            "{level} {preposition} {}",
            number::moment(stage.seconds, stage.seconds)
        )
    });
    let more = match load.stages.len().saturating_sub(STAGES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more stages"),
    };
    let law = match load.open.map(|open| open.arrival_process) {
        None => "",
        Some(ArrivalProcess::Poisson) => ", as a Poisson process",
        Some(ArrivalProcess::Constant) => ", evenly spaced",
    };
    let stages = stages.collect::<Vec<_>>().join(", then ");
    format!("{what}: {stages}{more}{law}")
}

/// End of the run, with its reason.
pub(crate) fn end_of(record: &RunRecord) -> String {
    let Some(ending) = &record.ending else {
        return "the record is incomplete: brunt was killed or could not write it".to_owned();
    };
    let words = match ending.stopped_by {
        StoppedBy::Finished => "completed",
        StoppedBy::Interrupted => "stopped by Ctrl-C",
        StoppedBy::Terminated => "stopped by SIGTERM",
        StoppedBy::SetupFailed => "stopped by brunt: the setup failed",
        StoppedBy::Unreachable => "stopped by brunt: the host could not be reached",
        StoppedBy::EverythingFailed => "stopped by brunt: all requests failed",
        StoppedBy::TargetEnded => "stopped by brunt: the process under test ended",
        StoppedBy::Scenario => "stopped by the scenario",
        StoppedBy::TargetMissed => "stopped by brunt: a target was missed beyond doubt (stop_at)",
        StoppedBy::WorkerLost => "stopped by brunt: a worker process was lost",
        StoppedBy::InternalError => "stopped by an internal error of brunt",
    };
    match &ending.stop_reason {
        Some(reason) => format!("{words} ({reason})"),
        None => words.to_owned(),
    }
}

/// Reasons that several targets share, such as that a search does not grade them. They are shown once, below the targets.
pub(crate) fn shared_reasons(judgments: &[Judgment]) -> Vec<&str> {
    let mut shared: Vec<&str> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for reason in judgments.iter().filter_map(|row| row.reason.as_deref()) {
        if seen.contains(&reason) && !shared.contains(&reason) {
            shared.push(reason);
        }
        seen.push(reason);
    }
    shared
}

/// Notes of one target: its reason, unless it is shared, and the note on its interval.
pub(crate) fn own_notes<'a>(
    row: &'a Judgment,
    shared: &'a [&str],
) -> impl Iterator<Item = &'a String> {
    let reason = row.reason.iter();
    let reason = reason.filter(|reason| !shared.contains(&reason.as_str()));
    reason.chain(&row.interval_note)
}

/// Grade of a target; a dash if a search does not grade it, which a shared note explains.
pub(crate) fn grade(run: &Judged, row: &Judgment) -> &'static str {
    match row.grade {
        Grade::NotApplicable if run.record.header.load.search.is_some() => "–",
        grade => grade.in_words(),
    }
}
