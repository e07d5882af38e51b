//! Validity: whether the run describes the service, or brunt and its machine. A run is invalid if that mattered: if a
//! grade or a finding would be another, or the load was not made.

use std::fmt;

use brunt_record::{FailureKind, Load, Metric, RunRecord, StoppedBy};

use crate::convert::whole_number;
use crate::findings::{degradation, recovery};
use crate::generator::overload;
use crate::generator::signals::GeneratorSignal;
use crate::grading::lost_users::LostUsers;
use crate::judging::graded_target::GradedTarget;
use crate::number;
use crate::search::breaking_point::BreakingPoint;
use crate::window::totals;
use crate::window::totals::{lags, p99_ms};

/// Users that the plan is behind by this much are still on their way.
const RAMP_TOLERANCE_S: f64 = 2.0;

/// The share of the planned users, or of the planned arrivals, below which load was not made.
const USERS_MADE: f64 = 0.9;
const ARRIVALS_MADE: f64 = 0.9;

/// A reason for which a run does not describe the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidReason {
    /// The cause, in words.
    pub(crate) cause: String,
    /// What removes the cause, as an imperative; `None`: not known.
    pub(crate) remedy: Option<String>,
}

impl InvalidReason {
    fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: Some(remedy.into()),
        }
    }
}

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        self.remedy
            .as_ref()
            .map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// Requests that brunt or its machine failed, a fault for each kind.
pub(crate) fn client_faults(record: &RunRecord) -> Vec<InvalidReason> {
    let kinds = FailureKind::ALL
        .into_iter()
        .filter(|kind| kind.is_generator_fault());
    let all: u64 = totals::counts(record).iter().sum();
    kinds
        .filter_map(|kind| {
            let count = totals::failures(record, kind);
            let mut judged = totals::judged_failures(record, kind);
            let example = judged.find_map(|failure| failure.example.as_deref());
            (count > 0).then(|| client_fault(kind, count, all, example))
        })
        .collect()
}

fn client_fault(kind: FailureKind, count: u64, all: u64, example: Option<&str>) -> InvalidReason {
    let requests = format!("{} of {}", number::count(count), number::requests(all));
    match kind {
        FailureKind::NoPorts => InvalidReason::new(
            format!("{requests} found no free port on brunt's machine"),
            "set `connections = \"per-user\"` in the scenario, or give brunt more source addresses (--local-address A,B)",
        ),
        FailureKind::NoDescriptors => InvalidReason::new(
            format!("{requests} found no free file descriptor in brunt"),
            "raise the limit of open files (ulimit -n)",
        ),
        FailureKind::UnreadableFile => {
            let example = example.unwrap_or("a file");
            InvalidReason::new(
                format!(
                    "{requests} could not be made, as a file changed during the run ({example})"
                ),
                "leave the file as it is during a run",
            )
        }
        _ => {
            let example = example
                .map(|example| format!(" ({example})"))
                .unwrap_or_default();
            InvalidReason::new(
                format!("{requests} failed on brunt's own machine{example}"),
                "free its memory and sockets, or use another one",
            )
        }
    }
}

/// That brunt itself or a process of the load failed, so that the load was not what it was meant to be.
pub(crate) fn internal_error(record: &RunRecord) -> Option<InvalidReason> {
    let ending = record.ending.as_ref()?;
    let reason = ending
        .stop_reason
        .as_deref()
        .unwrap_or("no reason is known");
    match ending.stopped_by {
        StoppedBy::InternalError => Some(InvalidReason {
            cause: format!("brunt itself failed: {reason}"),
            remedy: None,
        }),
        StoppedBy::WorkerLost => Some(InvalidReason {
            cause: reason.to_owned(),
            remedy: None,
        }),
        _ => None,
    }
}

/// Whether brunt's own lateness made a grade or a finding what it is: everything is asked again with every
/// response made shorter by its lag and by what was withheld from brunt, and the users' time that went into
/// it given back. Lateness only makes a service look worse: what was met is met without it, and a row that
/// decides nothing misleads nobody.
pub(crate) fn late(
    record: &RunRecord,
    judged: &[GradedTarget],
    without: &[GradedTarget],
) -> Option<InvalidReason> {
    let broken = BreakingPoint::of(record).and_then(|found| found.made_by_lateness());
    let changed: Vec<String> = judged
        .iter()
        .zip(without)
        .filter(|(with, _)| with.is_missed())
        .filter(|(with, without)| with.judgement.grade != without.judgement.grade)
        .map(|(with, without)| {
            let (was, would_be) = (with.judgement.grade, without.judgement.grade);
            let title = &with.title;
            format!("{title} {} instead of {}", was.name(), would_be.name())
        })
        .chain(broken)
        .chain(recovery::made_by_lateness(record))
        .chain(degradation::made_by_lateness(record))
        .collect();
    if changed.is_empty() {
        return None;
    }
    let changed = changed.join(", ");
    if let Some(signal) = GeneratorSignal::relevant(record) {
        let (what, remedy) = (signal.in_words(), signal.remedy());
        return Some(InvalidReason::new(
            format!("{what}, which made {changed}"),
            remedy,
        ));
    }
    let lag_ms = number::measured(p99_ms(&lags(record))?);
    Some(InvalidReason::new(
        format!("brunt itself was late (p99 lag {lag_ms} ms), which made {changed}"),
        "give brunt more cores or threads, or make less load",
    ))
}

/// Whether the planned load was not made. `without` are the targets without brunt's lateness.
pub(crate) fn load_not_made(record: &RunRecord, without: &[GradedTarget]) -> Option<InvalidReason> {
    users_not_made(record).or_else(|| arrivals_not_made(record, without))
}

/// Whether fewer arrivals were played than planned because brunt had no time to spare for most of the run. A service
/// that misses a target by itself misses it under more load, too.
fn arrivals_not_made(record: &RunRecord, without: &[GradedTarget]) -> Option<InvalidReason> {
    let load = record.load();
    if load.search.is_some() || overload::share_of_load(record) <= 0.5 {
        return None;
    }
    let misses =
        |row: &GradedTarget| row.is_missed() && row.judgement.target.metric != Metric::Throughput;
    if without.iter().any(misses) {
        return None;
    }
    let seconds = record.timeline.seconds();
    let during = seconds.range(0..whole_number(record.duration_s()));
    let (mut played, mut users) = (0.0, 0u32);
    for second in during {
        played += second.tasks as f64;
        users = users.max(second.users.unwrap_or(0));
    }
    let parts = load.parts().filter(|part| part.open.is_some());
    let planned: f64 = parts.map(|part| part.integral(record.duration_s())).sum();
    let planned = load
        .iterations
        .map_or(planned, |most| planned.min(most as f64));
    if played <= 0.0 || played + f64::from(users) >= ARRIVALS_MADE * planned {
        return None;
    }
    Some(InvalidReason::new(
        format!(
            "the load was not made: brunt itself had no time to spare and played {} of {} planned arrivals",
            number::chosen(played.round()),
            number::chosen(planned.round())
        ),
        "give brunt more cores or threads, or make less load",
    ))
}

/// Whether fewer users were active than planned for most of the run. An open load has as many users as its arrivals
/// need.
fn users_not_made(record: &RunRecord) -> Option<InvalidReason> {
    let (load, load_s) = (record.load(), record.duration_s());
    if load.open.is_some() {
        return None;
    }
    let ends = (1u32..).map(f64::from);
    let seconds = record
        .timeline
        .seconds()
        .iter()
        .zip(LostUsers::by_second(record));
    let seconds: Vec<_> = ends
        .zip(seconds)
        .take_while(|(end_s, _)| *end_s < load_s)
        .collect();
    let short: Vec<(u32, f64)> = seconds
        .iter()
        .filter_map(|(end_s, (second, lost_users))| {
            // Users that the service did not let in, that had no data left or that the scenario stopped are not the
            // generator's to make.
            let planned = users_planned(&load, *end_s) - lost_users.all() as f64;
            Some((second.users?, planned.max(0.0)))
        })
        .filter(|(users, planned)| f64::from(*users) < USERS_MADE * planned)
        .collect();
    if short.len() * 2 <= seconds.len() {
        return None;
    }
    let share = |(users, planned): &(u32, f64)| f64::from(*users) / planned;
    let (users, planned) = short.iter().min_by(|a, b| share(a).total_cmp(&share(b)))?;
    let cause = format!(
        "the load was not made: for {} of {} s fewer than 90 % of the planned users were active, \
         at worst {} of {}",
        short.len(),
        seconds.len(),
        number::count((*users).into()),
        number::chosen(*planned)
    );
    Some(InvalidReason::new(
        cause,
        "give brunt more cores or threads",
    ))
}

/// Users that had to be active: the fewest planned of late, whole ones.
fn users_planned(load: &Load, at_s: f64) -> f64 {
    let steps = (0..=4u32).map(|step| at_s - RAMP_TOLERANCE_S * f64::from(step) / 4.0);
    let planned = steps.map(|at_s| if at_s < 0.0 { 0.0 } else { load.level_at(at_s) });
    planned.fold(f64::INFINITY, f64::min).floor()
}
