//! Detection of a service that stops responding during a search, and does not recover when the load is removed.

use brunt_record::{FailureKind, RunRecord, SearchPhase, StoppedBy};

use crate::convert::whole_number;

/// Time without a response at low load after which a service has stopped, in seconds.
pub(super) const STOPPED_S: f64 = 10.0;
/// The number of requests that must have failed during that time.
pub(super) const FAILED_MIN: u64 = 3;

/// The time when a service stopped responding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ServiceStop {
    /// End of the second of its last successful response.
    pub(crate) at_s: f64,
    /// The level at that time.
    pub(crate) level: f64,
    /// The most frequent failure afterwards.
    pub(crate) kind: Option<FailureKind>,
}

/// Returns when the service stopped responding for good, if it did before the search was over; `phase` is the last
/// phase of the search.
pub(crate) fn service_stopped(record: &RunRecord, phase: SearchPhase) -> Option<ServiceStop> {
    let seconds = record.timeline.seconds();
    let last_ok = (0..seconds.len())
        .rev()
        .find(|at| seconds.get(*at).is_some_and(|second| second.ok > 0))?;
    let silent = last_ok + 1..seconds.len();
    let mut counted = vec![0u64; FailureKind::ALL.len()];
    let mut failed = 0;
    for second in seconds.range(silent) {
        failed += second.requests();
        for (kind, count) in &second.failures {
            let place = FailureKind::ALL.iter().position(|known| known == kind);
            if let Some(place) = place {
                counted[place] += count;
            }
        }
    }
    let stopped_by = record.ending.as_ref().map(|ending| ending.stopped_by);
    let has_ended = stopped_by == Some(StoppedBy::TargetEnded);
    let was_asked = phase == SearchPhase::Drain
        && record.duration_s() - (last_ok + 1) as f64 >= STOPPED_S
        && failed >= FAILED_MIN;
    if !(has_ended || was_asked) {
        return None;
    }
    let most = counted.iter().enumerate().max_by_key(|(_, count)| **count);
    let at_s = (last_ok + 1) as f64;
    Some(ServiceStop {
        at_s,
        level: record.load().level_at(at_s - 0.5),
        kind: most
            .filter(|(_, count)| **count > 0)
            .map(|(place, _)| FailureKind::ALL[place]),
    })
}

/// Successful and failed requests between two times.
pub(super) fn responded(record: &RunRecord, from_s: f64, to_s: f64) -> (u64, u64) {
    let seconds = record.timeline.seconds();
    let range = whole_number(from_s)..whole_number(to_s);
    seconds.range(range).fold((0, 0), |(ok, failed), second| {
        (ok + second.ok, failed + second.failed + second.unanswered)
    })
}
