//! A part of the load: what a core is to offer of it, and where its arrivals wait. There is one, and one for each
//! load that is beside it.

pub(crate) mod arrival_queue;
pub(crate) mod schedule;
pub(crate) mod start_stats;
pub(crate) mod user_pool;

use brunt_record::Load;
use brunt_scenario::{Cast, Plan};

use crate::settings::Share;
use crate::workload::arrival_queue::Desk;
use crate::workload::schedule::Schedule;
use crate::workload::user_pool::UserPool;

pub(crate) struct Part {
    pub(crate) schedule: Schedule,
    /// Where arrivals wait for an idle user.
    pub(crate) desk: Desk,
    /// Who it is of.
    pub(crate) cast: Cast,
    pub(crate) is_open: bool,
    /// Its users, if it is open.
    pub(crate) pool: UserPool,
}

impl Part {
    /// All parts of a plan's load, of a core's share.
    pub(crate) fn all(plan: &Plan, seed: u64, share: Share) -> Box<[Self]> {
        let part = |(load, cast): (&Load, &Cast)| {
            let size = share.numbers(brunt_scenario::users_in(load)).count();
            // As many as fit in a u32.
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            let is_gradual = plan.classes[cast.classes.clone()]
                .iter()
                .any(|class| !class.on_start.is_empty() || !class.on_stop.is_empty());
            Self {
                schedule: Schedule::new(load, cast, seed, share),
                desk: Desk::default(),
                cast: cast.clone(),
                is_open: load.open.is_some(),
                pool: UserPool::new(size, is_gradual),
            }
        };
        plan.load
            .longest()
            .parts()
            .zip(&plan.casts)
            .map(part)
            .collect()
    }

    /// Sees to it that users are ready for the arrivals that come soon. True if users are to begin.
    pub(crate) fn look_ahead(&self, now_ns: u64) -> bool {
        self.is_open && self.pool.look_ahead(self.schedule.rate_ahead(now_ns))
    }
}
