//! Lost users: users that never reached their tasks, and users that stopped for good. They are counted so that
//! missing load is not blamed on the generator, and so that an untested load is not called good.

use brunt_record::{Failure, Load, NameKind, RunRecord, Second};

use crate::grading::evidence_gap::EvidenceGap;
use crate::model::finding::{Figure, Finding, FindingKind};
use crate::number;

/// The proportion of the planned load whose loss keeps a target from being called good.
const LOST_MAX: f64 = 0.1;

/// Number of lost users, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LostUsers {
    /// The steps before their tasks failed.
    pub(crate) not_started: u64,
    /// Their data was exhausted.
    pub(crate) out_of_data: u64,
    /// The scenario stopped them.
    pub(crate) stopped: u64,
}

impl LostUsers {
    fn add(&mut self, second: &Second) {
        self.not_started += second.users_not_started;
        self.out_of_data += second.users_out_of_data;
        self.stopped += second.users_stopped;
    }

    /// At the end of the run.
    pub(crate) fn of(record: &RunRecord) -> Self {
        let mut lost_users = Self::default();
        record
            .timeline
            .seconds()
            .iter()
            .for_each(|second| lost_users.add(&second));
        lost_users
    }

    /// At the end of each second.
    pub(crate) fn by_second(record: &RunRecord) -> impl Iterator<Item = Self> {
        let seconds = record.timeline.seconds().iter();
        seconds.scan(Self::default(), |lost_users, second| {
            lost_users.add(&second);
            Some(*lost_users)
        })
    }

    /// The number of all lost users.
    pub(crate) fn all(self) -> u64 {
        self.not_started + self.out_of_data + self.stopped
    }
}

/// Proportions of the planned users' time that were lost (0 to 1).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct LostLoad {
    /// To users that never started or whose data was exhausted.
    unintended: f64,
    /// To users whose data was exhausted or that the scenario stopped.
    by_scenario: f64,
}

impl LostLoad {
    /// Computes the lost load of a run.
    pub(crate) fn of(record: &RunRecord) -> Self {
        let load = record.load();
        let seconds = record
            .timeline
            .seconds()
            .iter()
            .zip(LostUsers::by_second(record));
        let (mut planned_s, mut unintended_s, mut by_scenario_s) = (0.0, 0.0, 0.0);
        for (at, (second, lost_users)) in seconds.enumerate() {
            let middle_s = at as f64 + 0.5;
            if middle_s >= record.duration_s() {
                break;
            }
            let planned = planned_at(&load, middle_s);
            planned_s += planned;
            // Lost users count only if users are missing.
            let missing = second.users.map_or(0.0, |users| planned - f64::from(users));
            let missing = missing.max(0.0);
            let all = lost_users.all() as f64;
            // Arrivals do not depend on the number of users, unless there are no users left: then no arrival is
            // served, however many users had started.
            let is_played = load.open.is_some() && second.users != Some(0);
            let is_over = load.open.is_some() && all > 0.0;
            let short = if is_over { missing } else { missing.min(all) };
            let part = |count: u64| short * count as f64 / all.max(1.0);
            if !is_played {
                unintended_s += part(lost_users.not_started + lost_users.out_of_data);
                by_scenario_s += part(lost_users.out_of_data + lost_users.stopped);
            }
        }
        if planned_s <= 0.0 {
            return Self::default();
        }
        Self {
            unintended: unintended_s / planned_s,
            by_scenario: by_scenario_s / planned_s,
        }
    }

    /// The proportion that the scenario itself did not offer.
    pub(crate) fn by_scenario(self) -> f64 {
        self.by_scenario
    }

    /// Why a target cannot be called good, if too little load was offered.
    pub(crate) fn gap(self, record: &RunRecord) -> Option<EvidenceGap> {
        if self.unintended <= LOST_MAX {
            return None;
        }
        let lost_users = LostUsers::of(record);
        let mut reasons = Vec::new();
        if lost_users.not_started > 0 {
            reasons.push(format!(
                "{} never started",
                of_users(record, lost_users.not_started)
            ));
        }
        if lost_users.out_of_data > 0 {
            reasons.push(format!(
                "{} ran out of data",
                of_users(record, lost_users.out_of_data)
            ));
        }
        let gap = EvidenceGap::new(format!(
            "{}, so that {} % of the planned load was not offered",
            reasons.join(" and "),
            number::measured(self.unintended * 100.0)
        ));
        Some(gap.and("run again with the full load, which can only be worse"))
    }
}

/// Planned users at a time, those of pools included.
fn planned_at(load: &Load, at_s: f64) -> f64 {
    let parts = load.parts().map(|part| match &part.open {
        Some(open) => f64::from(open.users),
        None => part.level_at(at_s).floor(),
    });
    parts.sum()
}

/// "15 of 30 users".
fn of_users(record: &RunRecord, count: u64) -> String {
    let started: u64 = record
        .timeline
        .seconds()
        .iter()
        .map(|second| second.users_started)
        .sum();
    let (count, started) = (number::count(count), number::count(started.max(count)));
    format!("{count} of {started} users")
}

/// Findings on lost users.
pub(crate) fn findings(record: &RunRecord) -> impl Iterator<Item = Finding> {
    let lost_users = LostUsers::of(record);
    let figures = |kind, sentence, count: u64| {
        let started = record.timeline.seconds().iter();
        let started: u64 = started.map(|second| second.users_started).sum();
        Finding::new(kind, sentence)
            .with("users", Figure::Count(count))
            .with("users_started", Figure::Count(started.max(count)))
    };
    let not_started = (lost_users.not_started > 0).then(|| {
        let why = most_failed(record).map_or_else(
            || "their on_start steps failed".to_owned(),
            |failure| failed_in_words(record, failure),
        );
        let users = of_users(record, lost_users.not_started);
        figures(
            FindingKind::UsersNotStarted,
            format!("{users} never started: {why}."),
            lost_users.not_started,
        )
    });
    let out_of_data = (lost_users.out_of_data > 0).then(|| {
        let users = of_users(record, lost_users.out_of_data);
        figures(
            FindingKind::DataExhausted,
            format!(
                "{users} stopped early because their data was exhausted; add rows, or let the data start over (on_exhausted = \"start_over\")."
            ),
            lost_users.out_of_data,
        )
    });
    not_started.into_iter().chain(out_of_data)
}

/// The most frequent failure of `on_start` requests.
fn most_failed(record: &RunRecord) -> Option<&Failure> {
    let names = record.timeline.names();
    let failures = record.timeline.failures().iter();
    failures
        .filter(|failure| names[failure.name.index()].kind == NameKind::Start)
        .max_by_key(|failure| failure.count)
}

fn failed_in_words(record: &RunRecord, failure: &Failure) -> String {
    let name = &record.timeline.names()[failure.name.index()];
    let kind = failure.kind.name().replace('_', " ");
    let how = match failure.code {
        0 => kind,
        code => format!("{kind} {code}"),
    };
    format!("{} {} of on_start failed ({how})", name.method, name.name)
}
