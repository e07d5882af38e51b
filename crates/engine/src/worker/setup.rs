//! The set-up and the tear-down: what is done once, before the load and after it.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;

use brunt_record::{Increment, RequestName};
use brunt_scenario::{Plan, Step, Value};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::client::context::Core;
use crate::client::recorder::{Handover, Recorder};
use crate::client::session::Belongings;
use crate::net::origins::Target;
use crate::settings::{Settings, Share};
use crate::time::clock::Clock;
use crate::user::step_runner::{Flow, Playing};

/// What a set-up or a tear-down left.
#[derive(Debug)]
pub struct SetupOutcome {
    /// What was recorded, on a clock that began with it.
    pub increments: Vec<Increment>,
    /// What failed, and how.
    pub failed: Option<String>,
    /// The values of variables, by their slots.
    pub values: Arc<[Value]>,
}

/// Plays the set-up; ends at the first request that fails.
pub fn set_up(plan: &Arc<Plan>, target: &Arc<Target>, seed: u64) -> io::Result<SetupOutcome> {
    let settings = Settings {
        seed,
        ..Settings::default()
    };
    play_once(plan, target, &settings, |plan| &plan.setup)
}

/// Plays the tear-down; ends at the first request that fails. The settings are those of the run.
pub fn tear_down(
    plan: &Arc<Plan>,
    target: &Arc<Target>,
    settings: &Settings,
) -> io::Result<SetupOutcome> {
    play_once(plan, target, settings, |plan| &plan.teardown)
}

fn play_once(
    plan: &Arc<Plan>,
    target: &Arc<Target>,
    settings: &Settings,
    steps: fn(&Plan) -> &[Step],
) -> io::Result<SetupOutcome> {
    let seed = settings.seed;
    let ((failed, values), increments) = alone(
        plan,
        target,
        settings,
        |core| core,
        async |core| play(core, seed, steps(&core.plan)).await,
    )?;
    Ok(SetupOutcome {
        increments,
        failed,
        values,
    })
}

/// Does something on a core of its own, where nothing else is played; with what was recorded.
pub(crate) fn alone<T>(
    plan: &Arc<Plan>,
    target: &Arc<Target>,
    settings: &Settings,
    prepare: fn(Core) -> Core,
    work: impl AsyncFnOnce(&Core) -> T,
) -> io::Result<(T, Vec<Increment>)> {
    let clock = Clock::start();
    let (to, handovers) = channel();
    let (_spare, spares) = channel();
    let names: Arc<[RequestName]> = plan.names.clone().into();
    let recorder = Recorder::new(clock, names, to, spares, 0);
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (plan, target) = (plan.clone(), target.clone());
    let settings = Settings {
        threads: 1,
        ..settings.clone()
    };
    let done = LocalSet::new().block_on(&runtime, async move {
        let share = Share::of_core(&settings, 0);
        let core = Core::new(plan, target, (clock, recorder), share, &settings)?;
        let core = Rc::new(prepare(core));
        let driver = tokio::task::spawn_local({
            let core = core.clone();
            async move { core.pacer.drive().await }
        });
        let done = work(&core).await;
        driver.abort();
        core.finish();
        Ok::<_, io::Error>(done)
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
    Ok((done, increments))
}

/// What failed, and the values of variables.
async fn play(core: &Core, seed: u64, steps: &[Step]) -> (Option<String>, Arc<[Value]>) {
    let mut belongings = Belongings::new(core, Plan::random_of_setup(seed));
    let now_ns = core.clock.now_ns();
    let seat = core.pacer.seat();
    let mut playing = Playing::new(core, seat, &mut belongings, (now_ns, now_ns)).for_setup();
    let flow = playing.play(steps).await;
    let failed = match flow {
        Flow::BrokenOff => playing
            .reason()
            .or_else(|| Some("the set-up was broken off".to_owned())),
        Flow::Done | Flow::StopUser(_) => None,
    };
    (failed, belongings.life.variables.into())
}
