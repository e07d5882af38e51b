//! Profiles: how much load over time, and what the command line changes of it.

use std::time::Duration;

use record::{Load, Stage};
use toml::Spanned;

use crate::problem::Problem;
use crate::request::positive_duration;
use crate::spec::{ProfileSpec, StageSpec};

/// How much load over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its stages.
    pub stages: Vec<ProfileStage>,
    /// The classes that its users are of; empty: all.
    pub users_of: Vec<String>,
}

/// A stretch of time towards a number of users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProfileStage {
    /// The users to come to.
    pub users: f64,
    /// How many users are started (or ended) a second; `None`: all at once.
    pub spawn_rate: Option<f64>,
    /// Its length, coming to that number included.
    pub duration: Duration,
}

/// What the command line changes of a profile.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// The most users; the other levels keep their proportion.
    pub users: Option<u32>,
    /// Users started a second.
    pub spawn_rate: Option<f64>,
    /// The whole length; the stages keep their proportion.
    pub duration: Option<Duration>,
}

impl Profile {
    /// The longest, in whole.
    pub fn duration(&self) -> Duration {
        self.stages.iter().map(|stage| stage.duration).sum()
    }

    /// The most users.
    pub fn users_max(&self) -> f64 {
        self.stages
            .iter()
            .map(|stage| stage.users)
            .fold(0.0, f64::max)
    }

    /// The stages of the load, with what the command line changes. `users` and `duration` stretch the
    /// whole shape, ramps included; `spawn_rate` sets every ramp's own.
    pub fn stages(&self, overrides: &Overrides) -> Vec<Stage> {
        let users_factor = overrides
            .users
            .map_or(1.0, |users| f64::from(users) / self.users_max());
        let time_factor = overrides.duration.map_or(1.0, |duration| {
            duration.as_secs_f64() / self.duration().as_secs_f64()
        });
        let mut level = 0.0;
        let mut typed_level = 0.0;
        let mut stages = Vec::new();
        for stage in &self.stages {
            let seconds = stage.duration.as_secs_f64() * time_factor;
            let to = (stage.users * users_factor).round();
            let ramp_s = match (overrides.spawn_rate, stage.spawn_rate) {
                (Some(rate), _) => f64::abs(to - level) / rate,
                (None, Some(rate)) => f64::abs(stage.users - typed_level) / rate * time_factor,
                (None, None) => 0.0,
            };
            let reached = if ramp_s > seconds {
                level + (to - level) * seconds / ramp_s
            } else {
                to
            };
            let ramp_s = ramp_s.min(seconds);
            if ramp_s > 0.0 {
                stages.push(Stage {
                    seconds: ramp_s,
                    from: level,
                    to: reached,
                });
            }
            if seconds > ramp_s {
                stages.push(Stage {
                    seconds: seconds - ramp_s,
                    from: to,
                    to,
                });
            }
            (level, typed_level) = (reached, stage.users);
        }
        stages
    }
}

/// What a profile means; what is wrong goes to the problems.
pub(crate) fn resolve(spec: &Spanned<ProfileSpec>, problems: &mut Vec<Problem>) -> Option<Profile> {
    let typed = spec.get_ref();
    let users_of = typed
        .users_of
        .iter()
        .flatten()
        .map(|name| name.get_ref().clone())
        .collect();
    let stages = match (&typed.users, &typed.duration, &typed.stages) {
        (Some(users), Some(duration), None) => {
            let (users, duration) = (users.clone(), duration.clone());
            let stage = StageSpec {
                users,
                spawn_rate: None,
                duration,
            };
            vec![stage]
        }
        (None, None, Some(stages)) if !stages.is_empty() => {
            stages.iter().map(|stage| stage.get_ref().clone()).collect()
        }
        _ => {
            problems.push(
                Problem::new("a profile says neither users for a duration nor stages")
                    .at(spec.span(), "in this profile")
                    .help("write users = 10 and duration = \"5m\", or stages = [{ users = 10, duration = \"5m\" }, …]"),
            );
            return None;
        }
    };
    let known = problems.len();
    let stages: Vec<ProfileStage> = stages
        .iter()
        .filter_map(|stage| resolve_stage(stage, typed.spawn_rate.as_ref(), problems))
        .collect();
    if problems.len() == known && stages.iter().all(|stage| stage.users < 1.0) {
        problems.push(
            Problem::new("a profile never has a user")
                .at(spec.span(), "in this profile")
                .help("give a stage at least one user"),
        );
    }
    (problems.len() == known).then_some(Profile { stages, users_of })
}

fn resolve_stage(
    stage: &StageSpec,
    common_rate: Option<&Spanned<f64>>,
    problems: &mut Vec<Problem>,
) -> Option<ProfileStage> {
    let duration = positive_duration(&stage.duration).map_err(|problem| problems.push(problem));
    let rate = stage.spawn_rate.as_ref().or(common_rate);
    if let Some(rate) = rate.filter(|rate| !(rate.get_ref().is_finite() && *rate.get_ref() > 0.0)) {
        let problem = Problem::new(format!("{} is no spawn rate", rate.get_ref()))
            .at(rate.span(), "here")
            .help("write users a second above 0, or leave it out to start all at once");
        if !problems.contains(&problem) {
            problems.push(problem);
        }
        return None;
    }
    Some(ProfileStage {
        users: f64::from(*stage.users.get_ref()),
        spawn_rate: rate.map(|rate| *rate.get_ref()),
        duration: duration.ok()?,
    })
}

/// When user number `user` (from 0) is active: from … to, in nanoseconds. A user is active while the
/// planned level is above its number.
pub fn active_spans(stages: &[Stage], user: u32) -> Vec<(u64, u64)> {
    let number = f64::from(user);
    let mut spans: Vec<(u64, u64)> = Vec::new();
    let mut begin_s = 0.0;
    for stage in stages {
        let end_s = begin_s + stage.seconds;
        let crossing_s = begin_s + stage.seconds * (number - stage.from) / (stage.to - stage.from);
        let active = match (stage.from > number, stage.to > number) {
            (true, true) => Some((begin_s, end_s)),
            (false, true) => Some((crossing_s, end_s)),
            (true, false) => Some((begin_s, crossing_s)),
            (false, false) => None,
        };
        if let Some((from_s, to_s)) = active.filter(|(from_s, to_s)| to_s > from_s) {
            let (from, to) = (nanoseconds(from_s), nanoseconds(to_s));
            match spans.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => spans.push((from, to)),
            }
        }
        begin_s = end_s;
    }
    spans
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and the seconds of a schedule are not negative"
)]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

/// The number of users that ever are active.
pub fn users_in(load: &Load) -> u32 {
    let most = load
        .stages
        .iter()
        .map(|stage| stage.from.max(stage.to))
        .fold(0.0, f64::max);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "levels come from u32 numbers of users"
    )]
    let most = most.ceil() as u32;
    most
}

/// Whether the load ends while users are still being started.
pub fn falls_short(load: &Load) -> bool {
    load.stages.last().is_some_and(|last| last.to > last.from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(stages: &[(f64, Option<f64>, u64)]) -> Profile {
        let stage = |&(users, spawn_rate, seconds): &(f64, Option<f64>, u64)| ProfileStage {
            users,
            spawn_rate,
            duration: Duration::from_secs(seconds),
        };
        Profile {
            stages: stages.iter().map(stage).collect(),
            users_of: Vec::new(),
        }
    }

    #[test]
    fn a_ramp_comes_before_the_hold() {
        let load = profile(&[(10.0, Some(2.0), 300)]);
        let ramp = Stage {
            seconds: 5.0,
            from: 0.0,
            to: 10.0,
        };
        let hold = Stage {
            seconds: 295.0,
            from: 10.0,
            to: 10.0,
        };
        assert_eq!(load.stages(&Overrides::default()), [ramp, hold]);
    }

    #[test]
    fn users_and_duration_stretch_the_shape_and_spawn_rate_sets_the_ramp() {
        let load = profile(&[(10.0, Some(2.0), 300)]);
        let stretched = Overrides {
            users: Some(100),
            duration: Some(Duration::from_secs(30)),
            ..Overrides::default()
        };
        let ramp = Stage {
            seconds: 0.5,
            from: 0.0,
            to: 100.0,
        };
        let hold = Stage {
            seconds: 29.5,
            from: 100.0,
            to: 100.0,
        };
        assert_eq!(load.stages(&stretched), [ramp, hold]);
        let slow = Overrides {
            spawn_rate: Some(2.0),
            ..stretched
        };
        assert_eq!(
            load.stages(&slow),
            [Stage {
                seconds: 30.0,
                from: 0.0,
                to: 60.0
            }]
        );
    }

    #[test]
    fn a_spike_is_three_levels_in_one() {
        let spike = profile(&[(10.0, None, 120), (100.0, None, 60), (10.0, None, 120)]);
        let stages = spike.stages(&Overrides::default());
        assert_eq!(active_spans(&stages, 9), [(0, 300_000_000_000)]);
        assert_eq!(
            active_spans(&stages, 10),
            [(120_000_000_000, 180_000_000_000)]
        );
        assert_eq!(active_spans(&stages, 100), []);
    }

    proptest! {
        #[test]
        fn the_users_active_are_those_planned(
            levels in prop::collection::vec((0u32..30, prop::option::of(0.5..50.0f64), 1u64..60), 1..4),
            at_s in 0.0..200.0f64,
        ) {
            let levels: Vec<_> = levels.iter().map(|(u, r, s)| (f64::from(*u), *r, *s)).collect();
            let stages = profile(&levels).stages(&Overrides::default());
            let at_ns = nanoseconds(at_s);
            let near_edge = |edge: u64| edge.abs_diff(at_ns) < 10;
            let spans: Vec<_> = (0..30).flat_map(|user| active_spans(&stages, user)).collect();
            prop_assume!(!spans.iter().any(|span| near_edge(span.0) || near_edge(span.1)));
            let active = spans.iter().filter(|span| span.0 <= at_ns && at_ns < span.1).count();
            let load = Load { stages, ..Load::default() };
            prop_assert!((active as f64 - load.users_at(at_s).ceil()).abs() < 0.5);
        }
    }
}
