//! The smoke run: one user runs every task once, and all requests and responses are kept.

use std::io;
use std::sync::Arc;

use brunt_scenario::{Plan, Step};

use super::run_loop::run_single_user;
use crate::client::context::WorkerContext;
use crate::client::session::UserSession;
use crate::client::trace::TraceSection;
use crate::net::origins::Origins;
use crate::settings::Settings;
use crate::user::step_runner::{StepFlow, StepRunner};

/// Runs the set-up and then, as one user of each class, `on_start`, each task that has a weight once in order, and `on_stop`, without
/// waits. A failure ends its section; a failure of the set-up ends the run.
pub fn smoke_run(
    plan: &Arc<Plan>,
    origins: &Arc<Origins>,
    seed: u64,
) -> io::Result<Vec<TraceSection>> {
    let settings = Settings {
        seed,
        ..Settings::default()
    };
    let (sections, _) = run_single_user(
        plan,
        origins,
        &settings,
        WorkerContext::with_trace,
        async |context| {
            run_all(context, seed).await;
            context
                .trace
                .as_ref()
                .map_or_else(Vec::new, |trace| trace.take(&context.plan))
        },
    )?;
    Ok(sections)
}

async fn run_all(context: &WorkerContext, seed: u64) {
    let plan = &context.plan;
    let mut session = context.new_session(0, Plan::random_of_setup(seed));
    if !section(
        context,
        &mut session,
        "set-up",
        &plan.setup,
        InterruptedBy::FirstFailure,
    )
    .await
    {
        return;
    }
    for (number, class) in plan.classes.iter().enumerate() {
        let mut user = context.new_session(1, plan.random_of(seed, number, 0));
        user.state.variables.clone_from(&session.state.variables);
        let title = |part: &str| format!("{}, {part}", class.name);
        let start = title("on_start");
        if !section(
            context,
            &mut user,
            &start,
            &class.on_start,
            InterruptedBy::FirstFailure,
        )
        .await
        {
            continue;
        }
        let tasks = (1..).zip(class.tasks.shares());
        for (task, (steps, _)) in tasks.filter(|(_, (_, share))| *share > 0.0) {
            let task = title(&format!("task {task}"));
            section(context, &mut user, &task, steps, InterruptedBy::TaskFailure).await;
        }
        let stop = title("on_stop");
        section(
            context,
            &mut user,
            &stop,
            &class.on_stop,
            InterruptedBy::TaskFailure,
        )
        .await;
    }
    section(
        context,
        &mut session,
        "tear-down",
        &plan.teardown,
        InterruptedBy::FirstFailure,
    )
    .await;
}

/// The failures that interrupt a section.
#[derive(PartialEq)]
enum InterruptedBy {
    /// The first failure.
    FirstFailure,
    /// The same as in a task of the load.
    TaskFailure,
}

/// Runs steps as a section. Returns false if they were interrupted.
async fn section(
    context: &WorkerContext,
    user: &mut UserSession,
    title: &str,
    steps: &[Step],
    interrupted_by: InterruptedBy,
) -> bool {
    let Some(trace) = context.trace.as_ref().filter(|_| !steps.is_empty()) else {
        return true;
    };
    trace.begin(title.to_owned());
    let now_ns = context.net.clock.now_ns();
    let slot = context.net.timers.add_slot();
    let mut runner = StepRunner::new(context, slot, user, (now_ns, now_ns));
    if interrupted_by == InterruptedBy::FirstFailure {
        runner = runner.for_setup();
    }
    let flow = runner.run(steps).await;
    let reason = (flow == StepFlow::Interrupted).then(|| runner.reason());
    trace.end(reason.flatten());
    flow != StepFlow::Interrupted
}
