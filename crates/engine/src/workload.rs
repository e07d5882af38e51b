//! A workload: what a worker is to offer of one load, and where its arrivals wait. There is one for the profile, and
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
use crate::time::shutdown::ShutdownPhase;
use crate::time::timers::Timers;
use arrival_queue::{Arrival, ArrivalQueue};
use schedule::Schedule;
use user_pool::UserPool;

/// Number of arrivals that are dispatched before others have their turn.
const ARRIVALS_AT_ONCE_MAX: u32 = 64;

pub(crate) struct Workload {
    pub(crate) schedule: Schedule,
    pub(crate) queue: ArrivalQueue,
    /// Which classes its users are of.
    pub(crate) cast: ClassMix,
    /// Whether it follows the open model.
    pub(crate) is_open: bool,
    /// Its users, if it is open.
    pub(crate) pool: UserPool,
}

impl Workload {
    /// All workloads of a plan: a worker's shard of each.
    pub(crate) fn all(plan: &Plan, seed: u64, shard: Shard) -> Box<[Self]> {
        let workload = |(load, cast): (&Load, &ClassMix)| {
            let size = shard.numbers(brunt_scenario::users_in(load)).count();
            // As many as fit in a u32.
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            let is_gradual = plan.classes[cast.classes.clone()]
                .iter()
                .any(|class| !class.on_start.is_empty() || !class.on_stop.is_empty());
            Self {
                schedule: Schedule::new(load, cast, seed, shard),
                queue: ArrivalQueue::default(),
                cast: cast.clone(),
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

    /// Dispatches arrivals when they are due, until the last one or the stop. `users_changed` is notified when users
    /// are to start.
    pub(crate) async fn dispatch(&self, clock: Clock, timers: &Timers, users_changed: &Notify) {
        let schedule = &self.schedule;
        let slot = timers.add_slot();
        let mut at_once = 0;
        while timers.phase() == ShutdownPhase::Running && !self.queue.is_closed() {
            let due_ns = schedule.due_ns();
            if due_ns.is_none() && !schedule.is_searched() {
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
            if self.pool.arrival_comes() {
                users_changed.notify_one();
            }
            self.queue.push(arrival, timers);
            at_once += 1;
            // Users have their turn as well, however late arrivals are.
            if at_once == ARRIVALS_AT_ONCE_MAX {
                tokio::task::yield_now().await;
                at_once = 0;
            }
        }
        self.queue.close();
        self.queue.wake_idle(timers);
    }

    /// Makes users ready for the arrivals that come soon. True if users are to start.
    pub(crate) fn look_ahead(&self, now_ns: u64) -> bool {
        self.is_open && self.pool.look_ahead(self.schedule.rate_ahead(now_ns))
    }
}
