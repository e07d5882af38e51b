//! Profiles: the load over time, and its overrides by the command line.

use std::time::Duration;

use brunt_record::{ArrivalProcess, Load, LoadStage, OpenModel, Search, Target};

use crate::model::class::Tags;

/// The load over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Stages.
    pub stages: Vec<ProfileStage>,
    /// Open model, whose levels are arrivals per second; `None`: closed model, whose levels are users.
    pub open: Option<OpenProfile>,
    /// Search for the level. Its only stage is the first level. `None`: the stages define the levels.
    pub search: Option<Search>,
    /// User classes that take part; empty: all.
    pub classes: Vec<String>,
    /// Metrics whose targets are judged; `None`: all.
    pub targets: Option<Vec<String>>,
    /// Time at the beginning that is not judged.
    pub warm_up: Option<Duration>,
    /// Number of tasks after which it ends.
    pub iterations: Option<u64>,
    /// Loads of other classes that run concurrently, each as long as the profile.
    pub concurrent: Vec<Profile>,
}

/// Arrivals of the open model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenProfile {
    /// Distribution of the gaps between arrivals.
    pub arrival_process: ArrivalProcess,
    /// Number of users of the pool; `None`: according to the rate.
    pub users: Option<u32>,
}

impl OpenProfile {
    /// Poisson arrivals, and a pool according to the rate.
    const POISSON: Self = Self {
        arrival_process: ArrivalProcess::Poisson,
        users: None,
    };
}

/// A stage of a profile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProfileStage {
    /// Level after the ramp: users, or arrivals per second.
    pub level: f64,
    /// Ramp to the level.
    pub ramp: Ramp,
    /// Duration, including the ramp.
    pub duration: Duration,
}

/// Ramp from the previous level to that of a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ramp {
    /// At once.
    AtOnce,
    /// Change of the level per second.
    Rate(f64),
    /// Linear, within a duration.
    Linear(Duration),
    /// In a number of equal steps, within a duration.
    Steps(Duration, u32),
}

/// Overrides of a profile by the command line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Closed model: highest number of users; the other levels are scaled. Open model: size of the pool.
    pub users: Option<u32>,
    /// Users started per second.
    pub spawn_rate: Option<f64>,
    /// Highest number of arrivals per second; the other levels are scaled. A closed profile becomes an open one with
    /// this constant rate.
    pub rate: Option<f64>,
    /// Duration of the profile; its stages are scaled.
    pub duration: Option<Duration>,
    /// Quantity that a search varies; `None`: that of the profile.
    pub search_by: Option<SearchBy>,
    /// Selection of tasks.
    pub tags: Tags,
}

/// Quantity that a search varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchBy {
    /// Arrivals per second (open model).
    Arrivals,
    /// Concurrent users (closed model).
    Users,
}

/// Default first level of a search: arrivals per second, or users.
pub(crate) const SEARCH_FROM: f64 = 10.0;
/// Default number of users of a search's pool, which limits the tasks in flight.
const SEARCH_POOL: u32 = 4_000;
/// Default highest level of a search over users.
const SEARCH_USERS_MAX: f64 = 20_000.0;

/// Default number of users of a pool per arrival per second: responses may take a second before arrivals wait.
const POOL_SECONDS: f64 = 1.0;
const POOL_MIN: f64 = 10.0;
const POOL_MAX: f64 = 10_000.0;

impl Profile {
    /// Targets that judge the profile.
    pub(crate) fn targets_of(&self, all: &[Target]) -> Vec<Target> {
        let counts = |target: &&Target| {
            let chosen = self.targets.as_ref();
            chosen.is_none_or(|chosen| chosen.contains(&target.metric.name()))
        };
        all.iter().filter(counts).cloned().collect()
    }

    /// Duration of all stages.
    pub fn duration(&self) -> Duration {
        self.stages.iter().map(|stage| stage.duration).sum()
    }

    /// Highest level: users, or arrivals per second.
    pub fn level_max(&self) -> f64 {
        self.stages
            .iter()
            .map(|stage| stage.level)
            .fold(0.0, f64::max)
    }

    /// The profile with the overrides of the command line, except the duration.
    fn overridden(&self, overrides: &Overrides) -> Self {
        if let Some(search) = &self.search {
            return self.searched(search, overrides);
        }
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
            ramp: Ramp::AtOnce,
            duration,
        };
        let open = Some(OpenProfile::POISSON);
        Self {
            stages: vec![stage],
            open,
            search: None,
            iterations: None,
            ..self.clone()
        }
    }

    /// A search with the overrides of the command line: the highest level, and the quantity.
    fn searched(&self, search: &Search, overrides: &Overrides) -> Self {
        let is_open = match overrides.search_by {
            Some(by) => by == SearchBy::Arrivals,
            None => self.open.is_some(),
        };
        let to = if is_open {
            overrides.rate
        } else {
            overrides.users.map(f64::from)
        };
        let typed = if is_open == self.open.is_some() {
            *search
        } else {
            Search {
                from: SEARCH_FROM,
                to: None,
                ..*search
            }
        };
        let to = to.or(typed.to);
        let from = typed.from.min(to.unwrap_or(f64::INFINITY));
        Self {
            stages: vec![ProfileStage {
                level: from,
                ramp: Ramp::AtOnce,
                duration: self.duration(),
            }],
            open: is_open.then(|| self.open.unwrap_or(OpenProfile::POISSON)),
            search: Some(Search { from, to, ..typed }),
            ..self.clone()
        }
    }

    /// The load with the overrides of the command line. Users, rate and duration scale the whole profile, ramps
    /// included; a spawn rate replaces that of every ramp. In a search, users and rate are the highest level.
    pub fn load(&self, overrides: &Overrides) -> Load {
        let profile = self.overridden(overrides);
        let pool_of = |profile: &Self| match profile.search {
            Some(_) => SEARCH_POOL,
            None => pool(profile.level_max()),
        };
        let open = profile.open.map(|open| OpenModel {
            arrival_process: open.arrival_process,
            users: overrides
                .users
                .or(open.users)
                .unwrap_or_else(|| pool_of(&profile)),
        });
        Load {
            stages: profile.stages(overrides),
            open,
            search: profile.search,
            warm_up_s: self.warm_up.map_or(0.0, |warm_up| warm_up.as_secs_f64()),
            iterations: self.iterations,
            concurrent: self
                .concurrent
                .iter()
                .map(|one| one.load(overrides))
                .collect(),
            ..Load::default()
        }
    }

    fn stages(&self, overrides: &Overrides) -> Vec<LoadStage> {
        let is_fixed = self.open.is_none() && self.search.is_none();
        let users = overrides.users.filter(|_| is_fixed);
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
            let ramp_s = match (overrides.spawn_rate, stage.ramp) {
                (Some(rate), _) if self.open.is_none() => f64::abs(to - level) / rate,
                (_, Ramp::Rate(rate)) => f64::abs(stage.level - typed_level) / rate * time_factor,
                (_, Ramp::Linear(ramp) | Ramp::Steps(ramp, _)) => ramp.as_secs_f64() * time_factor,
                (_, Ramp::AtOnce) => 0.0,
            };
            let reached = if ramp_s > seconds {
                level + (to - level) * seconds / ramp_s
            } else {
                to
            };
            let ramp_s = ramp_s.min(seconds);
            match stage.ramp {
                Ramp::Steps(_, steps) if overrides.spawn_rate.is_none() => {
                    let part_s = ramp_s / f64::from(steps);
                    for step in 1..=steps {
                        let part = f64::from(step) / f64::from(steps);
                        let at = level + (reached - level) * part;
                        let at = if self.open.is_none() { at.round() } else { at };
                        stages.push(LoadStage {
                            seconds: part_s,
                            from: at,
                            to: at,
                        });
                    }
                }
                _ if ramp_s > 0.0 => stages.push(LoadStage {
                    seconds: ramp_s,
                    from: level,
                    to: reached,
                }),
                _ => {}
            }
            if seconds > ramp_s {
                stages.push(LoadStage {
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
        reason = "between POOL_MIN and POOL_MAX"
    )]
    let users = users as u32;
    users
}

/// Largest number of active users, including those of concurrent loads.
pub fn users_in_all(load: &Load) -> u32 {
    load.parts().map(users_in).fold(0, u32::saturating_add)
}

/// Largest number of active users of one load: in the open model, the size of the pool; in a search over users, the
/// highest level.
pub fn users_in(load: &Load) -> u32 {
    if let Some(open) = &load.open {
        return open.users;
    }
    if let Some(search) = &load.search {
        return users_at(search.to.unwrap_or(SEARCH_USERS_MAX));
    }
    let levels = load.stages.iter().map(|stage| stage.from.max(stage.to));
    users_at(levels.fold(0.0, f64::max))
}

/// Highest level of a load and its concurrent loads in words: users, or arrivals and their pool.
pub fn level_in_words(load: &Load) -> String {
    load.parts()
        .map(alone_in_words)
        .collect::<Vec<_>>()
        .join(" in parallel with ")
}

fn alone_in_words(load: &Load) -> String {
    if let Some(search) = &load.search {
        return search_in_words(search, load.open.as_ref());
    }
    let Some(open) = &load.open else {
        return format!("up to {} users", users_in(load));
    };
    let rate = load
        .stages
        .iter()
        .map(|stage| stage.from.max(stage.to))
        .fold(0.0, f64::max);
    let arrival_process = match open.arrival_process {
        ArrivalProcess::Poisson => "poisson",
        ArrivalProcess::Constant => "constant",
    };
    format!(
        "up to {rate:.1} tasks/s ({arrival_process}) by {} users",
        open.users
    )
}

/// Whether the load ends while users are still being started.
pub fn falls_short(load: &Load) -> bool {
    load.open.is_none()
        && load.search.is_none()
        && load.stages.last().is_some_and(|last| last.to > last.from)
}

/// Users at a level.
fn users_at(level: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and levels are not negative"
    )]
    let users = level.ceil() as u32;
    users
}

/// A search in words: its quantity and bounds.
fn search_in_words(search: &Search, open: Option<&OpenModel>) -> String {
    let to = search.to.map(|to| format!(" to {to}")).unwrap_or_default();
    match open {
        Some(open) => {
            let arrival_process = match open.arrival_process {
                ArrivalProcess::Poisson => "poisson",
                ArrivalProcess::Constant => "constant",
            };
            format!(
                "a search from {}{to} tasks/s ({arrival_process}) by up to {} users",
                search.from, open.users
            )
        }
        None => format!("a search from {}{to} users", search.from),
    }
}

#[cfg(test)]
mod tests {
    use brunt_record::Metric;

    use super::*;

    fn profile(stages: &[(f64, Option<f64>, u64)]) -> Profile {
        let stage = |&(users, spawn_rate, seconds): &(f64, Option<f64>, u64)| ProfileStage {
            level: users,
            ramp: spawn_rate.map_or(Ramp::AtOnce, Ramp::Rate),
            duration: Duration::from_secs(seconds),
        };
        Profile {
            stages: stages.iter().map(stage).collect(),
            open: None,
            search: None,
            classes: Vec::new(),
            targets: None,
            warm_up: None,
            iterations: None,
            concurrent: Vec::new(),
        }
    }

    #[test]
    fn ramp_precedes_the_constant_level() {
        let load = profile(&[(10.0, Some(2.0), 300)]);
        let ramp = LoadStage {
            seconds: 5.0,
            from: 0.0,
            to: 10.0,
        };
        let hold = LoadStage {
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
        let ramp = LoadStage {
            seconds: 0.5,
            from: 0.0,
            to: 100.0,
        };
        let hold = LoadStage {
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
            [LoadStage {
                seconds: 30.0,
                from: 0.0,
                to: 60.0
            }]
        );
    }

    #[test]
    fn search_by_changes_the_quantity() {
        let typed = |by: &str| {
            let text = format!(
                "[targets]\np95 = {{ critical = \"1s\" }}\n[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
                 [profiles.p]\nduration = \"2s\"\nsearch = {{ by = \"{by}\", from = 7, to = 70 }}\n"
            );
            let scenario = crate::Scenario::read("p.toml", &text).unwrap();
            scenario.profiles["p"].clone()
        };
        for (typed_by, typed) in [("arrivals", typed("arrivals")), ("users", typed("users"))] {
            for (by, is_open) in [(SearchBy::Arrivals, true), (SearchBy::Users, false)] {
                let load = typed.load(&Overrides {
                    search_by: Some(by),
                    ..Overrides::default()
                });
                let search = load.search.unwrap();
                assert_eq!(load.open.is_some(), is_open, "{typed_by} {by:?}");
                // Levels of users do not apply to arrivals.
                let expected = if (typed_by == "arrivals") == is_open {
                    (7.0, Some(70.0))
                } else {
                    (SEARCH_FROM, None)
                };
                assert_eq!((search.from, search.to), expected, "{typed_by} {by:?}");
            }
        }
    }

    #[test]
    fn a_rate_makes_an_open_load_of_the_same_length() {
        let closed = profile(&[(10.0, Some(2.0), 120), (100.0, None, 60)]);
        let rate = Overrides {
            rate: Some(500.0),
            ..Overrides::default()
        };
        let Load { stages, open, .. } = closed.load(&rate);
        assert_eq!(
            stages,
            [LoadStage {
                seconds: 180.0,
                from: 500.0,
                to: 500.0
            }]
        );
        assert_eq!(
            open,
            Some(OpenModel {
                arrival_process: ArrivalProcess::Poisson,
                users: 500
            })
        );
        let opened = closed.overridden(&rate);
        let more = Overrides {
            rate: Some(1000.0),
            users: Some(7),
            ..Overrides::default()
        };
        let Load { stages, open, .. } = opened.load(&more);
        assert_eq!(
            stages,
            [LoadStage {
                seconds: 180.0,
                from: 1000.0,
                to: 1000.0
            }]
        );
        assert_eq!(open.map(|open| open.users), Some(7));
    }

    #[test]
    fn only_the_targets_that_a_profile_names_count() {
        let target = |metric| Target {
            metric,
            scope: None,
            target: Some(1.0),
            acceptable: None,
            critical: None,
            stop_at: None,
        };
        let all = [Metric::Percentile(0.95), Metric::Mean, Metric::ErrorRate].map(target);
        let mut profile = profile(&[(1.0, None, 1)]);
        assert_eq!(profile.targets_of(&all), all);
        profile.targets = Some(vec!["p95".into(), "error_rate".into()]);
        assert_eq!(profile.targets_of(&all), [all[0].clone(), all[2].clone()]);
        profile.targets = Some(Vec::new());
        assert!(profile.targets_of(&all).is_empty());
    }
}
