//! The plan: a scenario compiled for the hot path, for one profile and one host.

use rand::{RngExt, SeedableRng};
use std::path::Path;

use rand_xoshiro::Xoshiro256PlusPlus;
use record::{Load, RequestName};

use crate::arrivals::Arrivals;
use crate::class::Task;
use crate::network::Network;
use crate::profile::{Overrides, Profile};
use crate::request::Request;
use crate::scenario::Scenario;
use crate::wait::Wait;

/// What the engine plays.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Request names; requests refer to them by their place.
    pub names: Vec<RequestName>,
    /// Requests made once, before the load.
    pub setup: Vec<Request>,
    /// User classes that have users.
    pub classes: Vec<PlannedClass>,
    class_cycle: Vec<usize>,
    /// How much load over time.
    pub load: Load,
    /// How the service is reached.
    pub network: Network,
}

/// A user class, compiled.
#[derive(Debug, Clone)]
pub struct PlannedClass {
    /// Its name.
    pub name: String,
    /// Its share of the users (0 to 1).
    pub share: f64,
    /// How long its users rest between two tasks.
    pub wait: Wait,
    /// Its tasks.
    pub tasks: Tasks,
}

/// Tasks to choose from by weight.
#[derive(Debug, Clone)]
pub struct Tasks {
    tasks: Vec<Vec<Request>>,
    /// Ends of the tasks' parts of the range 0 to 1.
    ends: Vec<f64>,
}

/// A profile or a class was named that the scenario does not have, or a class without users.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(String);

impl Tasks {
    fn new(tasks: &[Task]) -> Self {
        let total: f64 = tasks.iter().map(|task| task.weight).sum();
        let mut end = 0.0;
        let ends = tasks.iter().map(|task| {
            end += task.weight / total;
            end
        });
        Self {
            ends: ends.collect(),
            tasks: tasks.iter().map(|task| task.requests.clone()).collect(),
        }
    }

    /// The place of the next task.
    #[inline]
    pub fn draw(&self, random: &mut Xoshiro256PlusPlus) -> usize {
        let at: f64 = random.random();
        // Rounding may leave the last end a hair under 1.
        self.ends
            .iter()
            .position(|end| at < *end)
            .unwrap_or_else(|| self.last_with_weight())
    }

    fn last_with_weight(&self) -> usize {
        let last = self.ends[self.ends.len() - 1];
        self.ends.iter().position(|end| *end >= last).unwrap_or(0)
    }

    /// The requests of a task.
    #[inline]
    pub fn requests(&self, task: usize) -> &[Request] {
        &self.tasks[task]
    }

    /// The tasks' requests with the share of each task (0 to 1).
    pub fn shares(&self) -> impl Iterator<Item = (&[Request], f64)> {
        let begins = std::iter::once(0.0).chain(self.ends.iter().copied());
        let shares = self.ends.iter().zip(begins).map(|(end, begin)| end - begin);
        self.tasks.iter().map(Vec::as_slice).zip(shares)
    }
}

impl Plan {
    /// Compiles a scenario's profile. `users_of` names the classes to take; empty: those of the
    /// profile, or all.
    pub fn new(
        scenario: &Scenario,
        profile: &str,
        overrides: &Overrides,
        users_of: &[String],
    ) -> Result<Self, PlanError> {
        let chosen = scenario.profiles.get(profile).ok_or_else(|| {
            let known = scenario.profiles.keys().map(String::as_str);
            PlanError(format!(
                "no profile is named `{profile}`; {}",
                crate::problem::suggestion(profile, known)
            ))
        })?;
        let users_of = if users_of.is_empty() {
            &chosen.users_of
        } else {
            users_of
        };
        let classes = classes(scenario, users_of)?;
        refuse_misfits(chosen, profile, overrides)?;
        let load = Load {
            tasks_per_user_second: tasks_per_user_second(&classes),
            requests_per_task: requests_per_task(&classes),
            ..chosen.load(overrides)
        };
        Ok(Self {
            names: scenario.names.clone(),
            setup: scenario.setup.clone(),
            class_cycle: class_cycle(&classes),
            classes,
            load,
            network: scenario.network.clone(),
        })
    }

    /// The files that are bodies of requests.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let classes = self.classes.iter();
        let of_tasks = classes.flat_map(|class| class.tasks.tasks.iter().flatten());
        self.setup.iter().chain(of_tasks).filter_map(Request::file)
    }

    /// The class of a user, by its number: every stretch of users has each class in its share.
    pub fn class_of(&self, user: u32) -> usize {
        self.class_cycle[(user % CLASS_CYCLE) as usize]
    }

    /// The randomness of a user: it depends on the seed, the class and the user's number alone.
    pub fn random_of(&self, seed: u64, class: usize, user: u32) -> Xoshiro256PlusPlus {
        let mut state = mix(seed);
        for byte in self.classes[class].name.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Xoshiro256PlusPlus::seed_from_u64(mix(state ^ u64::from(user)))
    }

    /// The arrivals of the open model: the same on any number of cores.
    pub fn arrivals(&self, seed: u64) -> Arrivals {
        Arrivals::new(
            &self.load,
            Xoshiro256PlusPlus::seed_from_u64(mix(seed ^ 0xa771)),
        )
    }

    /// The class of an arrival and its randomness: they depend on the seed and its number alone.
    pub fn arrival(&self, seed: u64, number: u64) -> (usize, Xoshiro256PlusPlus) {
        #[expect(clippy::cast_possible_truncation, reason = "below the cycle")]
        let class = self.class_cycle[(number % u64::from(CLASS_CYCLE)) as usize];
        (
            class,
            Xoshiro256PlusPlus::seed_from_u64(mix(mix(seed) ^ number)),
        )
    }

    /// The randomness of the set-up.
    pub fn random_of_setup(seed: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(mix(seed ^ 0x5e7))
    }
}

/// What the command line may change of a search alone, and of anything but a search.
fn refuse_misfits(profile: &Profile, name: &str, overrides: &Overrides) -> Result<(), PlanError> {
    let misfit = match &profile.search {
        None if overrides.closed => {
            "is no search, so that it cannot search over users; leave --closed out"
        }
        Some(_) if overrides.spawn_rate.is_some() => {
            "is a search, which has no ramps; leave -r out"
        }
        Some(_) if overrides.rate.is_some() && (overrides.closed || profile.open.is_none()) => {
            "is a search over users; -u is its highest level, and --rate has no place"
        }
        _ => return Ok(()),
    };
    Err(PlanError(format!("the profile `{name}` {misfit}")))
}

/// After so many users the classes repeat.
const CLASS_CYCLE: u32 = 1000;

/// The class of each of the first users. Each class is due its share of the users so far; the one
/// furthest behind is next.
fn class_cycle(classes: &[PlannedClass]) -> Vec<usize> {
    let mut given = vec![0.0; classes.len()];
    let next = |number: u32| {
        let due = |class: usize| classes[class].share * f64::from(number + 1) - given[class];
        let next = (0..classes.len())
            .max_by(|a, b| due(*a).total_cmp(&due(*b)).then(b.cmp(a)))
            .unwrap_or(0);
        given[next] += 1.0;
        next
    };
    (0..CLASS_CYCLE).map(next).collect()
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, 2014): every bit of the input moves every bit of
/// the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn classes(scenario: &Scenario, users_of: &[String]) -> Result<Vec<PlannedClass>, PlanError> {
    for name in users_of {
        if !scenario.classes.iter().any(|class| class.name == *name) {
            let known = scenario.classes.iter().map(|class| class.name.as_str());
            return Err(PlanError(format!(
                "no user class is named `{name}`; {}",
                crate::problem::suggestion(name, known)
            )));
        }
    }
    let taken = |name: &String| users_of.is_empty() || users_of.contains(name);
    let chosen = scenario
        .classes
        .iter()
        .filter(|class| taken(&class.name) && class.weight > 0.0);
    let chosen: Vec<_> = chosen.collect();
    let total: f64 = chosen.iter().map(|class| class.weight).sum();
    if chosen.is_empty() {
        return Err(PlanError(format!(
            "{} has weight 0, so that there are no users; give it a weight",
            users_of.join(", ")
        )));
    }
    Ok(chosen
        .into_iter()
        .map(|class| PlannedClass {
            name: class.name.clone(),
            share: class.weight / total,
            wait: class.wait,
            tasks: Tasks::new(&class.tasks),
        })
        .collect())
}

fn tasks_per_user_second(classes: &[PlannedClass]) -> Option<f64> {
    classes
        .iter()
        .map(|class| {
            let mean_s = class.wait.mean().as_secs_f64();
            (mean_s > 0.0).then_some(class.share / mean_s)
        })
        .sum()
}

/// Classes that wait less start more tasks: the mean is over tasks, not over users.
fn requests_per_task(classes: &[PlannedClass]) -> f64 {
    let rate = |class: &PlannedClass| {
        let mean_s = class.wait.mean().as_secs_f64();
        if mean_s > 0.0 {
            class.share / mean_s
        } else {
            class.share
        }
    };
    let requests = |class: &PlannedClass| -> f64 {
        class
            .tasks
            .shares()
            .map(|(requests, share)| requests.len() as f64 * share)
            .sum()
    };
    let total: f64 = classes.iter().map(rate).sum();
    classes
        .iter()
        .map(|class| rate(class) * requests(class))
        .sum::<f64>()
        / total
}
