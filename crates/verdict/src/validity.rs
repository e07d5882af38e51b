//! Validity: whether the run describes the service, or brunt and its machine. A run is invalid if that mattered: if a
//! grade or a finding would be another, or the load was not made.

use std::fmt;

use record::{FailureKind, Load, RunRecord, StoppedBy};

use crate::absent::Absent;
use crate::breaking_point::BreakingPoint;
use crate::evidence::{Lag, lags};
use crate::finding::p99_ms;
use crate::row::{Row, rows};
use crate::signal::Signal;
use crate::{degradation, finding, number, recovery};

/// Users that the plan is behind by this much are still on their way.
const RAMP_TOLERANCE_S: f64 = 2.0;

/// The share of the planned users below which load was not made.
const USERS_MADE: f64 = 0.9;

/// A reason for which a run does not describe the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The cause, in words.
    pub(crate) cause: String,
    /// What removes the cause, as an imperative; `None`: not known.
    pub(crate) remedy: Option<String>,
}

impl Fault {
    fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: Some(remedy.into()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        self.remedy
            .as_ref()
            .map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// Requests that brunt or its machine failed, a fault for each kind.
pub(crate) fn client_faults(record: &RunRecord) -> Vec<Fault> {
    let kinds = FailureKind::ALL
        .into_iter()
        .filter(|kind| kind.is_client_fault());
    let all: u64 = finding::counts(record).iter().sum();
    kinds
        .filter_map(|kind| {
            let count = finding::failures(record, kind);
            let mut judged = finding::judged_failures(record, kind);
            let example = judged.find_map(|failure| failure.example.as_deref());
            (count > 0).then(|| client_fault(kind, count, all, example))
        })
        .collect()
}

fn client_fault(kind: FailureKind, count: u64, all: u64, example: Option<&str>) -> Fault {
    let requests = format!("{} of {}", number::count(count), number::requests(all));
    match kind {
        FailureKind::NoPorts => Fault::new(
            format!("{requests} found no free port on brunt's machine"),
            "keep connections alive, or give more addresses (--source A,B)",
        ),
        FailureKind::NoDescriptors => Fault::new(
            format!("{requests} found no free file descriptor in brunt"),
            "raise the limit of open files (ulimit -n)",
        ),
        _ => {
            let example = example
                .map(|example| format!(" ({example})"))
                .unwrap_or_default();
            Fault::new(
                format!("{requests} failed on brunt's own machine{example}"),
                "free its memory and sockets, or use another one",
            )
        }
    }
}

/// That brunt itself failed, so that the load was not what it was meant to be.
pub(crate) fn internal_error(record: &RunRecord) -> Option<Fault> {
    let ending = record.ending.as_ref()?;
    (ending.stopped_by == StoppedBy::InternalError).then(|| {
        let reason = ending.reason.as_deref().unwrap_or("no reason is known");
        Fault {
            cause: format!("brunt itself failed: {reason}"),
            remedy: None,
        }
    })
}

/// Whether brunt's own lateness made a grade or a finding what it is: everything is asked again with every
/// response made shorter by its lag and by what was withheld from brunt, and the users' time that went into
/// it given back. Lateness only makes a service look worse: what was met is met without it, and a row that
/// decides nothing misleads nobody.
pub(crate) fn late(record: &RunRecord, judged: &[Row]) -> Option<Fault> {
    let without = rows(record, Lag::TakenOut);
    let broken = BreakingPoint::of(record).and_then(|found| found.made_by_lateness());
    let changed: Vec<String> = judged
        .iter()
        .zip(&without)
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
    if let Some(signal) = Signal::that_mattered(record) {
        let (what, remedy) = (signal.in_words(), signal.remedy());
        return Some(Fault::new(format!("{what}, which made {changed}"), remedy));
    }
    let lag_ms = number::measured(p99_ms(&lags(record))?);
    Some(Fault::new(
        format!("brunt itself was late (p99 lag {lag_ms} ms), which made {changed}"),
        "give brunt more cores or threads, or make less load",
    ))
}

/// Whether fewer users were active than planned for most of the run.
pub(crate) fn load_not_made(record: &RunRecord) -> Option<Fault> {
    let (load, load_s) = (record.load(), record.duration_s());
    let ends = (1u32..).map(f64::from);
    let seconds = record
        .timeline
        .seconds()
        .iter()
        .zip(Absent::by_second(record));
    let seconds: Vec<_> = ends
        .zip(seconds)
        .take_while(|(end_s, _)| *end_s < load_s)
        .collect();
    let short: Vec<(u32, f64)> = seconds
        .iter()
        .filter_map(|(end_s, (second, absent))| {
            // Users that the service did not let in, that had no data left or that the scenario stopped are not the
            // generator's to make.
            let planned = users_planned(&load, *end_s) - absent.all() as f64;
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
    Some(Fault::new(cause, "give brunt more cores or threads"))
}

/// Users that had to be active: the fewest planned of late, whole ones.
fn users_planned(load: &Load, at_s: f64) -> f64 {
    if let Some(open) = &load.open {
        return f64::from(open.users);
    }
    let steps = (0..=4u32).map(|step| at_s - RAMP_TOLERANCE_S * f64::from(step) / 4.0);
    let planned = steps.map(|at_s| if at_s < 0.0 { 0.0 } else { load.level_at(at_s) });
    planned.fold(f64::INFINITY, f64::min).floor()
}
