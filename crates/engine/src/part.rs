//! A part of the load: what a core is to offer of it, and where its arrivals wait. There is one, and one for each
//! load that is beside it.

use std::cell::Cell;

use record::Load;
use scenario::{Cast, Plan};

use crate::desk::Desk;
use crate::schedule::Schedule;
use crate::settings::Share;

pub(crate) struct Part {
    pub(crate) schedule: Schedule,
    /// Where arrivals wait for an idle user.
    pub(crate) desk: Desk,
    /// Who it is of.
    pub(crate) cast: Cast,
    pub(crate) is_open: bool,
    /// Users of the pool that have not ended.
    serving: Cell<u32>,
}

impl Part {
    /// All parts of a plan's load, of a core's share.
    pub(crate) fn all(plan: &Plan, seed: u64, share: Share) -> Box<[Self]> {
        let part = |(load, cast): (&Load, &Cast)| Self {
            schedule: Schedule::new(load, cast, seed, share),
            desk: Desk::default(),
            cast: cast.clone(),
            is_open: load.open.is_some(),
            serving: Cell::new(0),
        };
        plan.load
            .longest()
            .parts()
            .zip(&plan.casts)
            .map(part)
            .collect()
    }

    /// So many users of the pool begin.
    pub(crate) fn users_begin(&self, count: u32) {
        self.serving.set(self.serving.get().saturating_add(count));
    }

    /// A user of the pool has ended. True where it was the last, so that nobody is left to play arrivals.
    pub(crate) fn user_ends(&self) -> bool {
        self.serving.set(self.serving.get().saturating_sub(1));
        self.serving.get() == 0
    }
}
