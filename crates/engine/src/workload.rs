//! A workload: a worker's shard of one load, with its schedule and waiting arrivals. There is one for the profile, and
//! one for each load that runs in parallel with it.

pub(crate) mod arrival_queue;
pub(crate) mod schedule;
pub(crate) mod start_stats;
pub(crate) mod user_pool;

use brunt_record::Load;
use brunt_scenario::{ClassMix, Plan};
use tokio::sync::Notify;

use crate::settings::Shard;
use crate::time::clock::Clock;
use crate::time::timers::{ShutdownPhase, Timers};
use arrival_queue::{Arrival, ArrivalQueue};
use schedule::Schedule;
use user_pool::UserPool;

/// Maximum number of arrivals dispatched before the worker yields to its other tasks.
const ARRIVALS_AT_ONCE_MAX: u32 = 64;

pub(crate) struct Workload {
    pub(crate) schedule: Schedule,
    pub(crate) queue: ArrivalQueue,
    /// The classes of its users.
    pub(crate) class_mix: ClassMix,
    /// Whether it uses the open model.
    pub(crate) is_open: bool,
    /// The user pool of the open model.
    pub(crate) pool: UserPool,
}

impl Workload {
    /// All workloads of a plan, with the worker's shard of each.
    pub(crate) fn all(plan: &Plan, seed: u64, shard: Shard) -> Box<[Self]> {
        let workload = |(load, class_mix): (&Load, &ClassMix)| {
            let size = shard.numbers(brunt_scenario::users_in(load)).count();
            // Fits in a u32, since all users do.
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            let is_gradual = plan.classes[class_mix.classes.clone()]
                .iter()
                .any(|class| !class.on_start.is_empty() || !class.on_stop.is_empty());
            Self {
                schedule: Schedule::new(load, class_mix, seed, shard),
                queue: ArrivalQueue::default(),
                class_mix: class_mix.clone(),
                is_open: load.open.is_some(),
                pool: UserPool::new(size, is_gradual),
            }
        };
        plan.load
            .extended_to_limit()
            .parts()
            .zip(&plan.class_mixes)
            .map(workload)
            .collect()
    }

    /// Dispatches arrivals when they are due, until the last one or the stop. Notifies `users_changed` when users have
    /// to start.
    pub(crate) async fn dispatch(&self, clock: Clock, timers: &Timers, users_changed: &Notify) {
        let schedule = &self.schedule;
        let slot = timers.add_slot();
        let mut at_once = 0;
        while timers.phase() == ShutdownPhase::Running && !self.queue.is_closed() {
            let due_ns = schedule.due_ns();
            if due_ns.is_none() && !schedule.is_search() {
                break;
            }
            let now_ns = clock.now_ns();
            let wake_ns = due_ns.unwrap_or(schedule.end_ns());
            if wake_ns > now_ns {
                timers.sleep_until(slot, wake_ns).await;
                at_once = 0;
                continue;
            }
            let Some(intended_ns) = due_ns else {
                break;
            };
            let arrival = Arrival {
                number: schedule.take(),
                intended_ns,
                dispatched_ns: now_ns,
                is_early: !self.pool.has_started(),
            };
            if self.pool.arrival_started() {
                users_changed.notify_one();
            }
            self.queue.push(arrival, timers);
            at_once += 1;
            // Users run as well, however late arrivals are.
            if at_once == ARRIVALS_AT_ONCE_MAX {
                tokio::task::yield_now().await;
                at_once = 0;
            }
        }
        self.queue.close();
        self.queue.wake_idle(timers);
    }

    /// Prepares users for the arrivals of the next seconds. Returns true if users have to start.
    pub(crate) fn look_ahead(&self, now_ns: u64) -> bool {
        self.is_open && self.pool.look_ahead(self.schedule.rate_ahead(now_ns))
    }
}
