//! Totals of a run record: requests by outcome, failures, and durations whatever the outcome.

use brunt_record::{
    Distribution, Failure, FailureKind, Histogram, Measure, Outcome, RequestName, RunRecord, Scope,
};

/// Delay after which a reading still belongs to the second that has just ended.
const READ_LATE_MS: u64 = 500;

/// Requests that succeeded, failed, and got no response; set-up requests are excluded.
pub(crate) fn counts(record: &RunRecord) -> [u64; 3] {
    let count = |outcome| {
        let timeline = &record.timeline;
        let all = timeline.histogram(Scope::All, Measure::Response, outcome);
        all.count()
    };
    [Outcome::Ok, Outcome::Failed, Outcome::Unanswered].map(count)
}

/// Requests that failed in one way; set-up requests are excluded.
pub(crate) fn failures(record: &RunRecord, kind: FailureKind) -> u64 {
    judged_failures(record, kind)
        .map(|failure| failure.count)
        .sum()
}

/// Failures of one kind; those of set-up requests are excluded.
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

/// Returns whether any request of a task got a response. If no user reached its tasks, nothing was measured, whatever
/// the responses to `on_start` were.
pub(crate) fn has_response(record: &RunRecord) -> bool {
    let [ok, failed] = task_counts(record);
    ok + failed > 0
}

/// Returns whether requests of tasks got responses, all of which failed.
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

/// Lags of all requests, whatever their outcome.
pub(crate) fn lags(record: &RunRecord) -> Histogram {
    every_outcome(record, Measure::Lag)
}

/// Durations of all requests, whatever their outcome.
pub(crate) fn every_outcome(record: &RunRecord, measure: Measure) -> Histogram {
    let mut merged = Histogram::default();
    for outcome in Outcome::ALL {
        let durations = record.timeline.histogram(Scope::All, measure, outcome);
        merged.merge(&durations);
    }
    merged
}

/// The 99th percentile of durations.
pub(crate) fn p99_ms(durations: &Histogram) -> Option<f64> {
    let all = Distribution {
        ok: durations.clone(),
        unanswered: 0,
    };
    all.percentile(0.99)?.ms()
}

/// The second that a reading describes: the one that has just ended. `None` before the first has ended.
pub(crate) fn second_of_reading(at_ms: u64) -> Option<usize> {
    let since_ms = at_ms.checked_sub(READ_LATE_MS)?;
    usize::try_from(since_ms / 1_000).ok()
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_describes_the_second_that_has_just_ended() {
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
