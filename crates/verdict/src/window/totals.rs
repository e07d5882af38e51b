//! Totals of a run record: requests by outcome, failures, and durations whatever the outcome.

use brunt_record::{
    Distribution, Failure, FailureKind, Histogram, Measure, Outcome, RequestName, RunRecord, Scope,
};

/// A reading may come so much after the second that it tells of.
const READ_LATE_MS: u64 = 500;

/// Requests that were answered well, answered badly, and never answered; the set-up's are left out.
pub(crate) fn counts(record: &RunRecord) -> [u64; 3] {
    let count = |outcome| {
        let timeline = &record.timeline;
        let all = timeline.histogram(Scope::All, Measure::Response, outcome);
        all.count()
    };
    [Outcome::Ok, Outcome::Failed, Outcome::Unanswered].map(count)
}

/// Requests that failed in one way; the set-up's are left out.
pub(crate) fn failures(record: &RunRecord, kind: FailureKind) -> u64 {
    judged_failures(record, kind)
        .map(|failure| failure.count)
        .sum()
}

/// The failures of one kind; the set-up's are left out.
pub(crate) fn judged_failures(
    record: &RunRecord,
    kind: FailureKind,
) -> impl Iterator<Item = &Failure> {
    let failures = record.timeline.failures().iter();
    failures.filter(move |failure| {
        let name = record.timeline.names().get(failure.name.index());
        failure.kind == kind && name.is_some_and(RequestName::is_judged)
    })
}

/// Whether any request of a task was answered, well or badly. If no user came to its tasks, nothing was measured, whatever
/// their `on_start` was answered.
pub(crate) fn is_answered(record: &RunRecord) -> bool {
    let [ok, failed] = task_counts(record);
    ok + failed > 0
}

/// Whether requests of tasks received responses, and all of them failed.
pub(crate) fn all_failed(record: &RunRecord) -> bool {
    let [ok, failed] = task_counts(record);
    ok == 0 && failed > 0
}

/// Number of requests of tasks that received a response: successful and failed ones.
fn task_counts(record: &RunRecord) -> [u64; 2] {
    let timeline = &record.timeline;
    let names: Vec<_> = timeline.names_in(Scope::All).collect();
    let of_tasks = Scope::Names(&names);
    let count = |outcome| {
        timeline
            .histogram(of_tasks, Measure::Response, outcome)
            .count()
    };
    [Outcome::Ok, Outcome::Failed].map(count)
}

/// Lags of all requests, however they ended.
pub(crate) fn lags(record: &RunRecord) -> Histogram {
    every_outcome(record, Measure::Lag)
}

/// Durations of all requests, however they ended.
pub(crate) fn every_outcome(record: &RunRecord, measure: Measure) -> Histogram {
    let mut merged = Histogram::default();
    for outcome in Outcome::ALL {
        let durations = record.timeline.histogram(Scope::All, measure, outcome);
        merged.merge(&durations);
    }
    merged
}

/// The 99th percentile of durations, whatever became of the requests.
pub(crate) fn p99_ms(durations: &Histogram) -> Option<f64> {
    let all = Distribution {
        ok: durations.clone(),
        unanswered: 0,
    };
    all.percentile(0.99)?.ms()
}

/// The second of the run that a reading tells of: the one that has just ended. `None` where none has.
pub(crate) fn second_of_reading(at_ms: u64) -> Option<usize> {
    let since_ms = at_ms.checked_sub(READ_LATE_MS)?;
    usize::try_from(since_ms / 1_000).ok()
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_tells_of_the_second_that_has_just_ended() {
        for (at_ms, second) in [
            (20, None),
            (499, None),
            (990, Some(0)),
            (1_000, Some(0)),
            (1_499, Some(0)),
            (1_500, Some(1)),
            (2_010, Some(1)),
        ] {
            assert_eq!(second_of_reading(at_ms), second, "{at_ms} ms");
        }
    }
}
