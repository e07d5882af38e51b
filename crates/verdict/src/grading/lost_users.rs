//! Absent users: those that never came to their tasks, and those that stopped for good. They are counted as they go, so
//! that a load that was not offered is not blamed on the generator, and nothing is called good that was not tried.

use brunt_record::{Failure, Load, NameKind, RunRecord, Second};

use crate::grading::evidence_gap::EvidenceGap;
use crate::model::finding::{Figure, Finding, FindingKind};
use crate::number;

/// With so much of the planned load not offered, nothing is called good.
const LOST_MAX: f64 = 0.1;

/// How many users are gone for good, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LostUsers {
    /// What they do before their tasks has failed.
    pub(crate) not_started: u64,
    /// Their data was used up.
    pub(crate) out_of_data: u64,
    /// The scenario says so.
    pub(crate) stopped: u64,
}

impl LostUsers {
    fn add(&mut self, second: &Second) {
        self.not_started += second.users_not_started;
        self.out_of_data += second.users_out_of_data;
        self.stopped += second.users_stopped;
    }

    /// By the end of the run.
    pub(crate) fn of(record: &RunRecord) -> Self {
        let mut lost_users = Self::default();
        record
            .timeline
            .seconds()
            .iter()
            .for_each(|second| lost_users.add(&second));
        lost_users
    }

    /// By the end of each second.
    pub(crate) fn by_second(record: &RunRecord) -> impl Iterator<Item = Self> {
        let seconds = record.timeline.seconds().iter();
        seconds.scan(Self::default(), |lost_users, second| {
            lost_users.add(&second);
            Some(*lost_users)
        })
    }

    /// All of them.
    pub(crate) fn all(self) -> u64 {
        self.not_started + self.out_of_data + self.stopped
    }
}

/// The shares of the planned users' time that were lost (0 to 1).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct LostLoad {
    /// To users that never started or whose data was used up.
    unintended: f64,
    /// To users whose data was used up, or that stopped as the scenario says.
    by_scenario: f64,
}

impl LostLoad {
    /// Of a run's load.
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
            // Only where users are missing are those that are gone missed.
            let missing = second.users.map_or(0.0, |users| planned - f64::from(users));
            let missing = missing.max(0.0);
            let all = lost_users.all() as f64;
            // Arrivals come however few users are left to play them, unless none is: then none is played, however
            // many users had begun.
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

    /// The share that the scenario itself did not offer.
    pub(crate) fn by_scenario(self) -> f64 {
        self.by_scenario
    }

    /// Why a target cannot be called good, where too little was offered.
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
        Some(gap.and("run again with all of it, which can only be worse"))
    }
}

/// Users that are planned at a moment, those of pools among them.
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

/// What is to be said of users that are gone.
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
            || "what they do before their tasks failed".to_owned(),
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
                "{users} stopped before the end since their data was used up; give more rows, or let it start over."
            ),
            lost_users.out_of_data,
        )
    });
    not_started.into_iter().chain(out_of_data)
}

/// The most frequent way in which requests of `on_start` failed.
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
