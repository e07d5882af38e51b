//! The run loop of a worker: starts users according to the schedule, handles commands, and shuts down.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;

use brunt_record::{
    Command, FailureKind, LoadLevel, MetricsSnapshot, RequestName, Sample, duration_ns,
};
use brunt_scenario::{Plan, names_of};
use tokio::runtime::Builder;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinSet, LocalSet};

use crate::client::context::WorkerContext;
use crate::client::failure_example;
use crate::client::recorder::{Recorder, WorkerEvent};
use crate::net::error::RequestError;
use crate::net::origins::Origins;
use crate::settings::{Settings, Shard};
use crate::time::clock::Clock;
use crate::time::timers::ShutdownPhase;
use crate::time::yielding::for_each_yielding;
use crate::user::User;
use crate::workload::Workload;
use crate::workload::arrival_queue::Arrival;
use crate::workload::start_stats::StartStats;

/// Runs a worker's users to their end. Fails if a user panicked or the timers failed.
pub(crate) async fn run(
    context: WorkerContext,
    settings: &Settings,
    commands: UnboundedReceiver<Command>,
) -> io::Result<StartStats> {
    let context = Rc::new(context);
    let local = LocalSet::new();
    let timers = local.spawn_local({
        let timers = context.net.timers.clone();
        async move { timers.run().await }
    });
    let stop_timeout_ns = duration_ns(settings.stop_timeout);
    let seconds = local.spawn_local({
        let context = context.clone();
        async move { run_seconds(&context, stop_timeout_ns).await }
    });
    let handler = local.spawn_local({
        let context = context.clone();
        async move { handle_commands(&context, commands).await }
    });
    let ended = local.run_until(async {
        tokio::select! {
            ended = run_users(&context, settings.seed) => ended,
            failed = timers => failed.unwrap_or_else(|error| Err(io::Error::other(error))),
        }
    });
    let ended = ended.await;
    seconds.abort();
    handler.abort();
    for workload in &context.workloads {
        for arrival in workload.queue.drain() {
            record_cut_off(&context, settings.seed, workload, arrival);
        }
    }
    context.finish();
    ended.map(|()| context.start_stats.take())
}

/// Runs users, each started when the schedule first needs it, and dispatches arrivals.
async fn run_users(context: &Rc<WorkerContext>, seed: u64) -> io::Result<()> {
    let mut users = JoinSet::new();
    for number in 0..context.workloads.len() {
        if context.workloads[number].is_open {
            let context = context.clone();
            users.spawn_local(async move {
                let workload = &context.workloads[number];
                let net = &context.net;
                workload
                    .dispatch(net.clock, &net.timers, &context.users_changed)
                    .await;
            });
        }
    }
    look_ahead(context);
    let mut started = vec![0; context.workloads.len()];
    let is_search = context.workloads[0].schedule.is_search();
    loop {
        for (number, started) in started.iter_mut().enumerate() {
            *started += start_users(context, seed, number, *started, &mut users).await;
        }
        let more_may_come = is_search && context.net.timers.phase() == ShutdownPhase::Running;
        tokio::select! {
            ended = users.join_next() => match ended {
                Some(ended) => ended.map_err(io::Error::other)?,
                None if more_may_come => context.users_changed.notified().await,
                None => return Ok(()),
            },
            () = context.users_changed.notified() => {}
        }
    }
}

/// Starts the users that a workload needs and that have not started yet, a few at a time, because others may already
/// be running. Returns their number.
async fn start_users(
    context: &Rc<WorkerContext>,
    seed: u64,
    workload_number: usize,
    started: usize,
    users: &mut JoinSet<()>,
) -> usize {
    let workload = &context.workloads[workload_number];
    let new: Vec<u32> = if context.net.timers.phase() != ShutdownPhase::Running {
        Vec::new()
    } else if workload.is_open {
        let count = workload.pool.take_wanted() as usize;
        let all = workload.schedule.users(u32::MAX);
        all.skip(started).take(count).collect()
    } else {
        let wanted = workload.schedule.users_wanted();
        workload.schedule.users(wanted).skip(started).collect()
    };
    let count = new.len();
    for_each_yielding(new, |number| {
        let user = User::new(context, seed, workload_number, number);
        if workload.is_open {
            users.spawn_local(user.run_arrivals(context.clone(), seed));
        } else {
            users.spawn_local(user.run(context.clone()));
        }
    })
    .await;
    count
}

/// Hands over each second when it ends. Drains the worker when the schedule ends, and aborts it when the stop timeout
/// has passed as well.
async fn run_seconds(context: &WorkerContext, stop_timeout_ns: u64) {
    let timers = &context.net.timers;
    let slot = timers.add_slot();
    let load_end_ns = context.workloads[0].schedule.end_ns();
    let mut abort_ns = load_end_ns.saturating_add(stop_timeout_ns);
    let mut is_draining = false;
    loop {
        let now_ns = context.net.clock.now_ns();
        context.advance(now_ns);
        look_ahead(context);
        if timers.phase() == ShutdownPhase::Running && now_ns >= load_end_ns {
            context.set_phase(ShutdownPhase::Draining);
        }
        if timers.phase() == ShutdownPhase::Draining && !is_draining {
            is_draining = true;
            abort_ns = abort_ns.min(now_ns.saturating_add(stop_timeout_ns));
        }
        if timers.phase() == ShutdownPhase::Draining && now_ns >= abort_ns {
            context.set_phase(ShutdownPhase::Aborted);
        }
        let next_second_ns = (now_ns / 1_000_000_000 + 1) * 1_000_000_000;
        let next_ns = if is_draining { abort_ns } else { load_end_ns };
        let wake_ns = if next_ns > now_ns {
            next_second_ns.min(next_ns)
        } else {
            next_second_ns
        };
        timers.sleep_until(slot, wake_ns).await;
    }
}

async fn handle_commands(context: &WorkerContext, mut commands: UnboundedReceiver<Command>) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Level(level) => steer(context, &level),
            Command::Stop if context.net.timers.phase() == ShutdownPhase::Running => {
                context.set_phase(ShutdownPhase::Draining);
            }
            Command::Stop => {}
            Command::Abort => context.set_phase(ShutdownPhase::Aborted),
        }
    }
    // The engine is gone: nothing receives the rest.
    context.set_phase(ShutdownPhase::Aborted);
}

fn steer(context: &WorkerContext, level: &LoadLevel) {
    let now_ns = context.net.clock.now_ns();
    context.workloads[0].schedule.steer(level, now_ns);
    look_ahead(context);
    context.net.timers.interrupt_sleeps();
    context.users_changed.notify_one();
}

/// Prepares users for the arrivals of the next seconds.
fn look_ahead(context: &WorkerContext) {
    let now_ns = context.net.clock.now_ns();
    let grows = context.workloads.iter().map(|one| one.look_ahead(now_ns));
    if grows.fold(false, |any, one| any | one) {
        context.users_changed.notify_one();
    }
}

/// Records an arrival that no user was idle for before the run was aborted.
fn record_cut_off(context: &WorkerContext, seed: u64, workload: &Workload, arrival: Arrival) {
    let (class, mut random) = workload.class_mix.arrival(seed, arrival.number);
    let tasks = &context.plan.classes[class].tasks;
    let task = tasks.next(arrival.number, &mut random);
    // It counts as the first request of its task; a task without requests counts as nothing.
    let Some(name) = names_of(tasks.steps(task)).first().copied() else {
        return;
    };
    let error = RequestError::new(
        FailureKind::Aborted,
        "the run ended before a user became idle",
    );
    let now_ns = context.net.clock.now_ns();
    let sample = Sample {
        dispatched_ns: arrival.dispatched_ns,
        failure: Some(error.kind),
        ..Sample::unsent(name, arrival.intended_ns, now_ns)
    };
    let method = &context.plan.names[name.index()].method;
    context.record(&sample, Some(&error), |error| {
        failure_example::of(error, method, &context.plan.secrets.known)
    });
}

/// Runs a future on a worker of its own, without load. Returns its result and the recorded samples.
pub(super) fn run_single_user<T>(
    plan: &Arc<Plan>,
    origins: &Arc<Origins>,
    settings: &Settings,
    prepare: fn(WorkerContext) -> WorkerContext,
    work: impl AsyncFnOnce(&WorkerContext) -> T,
) -> io::Result<(T, Vec<MetricsSnapshot>)> {
    let clock = Clock::start();
    let (to, events) = channel();
    let (_spare, spares) = channel();
    let names: Arc<[RequestName]> = plan.names.clone().into();
    let recorder = Recorder::new(clock, names, to, spares, 0);
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (plan, origins) = (plan.clone(), origins.clone());
    let settings = Settings {
        threads: 1,
        ..settings.clone()
    };
    let done = LocalSet::new().block_on(&runtime, async move {
        let shard = Shard::of_worker(&settings, 0);
        let context = WorkerContext::new(plan, origins, (clock, recorder), shard, &settings)?;
        let context = prepare(context);
        let timers = tokio::task::spawn_local({
            let timers = context.net.timers.clone();
            async move { timers.run().await }
        });
        let done = work(&context).await;
        timers.abort();
        context.finish();
        Ok::<_, io::Error>(done)
    })?;
    let mut increments = Vec::new();
    for (_, event) in events.try_iter() {
        if let WorkerEvent::Delta(mut delta) = event {
            let mut increment = delta.to_snapshot();
            // Its seconds are not part of the load.
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
