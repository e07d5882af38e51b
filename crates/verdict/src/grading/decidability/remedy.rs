//! Remedies: changes that make a target decidable, in terms of the command line.

use std::fmt;

use brunt_record::{Load, Metric};

use crate::grading::decidability::question::{Obstacle, Question};
use crate::number;
use crate::stats::batch_means::blocks_min;
use crate::stats::proportion_test;

/// The longest run that is advised, in seconds.
pub(crate) const ADVICE_S_MAX: f64 = 3_600.0;
/// The largest factor of users or arrivals that is advised as an alternative to a longer run.
const TIMES_USERS_MAX: f64 = 10.0;
/// The shortest `min_duration`, in seconds.
const MIN_DURATION_S_LEAST: f64 = 2.0;
/// The largest factor that is tried.
const TIMES_MAX: f64 = 1e6;
/// Precision of the search for a factor.
const TIMES_PRECISION: f64 = 1.000_000_1;
/// Alternatives to a percentile that needs too many requests.
const PERCENTILES: [f64; 5] = [0.999, 0.99, 0.95, 0.9, 0.5];

/// A change that makes a target decidable.
#[derive(Debug, Clone, PartialEq)]
pub enum Remedy {
    /// A longer run, in seconds.
    Duration(Change),
    /// A higher maximum of users.
    Users(Change),
    /// A higher maximum of tasks per second.
    Rate(Change),
    /// More tasks.
    Iterations {
        /// The sufficient number.
        to: u64,
        /// The current number.
        now: u64,
    },
    /// A lower minimum duration, in seconds.
    MinDuration(f64),
    /// Another percentile.
    Percentile(f64),
    /// Another error rate, in percent.
    ErrorRate(f64),
    /// Users and tasks that send such requests.
    OtherTasks,
    /// A process to monitor.
    Watch,
}

/// A new value of a setting, and the current one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The sufficient value.
    pub to: f64,
    /// The current value.
    pub now: f64,
}

impl Remedy {
    /// The load with this change; `None` if the change does not affect the load.
    pub fn applied_to(&self, load: &Load) -> Option<Load> {
        match self {
            Self::Duration(seconds) => Some(longer(load, seconds.to / load.duration_s())),
            Self::Users(level) | Self::Rate(level) => {
                Some(larger(load, level.to / level_max(load)))
            }
            Self::Iterations { to, .. } => Some(Load {
                iterations: Some(*to),
                ..load.clone()
            }),
            _ => None,
        }
    }
}

/// The remedies for an obstacle.
pub(super) fn remedies(load: &Load, question: &Question, obstacle: &Obstacle) -> Vec<Remedy> {
    match obstacle {
        Obstacle::NotWatched => vec![Remedy::Watch],
        Obstacle::NotRequested => vec![Remedy::OtherTasks],
        Obstacle::NotOffered { .. } => more(load, question, f64::INFINITY).into_iter().collect(),
        Obstacle::TooShort { planned_s, .. } => {
            let longer = longer_run(load, question);
            longer
                .into_iter()
                .chain(shorter_minimum(load, question, *planned_s))
                .collect()
        }
        Obstacle::TooFewRequests { planned, .. } => {
            if let Some(iterations) = iterations(load, question) {
                return vec![iterations];
            }
            let longer = longer_run(load, question);
            let found: Vec<Remedy> = longer
                .into_iter()
                .chain(more(load, question, TIMES_USERS_MAX))
                .collect();
            if found.is_empty() {
                other_question(question, *planned).into_iter().collect()
            } else {
                found
            }
        }
    }
}

fn longer_run(load: &Load, question: &Question) -> Option<Remedy> {
    let is_enough = |times: f64| question.obstacle(&longer(load, times)).is_none();
    let times = least_times(is_enough)?;
    let seconds = number::whole_duration(load.duration_s() * times);
    let change = Change {
        to: seconds,
        now: load.duration_s(),
    };
    (seconds <= ADVICE_S_MAX).then_some(Remedy::Duration(change))
}

/// A lower minimum duration, if that is the only obstacle.
fn shorter_minimum(load: &Load, question: &Question, planned_s: f64) -> Option<Remedy> {
    let min_s = planned_s.floor();
    let lowered = Question {
        blocks_min: blocks_min(Some(min_s), 1.0),
        ..*question
    };
    let would_do = min_s >= MIN_DURATION_S_LEAST && lowered.obstacle(load).is_none();
    would_do.then_some(Remedy::MinDuration(min_s))
}

/// More users, or more arrivals; not for several concurrent loads, which have no single level.
fn more(load: &Load, question: &Question, times_max: f64) -> Option<Remedy> {
    if !load.concurrent.is_empty() {
        return None;
    }
    let is_enough = |times: f64| question.obstacle(&larger(load, times)).is_none();
    let times = least_times(is_enough).filter(|times| *times <= times_max)?;
    let now = level_max(load);
    let level = Change {
        to: number::round_up(now * times),
        now,
    };
    Some(match load.open {
        Some(_) => Remedy::Rate(level),
        None => Remedy::Users(level),
    })
}

/// A sufficient number of tasks, if it bounds the load.
fn iterations(load: &Load, question: &Question) -> Option<Remedy> {
    let set = load.iterations?;
    let with = |times: f64| Load {
        iterations: Some(whole((set as f64 * times).ceil())),
        ..load.clone()
    };
    let times = least_times(|times| question.obstacle(&with(times)).is_none())?;
    Some(Remedy::Iterations {
        to: whole(number::round_up(set as f64 * times)),
        now: set,
    })
}

/// A target that this number of requests decides.
fn other_question(question: &Question, planned: f64) -> Option<Remedy> {
    let is_decided = |limit: f64| proportion_test::requests_needed(limit) as f64 <= planned;
    match question.metric {
        Metric::Percentile(_) => {
            let q = PERCENTILES.into_iter().find(|q| is_decided(1.0 - q))?;
            Some(Remedy::Percentile(q))
        }
        Metric::ErrorRate => {
            let steps =
                (-4..=1).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
            let mut steps = steps.filter(|percent| *percent > question.threshold);
            Some(Remedy::ErrorRate(
                steps.find(|percent| is_decided(percent / 100.0))?,
            ))
        }
        _ => None,
    }
}

/// The smallest sufficient factor, approximately; `None` if no factor is sufficient.
fn least_times(is_enough: impl Fn(f64) -> bool) -> Option<f64> {
    let mut high = 2.0;
    while !is_enough(high) {
        high *= 2.0;
        if high > TIMES_MAX {
            return None;
        }
    }
    let mut low = high / 2.0;
    while high / low > TIMES_PRECISION {
        let middle = (low * high).sqrt();
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// The load with all stages longer by a factor.
fn longer(load: &Load, times: f64) -> Load {
    changed(load, times, 1.0)
}

/// The load with all levels higher by a factor.
fn larger(load: &Load, times: f64) -> Load {
    changed(load, 1.0, times)
}

fn changed(load: &Load, times_longer: f64, times_larger: f64) -> Load {
    let mut changed = load.clone();
    for stage in &mut changed.stages {
        stage.seconds *= times_longer;
        stage.from *= times_larger;
        stage.to *= times_larger;
    }
    let concurrent = load.concurrent.iter();
    changed.concurrent = concurrent
        .map(|part| self::changed(part, times_longer, times_larger))
        .collect();
    changed
}

fn level_max(load: &Load) -> f64 {
    let levels = load.stages.iter().map(|stage| stage.from.max(stage.to));
    levels.fold(0.0, f64::max)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and counts are not negative"
)]
fn whole(count: f64) -> u64 {
    count as u64
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(Change { to, now }) => {
                let (to, now) = (number::duration(*to), number::duration(*now));
                write!(f, "run for {to} (-t {to}, now {now})")
            }
            Self::Users(Change { to, now }) => {
                let now = number::chosen(*now);
                write!(f, "use {} users (-u {to}, now {now})", number::chosen(*to))
            }
            Self::Rate(Change { to, now }) => write!(
                f,
                "start {} tasks/s (--rate {to}, now {})",
                number::chosen(*to),
                number::chosen(*now)
            ),
            Self::Iterations { to, now } => {
                write!(f, "set iterations = {to} (now {now})")
            }
            Self::MinDuration(seconds) => {
                write!(
                    f,
                    "set [verdict] min_duration = \"{}\"",
                    number::duration(*seconds)
                )
            }
            Self::Percentile(q) => {
                write!(f, "use the {} instead", Metric::Percentile(*q).name())
            }
            Self::ErrorRate(percent) => {
                write!(
                    f,
                    "require an error rate under {} % instead",
                    number::chosen(*percent)
                )
            }
            Self::OtherTasks => f.write_str("include the users and tasks that do"),
            Self::Watch => f.write_str("name a process with --pid or --port"),
        }
    }
}
