//! The plan: a scenario compiled for the hot path, for one profile and one host.

pub(crate) mod active_spans;
pub(crate) mod arrivals;
pub(crate) mod class_mix;
pub(crate) mod tasks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use brunt_record::{Load, NameId, RequestName, Target};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::data::DataSource;
use crate::expr::secrets::SecretSources;
use crate::model::class::Class;
use crate::model::network::Network;
use crate::model::profile::{Overrides, Profile, SearchBy, users_in};
use crate::model::request::Request;
use crate::model::scenario::Scenario;
use crate::model::step::Step;
use crate::model::wait::Wait;
use crate::plan::class_mix::{ClassMix, PlannedClass};
use crate::plan::tasks::Tasks;
use crate::random::mix;
use crate::source::diagnostic::suggestion;

/// A compiled scenario for the engine.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Request names; requests refer to them by their index.
    pub names: Vec<RequestName>,
    /// Steps that run once, before the load.
    pub setup: Vec<Step>,
    /// Steps that run once, after the load.
    pub teardown: Vec<Step>,
    /// User classes that have users.
    pub classes: Vec<PlannedClass>,
    /// Class mix of the load and of each concurrent one, in the order of its parts.
    pub class_mixes: Vec<ClassMix>,
    /// Data sources.
    pub sources: Arc<[DataSource]>,
    /// Variables of a user, by their slots. Names with a space are hidden.
    pub variables: Arc<[String]>,
    /// Whether the setup sets variables for all users.
    pub shares_values: bool,
    /// Secrets, which no report, screen or file may show.
    pub secrets: Arc<SecretSources>,
    /// Targets that judge the run.
    pub targets: Vec<Target>,
    /// Shortest run that may pass; `None`: the default of the verdict.
    pub min_duration: Option<Duration>,
    /// Load over time.
    pub load: Load,
    /// Network settings.
    pub network: Network,
}

/// Error of a plan: an unknown profile or class, a class without users, or an override that does not apply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(String);

impl Plan {
    /// Compiles a profile of a scenario. `class_names` names the classes that take part; empty: those of the profile, or all.
    pub fn new(
        scenario: &Scenario,
        profile: &str,
        overrides: &Overrides,
        class_names: &[String],
    ) -> Result<Self, PlanError> {
        let chosen = scenario.profiles.get(profile).ok_or_else(|| {
            let known = scenario.profiles.keys().map(String::as_str);
            PlanError(format!(
                "unknown profile `{profile}`; {}",
                suggestion(profile, known)
            ))
        })?;
        reject_misfits(chosen, profile, overrides)?;
        let loads = loads(chosen, overrides, class_names);
        let users: f64 = loads
            .iter()
            .map(|(load, _)| f64::from(users_in(load)))
            .sum();
        let (mut parts, mut classes, mut class_mixes) = (Vec::new(), Vec::new(), Vec::new());
        for (load, class_names) in loads {
            let (mut own, fixed) = self::classes(scenario, class_names, overrides, &load)?;
            let load = Load {
                tasks_per_user_second: tasks_per_user_second(&own),
                requests_per_task: requests_per_task(&own),
                ..load
            };
            let counts = counts(&own, scenario.names.len());
            class_mixes.push(ClassMix::new(
                class_mixes.len(),
                classes.len(),
                &own,
                fixed,
                counts,
            ));
            let part = f64::from(users_in(&load)) / users.max(1.0);
            own.iter_mut().for_each(|class| class.share *= part);
            classes.extend(own);
            parts.push(load);
        }
        let load = Load {
            concurrent: parts.split_off(1),
            ..parts.remove(0)
        };
        Ok(Self {
            names: scenario.names.clone(),
            setup: scenario.setup.clone(),
            teardown: scenario.teardown.clone(),
            classes,
            class_mixes,
            load,
            network: scenario.network.clone(),
            sources: scenario.sources.clone(),
            variables: scenario.variables.clone(),
            shares_values: scenario.shares_values,
            secrets: scenario.secrets.clone(),
            targets: chosen.targets_of(&scenario.targets),
            min_duration: scenario.min_duration,
        })
    }

    /// Estimated number of requests of a name, or of values of a group or metric, per judged request. A condition counts
    /// its larger branch, and a loop with an unknown number of rounds counts once. `None` for requests outside of tasks.
    pub fn share_of(&self, name: NameId) -> Option<f64> {
        if self.is_made_once(name) {
            return None;
        }
        let parts = self.load.parts().zip(&self.class_mixes);
        let (mut of_name, mut of_all) = (0.0, 0.0);
        for (part, mix_of_class) in parts {
            // Without waits and rates, only the number of users is known.
            let offered = part.offered_rps(part.duration_s());
            let rate =
                offered.unwrap_or_else(|| f64::from(users_in(part)) * part.requests_per_task);
            let tasks = rate / part.requests_per_task.max(f64::MIN_POSITIVE);
            of_name += tasks
                * mix_of_class
                    .counts
                    .get(name.index())
                    .copied()
                    .unwrap_or(0.0);
            of_all += rate;
        }
        Some(if of_all > 0.0 { of_name / of_all } else { 0.0 })
    }

    /// Planned share of the requests of each name, by its index; `None` for names that are not requests of tasks.
    pub fn planned_shares(&self) -> Vec<Option<f64>> {
        let ids = (0u32..).map(NameId).zip(&self.names);
        ids.map(|(id, name)| name.is_judged().then(|| self.share_of(id)).flatten())
            .collect()
    }

    /// Whether it is part of `on_start` or `on_stop`.
    fn is_made_once(&self, name: NameId) -> bool {
        let mut once = self
            .classes
            .iter()
            .flat_map(|class| class.on_start.iter().chain(&class.on_stop));
        once.any(|step| step.name() == Some(name))
    }

    /// Judged names that no user of this load requests.
    pub fn not_requested(&self) -> Vec<NameId> {
        let places = self.names.iter().enumerate();
        let ids = places.filter_map(|(place, name)| {
            let id = NameId(u32::try_from(place).ok()?);
            let is_made = self
                .class_mixes
                .iter()
                .any(|mix_of_class| mix_of_class.counts[place] > 0.0)
                || self.is_made_once(id);
            (!name.setup && !is_made).then_some(id)
        });
        ids.collect()
    }

    /// All steps that may run.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        let of_classes = self.classes.iter().flat_map(|class| {
            let once = class.on_start.iter().chain(&class.on_stop);
            once.chain(class.tasks.all_steps())
        });
        self.setup.iter().chain(&self.teardown).chain(of_classes)
    }

    /// Files in the bodies of requests.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let requests = self.steps().filter_map(|step| match step {
            Step::Request(request) => Some(request),
            _ => None,
        });
        requests.flat_map(|request| Request::files(request))
    }

    /// Random number generator of a user. It depends only on the seed, the class and the user's number.
    pub fn random_of(&self, seed: u64, class: usize, user: u32) -> Xoshiro256PlusPlus {
        let mut state = mix(seed);
        for byte in self.classes[class].name.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Xoshiro256PlusPlus::seed_from_u64(mix(state ^ u64::from(user)))
    }

    /// Random number generator of the setup.
    pub fn random_of_setup(seed: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(mix(seed ^ 0x5e7))
    }
}

/// The loads of a profile with their classes. If classes are named, they get only the profile's own load.
fn loads<'a>(
    profile: &'a Profile,
    overrides: &Overrides,
    class_names: &'a [String],
) -> Vec<(Load, &'a [String])> {
    let mut load = profile.load(overrides);
    let concurrent = std::mem::take(&mut load.concurrent);
    if !class_names.is_empty() {
        return vec![(load, class_names)];
    }
    let classes = profile.concurrent.iter().map(|one| one.classes.as_slice());
    let mut loads = vec![(load, profile.classes.as_slice())];
    loads.extend(concurrent.into_iter().zip(classes));
    loads
}

/// Rejects overrides that do not apply to the profile.
fn reject_misfits(profile: &Profile, name: &str, overrides: &Overrides) -> Result<(), PlanError> {
    let is_level_given =
        overrides.users.is_some() || overrides.spawn_rate.is_some() || overrides.rate.is_some();
    let is_open = match overrides.search_by {
        Some(by) => by == SearchBy::Arrivals,
        None => profile.open.is_some(),
    };
    let misfit = match &profile.search {
        None if is_level_given && !profile.concurrent.is_empty() => {
            "has concurrent loads, for which one level is ambiguous; remove -u, -r and --rate"
        }
        None if overrides.search_by.is_some() => {
            "is not a search, so --search-by does not apply; remove it"
        }
        Some(_) if overrides.spawn_rate.is_some() => "is a search, which has no ramps; remove -r",
        Some(_) if overrides.rate.is_some() && !is_open => {
            "is a search over users, whose highest level is -u; remove --rate, or search by arrivals"
        }
        _ => return Ok(()),
    };
    Err(PlanError(format!("the profile `{name}` {misfit}")))
}

fn reject_unknown_classes(scenario: &Scenario, class_names: &[String]) -> Result<(), PlanError> {
    for name in class_names {
        if !scenario.classes.iter().any(|class| class.name == *name) {
            let known = scenario.classes.iter().map(|class| class.name.as_str());
            return Err(PlanError(format!(
                "unknown user class `{name}`; {}",
                suggestion(name, known)
            )));
        }
    }
    Ok(())
}

/// The classes that have users, and the class of each user of a fixed count, which come first.
fn classes(
    scenario: &Scenario,
    class_names: &[String],
    overrides: &Overrides,
    load: &Load,
) -> Result<(Vec<PlannedClass>, Vec<usize>), PlanError> {
    reject_unknown_classes(scenario, class_names)?;
    let is_open = load.open.is_some();
    let has_users = |class: &Class| class.weight > 0.0 || class.fixed_count.is_some_and(|n| n > 0);
    let taken = |name: &String| class_names.is_empty() || class_names.contains(name);
    let of_users: Vec<&Class> = scenario
        .classes
        .iter()
        .filter(|class| taken(&class.name) && has_users(class))
        .collect();
    if of_users.is_empty() {
        return Err(PlanError(format!(
            "{} has weight 0, so no user would run; give it a weight above 0",
            class_names.join(", ")
        )));
    }
    if let Some(class) = of_users
        .iter()
        .find(|class| is_open && class.fixed_count.is_some())
    {
        return Err(PlanError(format!(
            "the class `{}` has a fixed count, which does not apply to arrivals; give it a weight",
            class.name
        )));
    }
    let mut chosen = Vec::new();
    for class in of_users {
        chosen.extend(Tasks::of(class, &overrides.tags).map(|tasks| (class, tasks)));
    }
    if chosen.is_empty() {
        return Err(PlanError(
            "the tags select no task; see the `tags` of the scenario's tasks".to_owned(),
        ));
    }
    let counts = chosen
        .iter()
        .map(|(class, _)| class.fixed_count.unwrap_or(0));
    let fixed: Vec<usize> = counts
        .enumerate()
        .flat_map(|(at, count)| std::iter::repeat_n(at, count as usize))
        .collect();
    let total: f64 = chosen.iter().map(|(class, _)| class.weight).sum();
    let users = users_in(load) as usize;
    if total <= 0.0 && users > fixed.len() {
        return Err(PlanError(format!(
            "the profile has up to {users} users, but the fixed counts of the classes add up to {}; give a \
             class a weight instead",
            fixed.len()
        )));
    }
    // The share of users without a fixed count.
    let left = users.saturating_sub(fixed.len()) as f64 / users.max(1) as f64;
    let planned = chosen.into_iter().enumerate().map(|(at, (class, tasks))| {
        let own = fixed.iter().take(users).filter(|of| **of == at).count();
        let by_weight = if total > 0.0 {
            class.weight / total * left
        } else {
            0.0
        };
        PlannedClass {
            name: class.name.clone(),
            share: by_weight + own as f64 / users.max(1) as f64,
            weight: class.weight,
            wait: class.wait,
            on_start: class.on_start.clone(),
            on_stop: class.on_stop.clone(),
            tasks,
        }
    });
    Ok((planned.collect(), fixed))
}

/// Shortest time from task to task of a user of a class, in seconds.
fn cycle_s(class: &PlannedClass) -> f64 {
    let wait_s = class.wait.mean().as_secs_f64();
    match class.wait {
        Wait::Pace(_) => wait_s.max(class.tasks.wait_s()),
        _ => wait_s + class.tasks.wait_s(),
    }
}

fn tasks_per_user_second(classes: &[PlannedClass]) -> Option<f64> {
    classes
        .iter()
        .map(|class| {
            let mean_s = cycle_s(class);
            (mean_s > 0.0).then_some(class.share / mean_s)
        })
        .sum()
}

/// Share of the tasks of each class. Classes with shorter waits start more.
fn shares_of_tasks(classes: &[PlannedClass]) -> Vec<f64> {
    let rate = |class: &PlannedClass| {
        let mean_s = cycle_s(class);
        if mean_s > 0.0 {
            class.share / mean_s
        } else {
            class.share
        }
    };
    let total: f64 = classes.iter().map(rate).sum();
    classes.iter().map(|class| rate(class) / total).collect()
}

/// Mean number of requests per task.
fn requests_per_task(classes: &[PlannedClass]) -> f64 {
    let shares = shares_of_tasks(classes);
    let requests = classes.iter().map(|class| class.tasks.requests());
    shares
        .iter()
        .zip(requests)
        .map(|(share, count)| share * count)
        .sum()
}

/// Mean number of requests, groups or values of each name per task.
fn counts(classes: &[PlannedClass], names: usize) -> Vec<f64> {
    let mut counts = vec![0.0; names];
    for (class, share) in classes.iter().zip(shares_of_tasks(classes)) {
        class.tasks.add_counts(share, &mut counts);
    }
    counts
}

/// Note about the users of open loads that have `on_start` or `on_stop`: how many start at most. `None` for others.
pub fn logins_in_words(plan: &Plan) -> Option<String> {
    let (mut users, mut times) = (0u64, 0u64);
    for (load, mix_of_class) in plan.load.parts().zip(&plan.class_mixes) {
        let classes = plan.classes[mix_of_class.classes.clone()].iter();
        let starts = classes.filter(|class| !class.on_start.is_empty()).count() as u64;
        if load.open.is_some() && starts > 0 {
            let pool = u64::from(users_in(load));
            users += pool;
            times += pool * starts;
        }
    }
    let in_all = match times {
        0 => return None,
        times if times == users => String::new(),
        times => format!(" of each class ({times} times at most)"),
    };
    Some(format!(
        "users start as arrivals need them, {users} at most; each runs on_start{in_all} before its first task"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Overrides, Scenario};

    fn words(on_start: [&str; 2], profile: &str) -> Option<String> {
        let [one, other] = on_start;
        let text = format!(
            "[users.a]\n{one}\n[[users.a.tasks]]\nget = \"/\"\n[users.b]\n{other}\n[[users.b.tasks]]\nget = \"/\"\n\
             [profiles.p]\nduration = \"10m\"\n{profile}\n[targets]\np95 = {{ critical = \"1s\" }}\n"
        );
        let scenario = Scenario::read("p.toml", &text).unwrap();
        let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).unwrap();
        logins_in_words(&plan)
    }

    #[test]
    fn note_on_open_loads_states_how_often_users_log_in_at_most() {
        let login = "on_start = [{ post = \"/login\" }]";
        for (on_start, profile, expected) in [
            (["", ""], "search = {}", None),
            ([login, login], "users = 20", None),
            (
                [login, ""],
                "search = {}",
                Some(
                    "users start as arrivals need them, 4000 at most; each runs on_start before its first task",
                ),
            ),
            (
                [login, login],
                "search = {}",
                Some(
                    "users start as arrivals need them, 4000 at most; each runs on_start of each class (8000 times \
                     at most) before its first task",
                ),
            ),
            (
                [login, ""],
                "rate = 50\nusers = 30",
                Some(
                    "users start as arrivals need them, 30 at most; each runs on_start before its first task",
                ),
            ),
        ] {
            let found = words(on_start, profile);
            assert_eq!(found.as_deref(), expected, "{on_start:?} {profile}");
        }
    }
}
