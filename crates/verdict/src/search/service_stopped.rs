//! A service that stopped responding in the middle of a search, and did not come back when the load was taken away.

use brunt_record::{FailureKind, RunRecord, SearchPhase, StoppedBy};

use crate::convert::whole_number;

/// A service that responds to nothing for so long, at little load, has stopped, in seconds.
pub(super) const STOPPED_S: f64 = 10.0;
/// So many requests have to have failed meanwhile.
pub(super) const FAILED_MIN: u64 = 3;

/// When a service stopped responding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ServiceStop {
    /// The end of the second in which it last responded well.
    pub(crate) at_s: f64,
    /// The level that was offered then.
    pub(crate) level: f64,
    /// How most requests failed since.
    pub(crate) kind: Option<FailureKind>,
}

/// When the service stopped responding for good, where it did before the search was over; `phase` is the last phase of
/// the search.
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

/// Requests that were answered well, and those that were not, from one moment to another.
pub(super) fn responded(record: &RunRecord, from_s: f64, to_s: f64) -> (u64, u64) {
    let seconds = record.timeline.seconds();
    let range = whole_number(from_s)..whole_number(to_s);
    seconds.range(range).fold((0, 0), |(ok, failed), second| {
        (ok + second.ok, failed + second.failed + second.unanswered)
    })
}
