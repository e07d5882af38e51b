//! Short findings: a run that did not end as planned, and faults of brunt that changed no grade.

use brunt_record::{FailureKind, Histogram, Measure, Outcome, RunRecord, Scope, StoppedBy};

use crate::blocks::BLOCKS_MIN;
use crate::evidence::{every_outcome, lags};
use crate::result::Completion;
use crate::sentence::capital;
use crate::signal::{self, Signal};
use crate::{Figure, Finding, FindingKind, number, stall};

/// A lag below this is nobody's concern, in milliseconds.
const LAG_MS: f64 = 10.0;

/// A lag below this share of the response time is not, either.
const LAG_SHARE: f64 = 0.1;

/// That the run broke off or was stopped before its end.
pub(crate) fn unfinished(record: &RunRecord) -> Option<Finding> {
    let stopped = stop(record)?;
    let sentence = match Completion::of(record) {
        Completion::ServiceStopped => stop_after_reason(record)?,
        _ => stopped,
    };
    let sentence = format!("{}.", capital(&sentence));
    Some(Finding::new(FindingKind::Unfinished, sentence))
}

/// That the run was judged though it is shorter than usual, since the scenario asked for that.
pub(crate) fn short_run(record: &RunRecord) -> Option<Finding> {
    let min_s = record.header.min_duration_s?;
    let run_s = record.duration_s();
    let is_judged = record.header.load.search.is_none() && !record.header.targets.is_empty();
    let is_short = run_s < BLOCKS_MIN as f64 && min_s < BLOCKS_MIN as f64;
    let sentence = format!(
        "The scenario lets runs of {} pass (min_duration): ups and downs of the service that are longer than this run \
         of {} do not show in it.",
        number::seconds(min_s),
        number::seconds(run_s)
    );
    let finding = Finding::new(FindingKind::ShortRun, sentence);
    (is_judged && is_short).then(|| finding.with("min_duration_s", Figure::Number(min_s)))
}

/// That certificates were not verified, so that another host may have responded.
pub(crate) fn insecure(record: &RunRecord) -> Option<Finding> {
    let sentence =
        "TLS certificates were not verified: the responses may have come from another host.";
    let is_insecure = record.header.generator.insecure;
    is_insecure.then(|| Finding::new(FindingKind::Insecure, sentence))
}

/// How many requests were sent again.
pub(crate) fn retries(record: &RunRecord) -> Option<Finding> {
    let totals = record.timeline.name_totals().iter();
    let [retries, sent] = totals.fold([0_u64; 2], |[retries, sent], totals| {
        [
            retries.saturating_add(totals.retries),
            sent.saturating_add(totals.wire_requests),
        ]
    });
    let (were, repeats) = match retries {
        0 => return None,
        1 => ("was", "The repeat is one"),
        _ => ("were", "The repeats are some"),
    };
    let sentence = format!(
        "{} {were} sent again: the server had closed the idle connection before any of it was sent, or said by \
         HTTP/2 that it has not processed it. {repeats} of the {} on the wire, and no failure.",
        number::requests(retries),
        number::requests(sent),
    );
    let finding = Finding::new(FindingKind::Retries, sentence);
    Some(finding.with("retries", Figure::Count(retries)))
}

/// How many cookies users' jars had no room for.
pub(crate) fn cookies_dropped(record: &RunRecord) -> Option<Finding> {
    let seconds = record.timeline.seconds().iter();
    let dropped = seconds.fold(0_u64, |sum, second| {
        sum.saturating_add(second.cookies_dropped)
    });
    let cookies = match dropped {
        0 => return None,
        1 => "1 cookie was dropped: it was too large, or the user\u{2019}s cookie jar was full"
            .to_owned(),
        _ => format!(
            "{} cookies were dropped: they were too large, or a user\u{2019}s cookie jar was full",
            number::count(dropped)
        ),
    };
    let sentence = format!(
        "{cookies} (4,096 bytes a cookie; 180 cookies and 256 KiB a domain; 3,300 cookies and 1 MiB in all, as in \
         browsers). Later requests did not send them."
    );
    let finding = Finding::new(FindingKind::CookiesDropped, sentence);
    Some(finding.with("cookies", Figure::Count(dropped)))
}

/// Whether the run was stopped since a target was surely missed.
pub(crate) fn is_stopped_for_target(record: &RunRecord) -> bool {
    let ending = record.ending.as_ref();
    ending.is_some_and(|ending| ending.stopped_by == StoppedBy::TargetMissed)
}

/// Who stopped the run before its end, when, and why.
pub(crate) fn stop(record: &RunRecord) -> Option<String> {
    const BRUNT: &str = "stopped by brunt";
    let stopped_by = record.ending.as_ref().map(|ending| ending.stopped_by);
    let (who, why) = match stopped_by {
        Some(StoppedBy::Finished) => return None,
        Some(StoppedBy::Interrupted) => ("stopped by Ctrl-C", ""),
        Some(StoppedBy::Terminated) => ("stopped by SIGTERM", ""),
        Some(StoppedBy::SetupFailed) => (BRUNT, ", since the set-up failed"),
        Some(StoppedBy::Unreachable) => (BRUNT, ", since the host could not be reached"),
        Some(StoppedBy::EverythingFailed) => (BRUNT, ", since every request failed"),
        Some(StoppedBy::TargetEnded) => (BRUNT, ", since the process under test ended"),
        Some(StoppedBy::Scenario) => ("stopped by the scenario", ""),
        Some(StoppedBy::TargetMissed) => (BRUNT, " (stop_at)"),
        Some(StoppedBy::WorkerLost) => (BRUNT, ", since a process of the load was lost"),
        Some(StoppedBy::InternalError) => ("stopped by an error in brunt itself", ""),
        None => (
            "the record breaks off",
            " (brunt was killed or could not write it)",
        ),
    };
    let seen = number::seconds(record.duration_s());
    let longest = record.header.load.until_decided_s;
    let planned = number::seconds(record.header.load.duration_s());
    let planned = match longest {
        Some(longest_s) if record.duration_s() > record.header.load.duration_s() => {
            format!("at most {}", number::seconds(longest_s))
        }
        _ => planned,
    };
    let reason = record
        .ending
        .as_ref()
        .and_then(|ending| ending.stop_reason.as_ref());
    let reason = reason
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    if stopped_by == Some(StoppedBy::TargetMissed) {
        let seen = number::seconds(record.duration_s().floor());
        let seen = seen.trim_end_matches(" s");
        return Some(format!("{who} at {seen} of {planned}{why}{reason}"));
    }
    Some(format!("{who} after {seen} of {planned}{why}{reason}"))
}

/// What ended the service or its answers, then when the run was stopped for it, if it was.
pub(crate) fn stop_after_reason(record: &RunRecord) -> Option<String> {
    let ending = record.ending.as_ref();
    let stopped_by = ending.map(|ending| ending.stopped_by);
    let is_stopped_for_it = matches!(
        stopped_by,
        Some(StoppedBy::EverythingFailed | StoppedBy::TargetEnded)
    );
    if !is_stopped_for_it && let Some(stall) = stall::for_good(record) {
        return Some(format!(
            "the service stopped responding at {}, for the rest of the run ({})",
            number::seconds(stall.from_s),
            number::seconds(stall.seconds())
        ));
    }
    let Some(reason) = ending.and_then(|ending| ending.stop_reason.as_ref()) else {
        return stop(record);
    };
    let seen = number::seconds(record.duration_s());
    let planned = number::seconds(record.header.load.duration_s());
    Some(format!(
        "{reason}; stopped by brunt after {seen} of {planned}"
    ))
}

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
) -> impl Iterator<Item = &brunt_record::Failure> {
    let failures = record.timeline.failures().iter();
    failures.filter(move |failure| {
        let name = record.timeline.names().get(failure.name.index());
        failure.kind == kind && name.is_some_and(brunt_record::RequestName::is_judged)
    })
}

/// Whether any request of a task was answered, well or badly. If no user came to its tasks, nothing was measured, whatever
/// their `on_start` was answered.
pub(crate) fn is_answered(record: &RunRecord) -> bool {
    let timeline = &record.timeline;
    let names: Vec<_> = timeline.names_in(Scope::All).collect();
    let of_tasks = Scope::Names(&names);
    let count = |outcome| {
        timeline
            .histogram(of_tasks, Measure::Response, outcome)
            .count()
    };
    count(Outcome::Ok) + count(Outcome::Failed) > 0
}

/// Faults of brunt that changed no grade. If they made the run invalid, the reasons for that name them.
pub(crate) fn notes(record: &RunRecord, is_late: bool) -> Vec<Finding> {
    let of_lateness = if is_late { None } else { lateness(record) };
    let all = of_lateness
        .into_iter()
        .chain(signal::clock_was_set(record))
        .chain(signal::unseen(record));
    all.map(|what| Finding::new(FindingKind::GeneratorNote, format!("{what}.")))
        .collect()
}

/// That brunt was late, or kept from its work.
fn lateness(record: &RunRecord) -> Option<String> {
    if let Some(signal) = Signal::to_note(record) {
        return Some(format!("{}; this changed no grade", signal.in_words()));
    }
    let lag_ms = p99_ms(&lags(record))?;
    let response_ms = p99_ms(&every_outcome(record, Measure::Response))?;
    let is_large = lag_ms > LAG_MS && lag_ms > LAG_SHARE * response_ms;
    is_large.then(|| {
        format!(
            "brunt itself was late: the p99 of its lag is {} ms, {} % of the p99 of the response \
             time; this changed no grade",
            number::measured(lag_ms),
            number::measured(lag_ms / response_ms * 100.0)
        )
    })
}

/// The 99th percentile of durations, whatever became of the requests.
pub(crate) fn p99_ms(durations: &Histogram) -> Option<f64> {
    let all = brunt_record::Distribution {
        ok: durations.clone(),
        unanswered: 0,
    };
    all.percentile(0.99)?.ms()
}
