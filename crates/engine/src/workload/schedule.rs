//! The schedule of a workload: a worker's share of the load over time, which commands can change during the run.

use std::cell::{Cell, RefCell};

use brunt_record::{Load, LoadLevel, LoadStage};
use brunt_scenario::{Arrivals, ClassMix};

use crate::settings::Shard;

/// Time ahead for which users are prepared for arrivals, in seconds.
const AHEAD_S: f64 = 2.0;

pub(crate) struct Schedule {
    load: RefCell<Load>,
    /// Incremented by each change.
    version: Cell<u32>,
    arrivals: RefCell<Arrivals>,
    /// Number of the next arrival, counted over the whole run.
    number: Cell<u64>,
    shard: Shard,
    end_ns: u64,
}

impl Schedule {
    pub(crate) fn new(load: &Load, class_mix: &ClassMix, seed: u64, shard: Shard) -> Self {
        let end_ns = (load.duration_s() * 1e9).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates, and a schedule's length is not negative"
        )]
        let end_ns = end_ns as u64;
        Self {
            load: RefCell::new(load.clone()),
            version: Cell::new(0),
            arrivals: RefCell::new(class_mix.arrivals(load, seed)),
            number: Cell::new(0),
            shard,
            end_ns,
        }
    }

    /// When the load ends.
    pub(crate) fn end_ns(&self) -> u64 {
        self.end_ns
    }

    /// Whether a search changes it.
    pub(crate) fn is_search(&self) -> bool {
        self.load.borrow().search.is_some()
    }

    /// Incremented by each change.
    pub(crate) fn version(&self) -> u32 {
        self.version.get()
    }

    /// Applies another load level from its time on.
    pub(crate) fn steer(&self, level: &LoadLevel, now_ns: u64) {
        let mut load = self.load.borrow_mut();
        load.steer(level);
        if load.open.is_some() {
            self.arrivals.borrow_mut().steer(level);
        } else {
            forget_past(&mut load.stages, now_ns as f64 / 1e9);
        }
        self.version.set(self.version.get() + 1);
    }

    /// When the worker's next arrival is due; `None` if there is none, unless the load changes.
    pub(crate) fn due_ns(&self) -> Option<u64> {
        let mut arrivals = self.arrivals.borrow_mut();
        while !self.shard.holds(self.number.get()) {
            arrivals.due_ns()?;
            arrivals.pass();
            self.number.set(self.number.get() + 1);
        }
        arrivals.due_ns()
    }

    /// Takes the next arrival. Returns its number.
    pub(crate) fn take(&self) -> u64 {
        self.arrivals.borrow_mut().pass();
        self.number.replace(self.number.get() + 1)
    }

    /// The highest arrival rate, per second, that is planned for the worker within the next seconds.
    pub(crate) fn rate_ahead(&self, now_ns: u64) -> f64 {
        let (load, now_s) = (self.load.borrow(), now_ns as f64 / 1e9);
        let moments = [0.0, AHEAD_S / 2.0, AHEAD_S];
        let levels = moments.map(|ahead_s| load.level_at(now_s + ahead_s));
        self.shard.of_rate(levels.into_iter().fold(0.0, f64::max))
    }

    /// The current or next active time of a user: its start and end.
    pub(crate) fn span(&self, user: u32, now_ns: u64) -> Option<(u64, u64)> {
        let spans = brunt_scenario::active_spans(&self.load.borrow().stages, user);
        spans.into_iter().find(|(_, to_ns)| *to_ns > now_ns)
    }

    /// Maximum number of tasks of a user: its equal share of the iterations, if they are limited.
    pub(crate) fn tasks_of(&self, user: u32) -> u64 {
        let load = self.load.borrow();
        let Some(iterations) = load.iterations else {
            return u64::MAX;
        };
        let users = u64::from(brunt_scenario::users_in(&load)).max(1);
        iterations / users + u64::from(u64::from(user) < iterations % users)
    }

    /// Numbers of the worker's users, given the number of all users.
    pub(crate) fn users(&self, all: u32) -> impl Iterator<Item = u32> {
        self.shard.numbers(all)
    }

    /// Number of users of the closed model. In a search, the number that the levels known so far need.
    pub(crate) fn users_wanted(&self) -> u32 {
        let load = self.load.borrow();
        let most = brunt_scenario::users_in(&load);
        if load.search.is_none() {
            return most;
        }
        let ends = load.stages.iter().map(|stage| stage.from.max(stage.to));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates, and levels are not negative"
        )]
        let wanted = ends.fold(0.0, f64::max).ceil() as u32;
        wanted.min(most)
    }
}

/// Replaces past stages by one empty stage, so that the schedule of a long search stays short.
fn forget_past(stages: &mut Vec<LoadStage>, now_s: f64) {
    let mut end_s = 0.0;
    let over = stages.iter().take_while(|stage| {
        end_s += stage.seconds;
        end_s <= now_s
    });
    let (count, seconds) = over.fold((0, 0.0), |(count, sum), stage| {
        (count + 1, sum + stage.seconds)
    });
    if count > 1 {
        let past = LoadStage {
            seconds,
            from: 0.0,
            to: 0.0,
        };
        stages.splice(..count, [past]);
    }
}
