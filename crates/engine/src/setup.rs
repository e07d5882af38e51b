//! The set-up: requests made once, in order, before the load.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;

use record::{Increment, RequestName};
use scenario::Plan;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::clock::Clock;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::keeper::Keeper;
use crate::recorder::{Handover, Recorder};
use crate::schedule::Schedule;
use crate::settings::{Settings, Share};
use crate::target::Target;

/// What a set-up left.
#[derive(Debug)]
pub struct SetupOutcome {
    /// What was recorded, on a clock that began with the set-up.
    pub increments: Vec<Increment>,
    /// The request that failed, and how.
    pub failed: Option<String>,
}

/// Plays the set-up; ends at the first request that fails.
pub fn set_up(plan: &Arc<Plan>, target: &Arc<Target>, seed: u64) -> io::Result<SetupOutcome> {
    let clock = Clock::start();
    let (to, handovers) = channel();
    let (_spare, spares) = channel();
    let names: Arc<[RequestName]> = plan.names.clone().into();
    let recorder = Recorder::new(clock, names, to, spares, 0);
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (plan, target) = (plan.clone(), target.clone());
    let failed = LocalSet::new().block_on(&runtime, async move {
        let schedule = Schedule::new(&plan, seed, Share::of_core(&Settings::default(), 0));
        let core = Core::new(plan, target, (clock, recorder), schedule, (0, 1))?;
        let core = Rc::new(core);
        let driver = tokio::task::spawn_local({
            let core = core.clone();
            async move { core.pacer.drive().await }
        });
        let failed = play(&core, seed).await;
        driver.abort();
        core.finish();
        Ok::<_, io::Error>(failed)
    })?;
    let mut increments = Vec::new();
    for (_, handover) in handovers.try_iter() {
        if let Handover::Delta(mut delta) = handover {
            let mut increment = delta.to_increment();
            // Its seconds are not those of the load.
            increment.seconds.clear();
            increment
                .histograms
                .iter_mut()
                .for_each(|entry| entry.second = 0);
            increments.push(increment);
        }
    }
    Ok(SetupOutcome { increments, failed })
}

async fn play(core: &Core, seed: u64) -> Option<String> {
    let seat = core.pacer.seat();
    let mut random = Plan::random_of_setup(seed);
    let mut keeper = Keeper::default();
    for request in &core.plan.setup {
        let intended_ns = core.clock.now_ns();
        let played = Exchange::play(
            core,
            seat,
            request,
            &mut keeper,
            &mut random,
            (intended_ns, intended_ns),
        );
        let (_, fault) = played.await;
        if let Some(fault) = fault {
            let title = core.plan.names[request.name.index()].title();
            return Some(format!("{title}: {}", fault.text));
        }
    }
    None
}
