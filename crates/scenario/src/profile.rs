//! Profiles: how much load over time, and what the command line changes of it.

use std::time::Duration;

use record::{Law, Load, Open, Stage};
use toml::Spanned;

use crate::problem::Problem;
use crate::quantity;
use crate::request::positive_duration;
use crate::spec::{Json, ProfileSpec, StageSpec};

/// How much load over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its stages.
    pub stages: Vec<ProfileStage>,
    /// The open model: levels are arrivals a second. `None`: the closed one, levels are users.
    pub open: Option<OpenProfile>,
    /// The classes that its users are of; empty: all.
    pub users_of: Vec<String>,
}

/// How tasks arrive in the open model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenProfile {
    /// The law of the gaps between arrivals.
    pub law: Law,
    /// The users of the pool; `None`: as the rate needs them.
    pub users: Option<u32>,
}

/// A stretch of time towards a level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProfileStage {
    /// The level to come to: users, or arrivals a second.
    pub level: f64,
    /// How it is come to.
    pub approach: Approach,
    /// Its length, coming to that level included.
    pub duration: Duration,
}

/// How a stage comes to its level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Approach {
    /// At once.
    AtOnce,
    /// By so much a second.
    Rate(f64),
    /// Within so long.
    Ramp(Duration),
}

/// What the command line changes of a profile.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Closed: the most users; the other levels keep their proportion. Open: the users of the pool.
    pub users: Option<u32>,
    /// Users started a second.
    pub spawn_rate: Option<f64>,
    /// The most arrivals a second, the other levels keep their proportion; a closed profile becomes an
    /// open one with this rate throughout.
    pub rate: Option<f64>,
    /// The whole length; the stages keep their proportion.
    pub duration: Option<Duration>,
}

/// So many users, for each arrival a second, make the pool unless the profile says otherwise: answers
/// may take a second before arrivals wait.
const POOL_SECONDS: f64 = 1.0;
const POOL_MIN: f64 = 10.0;
const POOL_MAX: f64 = 10_000.0;

impl Profile {
    /// Its whole length.
    pub fn duration(&self) -> Duration {
        self.stages.iter().map(|stage| stage.duration).sum()
    }

    /// The highest level: users, or arrivals a second.
    pub fn level_max(&self) -> f64 {
        self.stages
            .iter()
            .map(|stage| stage.level)
            .fold(0.0, f64::max)
    }

    /// The profile that is played with what the command line changes of it, but for its length.
    fn overridden(&self, overrides: &Overrides) -> Self {
        let Some(rate) = overrides.rate else {
            return self.clone();
        };
        if self.open.is_some() {
            let factor = rate / self.level_max();
            let scaled = |stage: &ProfileStage| ProfileStage {
                level: stage.level * factor,
                ..*stage
            };
            return Self {
                stages: self.stages.iter().map(scaled).collect(),
                ..self.clone()
            };
        }
        let duration = self.duration();
        let stage = ProfileStage {
            level: rate,
            approach: Approach::AtOnce,
            duration,
        };
        let open = Some(OpenProfile {
            law: Law::Poisson,
            users: None,
        });
        Self {
            stages: vec![stage],
            open,
            users_of: self.users_of.clone(),
        }
    }

    /// The stages of the load and its model, with what the command line changes. Users, rate and
    /// duration stretch the whole shape, ramps included; a spawn rate sets every ramp's own.
    pub fn load(&self, overrides: &Overrides) -> (Vec<Stage>, Option<Open>) {
        let profile = self.overridden(overrides);
        let open = profile.open.map(|open| Open {
            law: open.law,
            users: overrides
                .users
                .or(open.users)
                .unwrap_or_else(|| pool(profile.level_max())),
        });
        (profile.stages(overrides), open)
    }

    fn stages(&self, overrides: &Overrides) -> Vec<Stage> {
        let users = overrides.users.filter(|_| self.open.is_none());
        let factor = users.map_or(1.0, |users| f64::from(users) / self.level_max());
        let time_factor = overrides.duration.map_or(1.0, |duration| {
            duration.as_secs_f64() / self.duration().as_secs_f64()
        });
        let (mut level, mut typed_level) = (0.0, 0.0);
        let mut stages = Vec::new();
        for stage in &self.stages {
            let seconds = stage.duration.as_secs_f64() * time_factor;
            let to = stage.level * factor;
            let to = if self.open.is_none() { to.round() } else { to };
            let ramp_s = match (overrides.spawn_rate, stage.approach) {
                (Some(rate), _) if self.open.is_none() => f64::abs(to - level) / rate,
                (_, Approach::Rate(rate)) => {
                    f64::abs(stage.level - typed_level) / rate * time_factor
                }
                (_, Approach::Ramp(ramp)) => ramp.as_secs_f64() * time_factor,
                (_, Approach::AtOnce) => 0.0,
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
            (level, typed_level) = (reached, stage.level);
        }
        stages
    }
}

fn pool(rate: f64) -> u32 {
    let users = (rate * POOL_SECONDS).ceil().clamp(POOL_MIN, POOL_MAX);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between the least and the most"
    )]
    let users = users as u32;
    users
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
    let is_open = typed.rate.is_some()
        || typed
            .stages
            .iter()
            .flatten()
            .any(|stage| stage.get_ref().rate.is_some());
    let single = StageSpec {
        users: typed.users.clone().filter(|_| !is_open),
        spawn_rate: None,
        rate: typed.rate.clone(),
        ramp: None,
        duration: typed
            .duration
            .clone()
            .unwrap_or_else(|| Spanned::new(0..0, String::new())),
    };
    let has_level = typed.users.is_some() || typed.rate.is_some();
    let stages = match (&typed.duration, &typed.stages) {
        (Some(_), None) if has_level => vec![single],
        (None, Some(stages)) if !stages.is_empty() && typed.rate.is_none() => {
            stages.iter().map(|stage| stage.get_ref().clone()).collect()
        }
        _ => {
            problems.push(
                Problem::new("a profile says neither users or a rate for a duration nor stages")
                    .at(spec.span(), "in this profile")
                    .help("write users = 10 or rate = \"50/s\" with duration = \"5m\", or stages = [{ users = 10, duration = \"5m\" }, …]"),
            );
            return None;
        }
    };
    let known = problems.len();
    let open = is_open.then(|| OpenProfile {
        law: law(typed.arrivals.as_ref(), problems),
        users: typed.users.as_ref().map(|users| *users.get_ref()),
    });
    if let Some(arrivals) = typed.arrivals.as_ref().filter(|_| !is_open) {
        let help = "arrivals go with a rate: write rate = \"50/s\"";
        problems.push(
            Problem::new("this profile has no rate")
                .at(arrivals.span(), "here")
                .help(help),
        );
    }
    let common = typed.spawn_rate.as_ref();
    let stages: Vec<ProfileStage> = stages
        .iter()
        .filter_map(|stage| resolve_stage(stage, is_open, common, &spec.span(), problems))
        .collect();
    let least = if is_open { f64::MIN_POSITIVE } else { 1.0 };
    let empty_pool = open.is_some_and(|open| open.users == Some(0));
    if problems.len() == known && (empty_pool || stages.iter().all(|stage| stage.level < least)) {
        problems.push(
            Problem::new("a profile never has a user")
                .at(spec.span(), "in this profile")
                .help("give a stage at least one user, or a rate above 0"),
        );
    }
    (problems.len() == known).then_some(Profile {
        stages,
        open,
        users_of,
    })
}

fn law(typed: Option<&Spanned<String>>, problems: &mut Vec<Problem>) -> Law {
    match typed.map(|typed| (typed, typed.get_ref().as_str())) {
        None | Some((_, "poisson")) => Law::Poisson,
        Some((_, "constant")) => Law::Constant,
        Some((typed, other)) => {
            problems.push(
                Problem::new(format!("`{other}` is no law of arrivals"))
                    .at(typed.span(), "here")
                    .help("write \"poisson\" or \"constant\""),
            );
            Law::Poisson
        }
    }
}

fn resolve_stage(
    stage: &StageSpec,
    is_open: bool,
    common_rate: Option<&Spanned<f64>>,
    profile: &std::ops::Range<usize>,
    problems: &mut Vec<Problem>,
) -> Option<ProfileStage> {
    let duration = positive_duration(&stage.duration).map_err(|problem| problems.push(problem));
    let level = level(stage, is_open, profile).map_err(|problem| problems.push(problem));
    let spawn_rate = stage.spawn_rate.as_ref().or(common_rate);
    if let Some(rate) =
        spawn_rate.filter(|rate| !(rate.get_ref().is_finite() && *rate.get_ref() > 0.0))
    {
        let problem = Problem::new(format!("{} is no spawn rate", rate.get_ref()))
            .at(rate.span(), "here")
            .help("write users a second above 0, or leave it out to start all at once");
        if !problems.contains(&problem) {
            problems.push(problem);
        }
        return None;
    }
    let approach = match (spawn_rate, &stage.ramp) {
        (None, None) => Approach::AtOnce,
        (Some(rate), None) if !is_open => Approach::Rate(*rate.get_ref()),
        (None, Some(ramp)) => match positive_duration(ramp) {
            Ok(ramp) => Approach::Ramp(ramp),
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        },
        (Some(rate), _) => {
            let help = "a stage has a ramp, like \"30s\", or, of users, a spawn_rate";
            let problem = Problem::new("a spawn rate is out of place").at(rate.span(), "here");
            problems.push(problem.help(help));
            return None;
        }
    };
    Some(ProfileStage {
        level: level.ok()?,
        approach,
        duration: duration.ok()?,
    })
}

/// The level of a stage, in the model of its profile.
fn level(
    stage: &StageSpec,
    is_open: bool,
    profile: &std::ops::Range<usize>,
) -> Result<f64, Problem> {
    match (&stage.users, &stage.rate) {
        (Some(users), None) if !is_open => Ok(f64::from(*users.get_ref())),
        (None, Some(rate)) if is_open => match rate.get_ref() {
            Json::Text(text) => {
                quantity::rate(text).map_err(|error| Problem::new(error).at(rate.span(), "here"))
            }
            Json::Integer(number) if *number >= 0 => Ok(*number as f64),
            Json::Float(number) if number.is_finite() && *number >= 0.0 => Ok(*number),
            _ => Err(Problem::new("this is no rate")
                .at(rate.span(), "here")
                .help("write it like \"500/s\", \"3k/min\" or 500")),
        },
        _ => Err(Problem::new("the stages of a profile are all of users, or all of rates")
            .at(profile.clone(), "in this profile")
            .help("give each stage either users or a rate; the pool of an open profile is its own `users`")),
    }
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

/// The number of users that ever are active; in the open model, those of the pool.
pub fn users_in(load: &Load) -> u32 {
    if let Some(open) = &load.open {
        return open.users;
    }
    let levels = load.stages.iter().map(|stage| stage.from.max(stage.to));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "levels come from u32 numbers of users"
    )]
    let most = levels.fold(0.0, f64::max).ceil() as u32;
    most
}

/// The highest level of a load, in words: its users, or its arrivals and their pool.
pub fn level_in_words(load: &Load) -> String {
    let Some(open) = &load.open else {
        return format!("up to {} users", users_in(load));
    };
    let rate = load
        .stages
        .iter()
        .map(|stage| stage.from.max(stage.to))
        .fold(0.0, f64::max);
    let law = match open.law {
        Law::Poisson => "poisson",
        Law::Constant => "constant",
    };
    format!("up to {rate:.1} tasks/s ({law}) by {} users", open.users)
}

/// Whether the load ends while users are still being started.
pub fn falls_short(load: &Load) -> bool {
    load.open.is_none() && load.stages.last().is_some_and(|last| last.to > last.from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn profile(stages: &[(f64, Option<f64>, u64)]) -> Profile {
        let stage = |&(users, spawn_rate, seconds): &(f64, Option<f64>, u64)| ProfileStage {
            level: users,
            approach: spawn_rate.map_or(Approach::AtOnce, Approach::Rate),
            duration: Duration::from_secs(seconds),
        };
        Profile {
            stages: stages.iter().map(stage).collect(),
            open: None,
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
    fn a_rate_makes_an_open_load_of_the_same_length() {
        let closed = profile(&[(10.0, Some(2.0), 120), (100.0, None, 60)]);
        let rate = Overrides {
            rate: Some(500.0),
            ..Overrides::default()
        };
        let (stages, open) = closed.load(&rate);
        assert_eq!(
            stages,
            [Stage {
                seconds: 180.0,
                from: 500.0,
                to: 500.0
            }]
        );
        assert_eq!(
            open,
            Some(Open {
                law: Law::Poisson,
                users: 500
            })
        );
        let opened = closed.overridden(&rate);
        let more = Overrides {
            rate: Some(1000.0),
            users: Some(7),
            ..Overrides::default()
        };
        let (stages, open) = opened.load(&more);
        assert_eq!(
            stages,
            [Stage {
                seconds: 180.0,
                from: 1000.0,
                to: 1000.0
            }]
        );
        assert_eq!(open.map(|open| open.users), Some(7));
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
            prop_assert!((active as f64 - load.level_at(at_s).ceil()).abs() < 0.5);
        }
    }
}
