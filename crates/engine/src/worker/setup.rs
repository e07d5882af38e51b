//! The set-up and the tear-down: steps that run once, before and after the load.

use std::io;
use std::sync::Arc;

use brunt_record::MetricsSnapshot;
use brunt_scenario::{Plan, Step, Value};

use super::run_loop::run_single_user;
use crate::client::context::WorkerContext;
use crate::net::origins::Origins;
use crate::settings::Settings;
use crate::user::step_runner::{StepFlow, StepRunner};

/// The outcome of a set-up or a tear-down.
#[derive(Debug)]
pub struct SetupOutcome {
    /// The recorded samples, on a clock that started with it.
    pub increments: Vec<MetricsSnapshot>,
    /// The first failure.
    pub failed: Option<String>,
    /// Values of variables, by slot.
    pub values: Arc<[Value]>,
}

/// Runs the set-up, up to the first request that fails.
pub fn set_up(plan: &Arc<Plan>, origins: &Arc<Origins>, seed: u64) -> io::Result<SetupOutcome> {
    let settings = Settings {
        seed,
        ..Settings::default()
    };
    run_once(plan, origins, &settings, |plan| &plan.setup)
}

/// Runs the tear-down, up to the first request that fails, with the settings of the run.
pub fn tear_down(
    plan: &Arc<Plan>,
    origins: &Arc<Origins>,
    settings: &Settings,
) -> io::Result<SetupOutcome> {
    run_once(plan, origins, settings, |plan| &plan.teardown)
}

fn run_once(
    plan: &Arc<Plan>,
    origins: &Arc<Origins>,
    settings: &Settings,
    steps: fn(&Plan) -> &[Step],
) -> io::Result<SetupOutcome> {
    let seed = settings.seed;
    let ((failed, values), increments) = run_single_user(
        plan,
        origins,
        settings,
        |context| context,
        async |context| run_steps(context, seed, steps(&context.plan)).await,
    )?;
    Ok(SetupOutcome {
        increments,
        failed,
        values,
    })
}

/// Runs the steps. Returns the first failure, and the values of variables.
async fn run_steps(
    context: &WorkerContext,
    seed: u64,
    steps: &[Step],
) -> (Option<String>, Arc<[Value]>) {
    let mut session = context.new_session(0, Plan::random_of_setup(seed));
    let now_ns = context.net.clock.now_ns();
    let slot = context.net.timers.add_slot();
    let mut runner = StepRunner::new(context, slot, &mut session, (now_ns, now_ns)).for_setup();
    let flow = runner.run(steps).await;
    let failed = match flow {
        StepFlow::Interrupted => runner
            .reason()
            .or_else(|| Some("the set-up was interrupted".to_owned())),
        StepFlow::Done | StepFlow::StopUser(_) => None,
    };
    (failed, session.state.variables.into())
}
