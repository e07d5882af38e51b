//! Validity: whether the run describes the service, or the generator and its machine. A run is invalid if their
//! problems changed its result, or if the planned load was not generated.

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

/// Time by which users may be behind the plan.
const RAMP_TOLERANCE_S: f64 = 2.0;

/// The proportion of the planned users, or of the planned arrivals, below which the load counts as not generated.
const USERS_MADE: f64 = 0.9;
const ARRIVALS_MADE: f64 = 0.9;

/// A reason for which a run does not describe the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidReason {
    /// The cause, in words.
    pub(crate) cause: String,
    /// The remedy, as an imperative; `None`: unknown.
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

/// Requests that failed because of the generator or its machine, with a reason for each kind.
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
                    "{requests} could not be sent because a file changed during the run ({example})"
                ),
                "do not change the file during a run",
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

/// A failure of brunt or of a load process, so that the load was not as planned.
pub(crate) fn internal_error(record: &RunRecord) -> Option<InvalidReason> {
    let ending = record.ending.as_ref()?;
    let reason = ending
        .stop_reason
        .as_deref()
        .unwrap_or("the reason is unknown");
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

/// Reports whether the generator's lateness changed a grade or a finding. Everything is judged again with lag and CPU
/// starvation subtracted from every response, and the users' time that they took added back. Lateness only makes a
/// service look worse: a target that was met is met without it, and an undecided target misleads nobody.
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
        .filter(|(with, without)| with.judgment.grade != without.judgment.grade)
        .map(|(with, without)| {
            let (was, would_be) = (with.judgment.grade, without.judgment.grade);
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
        "give brunt more cores or threads, or reduce the load",
    ))
}

/// Reports whether the planned load was not generated. `without` are the targets without the generator's lateness.
pub(crate) fn load_not_made(record: &RunRecord, without: &[GradedTarget]) -> Option<InvalidReason> {
    users_not_made(record).or_else(|| arrivals_not_made(record, without))
}

/// Reports whether fewer arrivals were started than planned because the generator was saturated for most of the run.
/// A service that misses a target anyway would miss it under more load, too.
fn arrivals_not_made(record: &RunRecord, without: &[GradedTarget]) -> Option<InvalidReason> {
    let load = record.load();
    if load.search.is_some() || overload::share_of_load(record) <= 0.5 {
        return None;
    }
    let misses =
        |row: &GradedTarget| row.is_missed() && row.judgment.target.metric != Metric::Throughput;
    if without.iter().any(misses) {
        return None;
    }
    let seconds = record.timeline.seconds();
    let during = seconds.range(0..whole_number(record.duration_s()));
    let (mut started, mut users) = (0.0, 0u32);
    for second in during {
        started += second.tasks as f64;
        users = users.max(second.users.unwrap_or(0));
    }
    let parts = load.parts().filter(|part| part.open.is_some());
    let planned: f64 = parts.map(|part| part.integral(record.duration_s())).sum();
    let planned = load
        .iterations
        .map_or(planned, |most| planned.min(most as f64));
    if started <= 0.0 || started + f64::from(users) >= ARRIVALS_MADE * planned {
        return None;
    }
    Some(InvalidReason::new(
        format!(
            "the load was not generated: brunt itself was saturated and started {} of {} planned arrivals",
            number::chosen(started.round()),
            number::chosen(planned.round())
        ),
        "give brunt more cores or threads, or reduce the load",
    ))
}

/// Reports whether fewer users were active than planned for most of the run. An open load has as many users as its
/// arrivals need.
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
            // The generator is not responsible for users that the service rejected, that had no data left, or that
            // the scenario stopped.
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
        "the load was not generated: for {} of {} s fewer than 90 % of the planned users were active, \
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

/// Users that had to be active: the lowest planned number of the last seconds, rounded down.
fn users_planned(load: &Load, at_s: f64) -> f64 {
    let steps = (0..=4u32).map(|step| at_s - RAMP_TOLERANCE_S * f64::from(step) / 4.0);
    let planned = steps.map(|at_s| if at_s < 0.0 { 0.0 } else { load.level_at(at_s) });
    planned.fold(f64::INFINITY, f64::min).floor()
}
