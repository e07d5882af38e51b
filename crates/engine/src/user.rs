//! A virtual user: runs its class's tasks while the schedule has it active.

pub(crate) mod step_runner;

use std::rc::Rc;

use brunt_scenario::{Connections, Wait};

use crate::client::context::WorkerContext;
use crate::client::session::{SessionState, UserSession};
use crate::time::shutdown::ShutdownPhase;
use crate::time::timers::TimerSlot;
use crate::user::step_runner::{StepFlow, StepRunner, StopReason};
use crate::workload::Workload;
use crate::workload::schedule::Schedule;

/// A user's state between its requests.
pub(crate) struct User {
    slot: TimerSlot,
    /// The index of its workload.
    workload: usize,
    number: u32,
    class: usize,
    session: UserSession,
    /// Number of tasks started so far.
    turn: u64,
    /// Maximum number of tasks.
    turns_max: u64,
    /// Whether it was active, and whether it could go on to its tasks.
    has_begun: bool,
    has_started: bool,
}

impl User {
    /// User number `number`, of all users of a workload.
    pub(crate) fn new(context: &WorkerContext, seed: u64, workload: usize, number: u32) -> Self {
        let Workload { cast, schedule, .. } = &context.workloads[workload];
        let class = cast.class_of(number);
        Self {
            slot: context.net.timers.add_slot(),
            workload,
            number,
            class,
            session: context.new_session(context.plan.random_of(seed, class, number)),
            turn: 0,
            turns_max: schedule.tasks_of(number),
            has_begun: false,
            has_started: false,
        }
    }

    /// Runs tasks whenever the schedule has it active, up to the end or the stop.
    pub(crate) async fn run(mut self, context: Rc<WorkerContext>) {
        let schedule = &context.workloads[self.workload].schedule;
        while context.net.timers.phase() == ShutdownPhase::Running {
            let now_ns = context.net.clock.now_ns();
            match schedule.span(self.number, now_ns) {
                None if !schedule.is_searched() || now_ns >= schedule.end_ns() => return,
                None => {
                    let end_ns = schedule.end_ns();
                    context.net.timers.sleep_until(self.slot, end_ns).await;
                }
                Some((from_ns, _)) if from_ns > now_ns => {
                    context.net.timers.sleep_until(self.slot, from_ns).await;
                }
                Some(span) => {
                    context.user_begins();
                    self.begins(&context);
                    let flow = self.run_span(&context, span).await;
                    context.user_ends();
                    if let StepFlow::StopUser(why) = flow {
                        count_stop(&context, why);
                        return;
                    }
                    self.session.connections.reset();
                    self.session.state = context.new_state();
                }
            }
        }
    }

    async fn run_span(
        &mut self,
        context: &WorkerContext,
        (from_ns, to_ns): (u64, u64),
    ) -> StepFlow {
        let mut span = Span {
            to_ns,
            version: context.workloads[self.workload].schedule.version(),
        };
        let mut intended_ns = from_ns;
        let mut done_ns = from_ns;
        if !context.plan.classes[self.class].on_start.is_empty() {
            // Rare and large: it is not to make every user larger.
            match Box::pin(self.start(context, self.class, from_ns)).await {
                Ok(started_ns) => (intended_ns, done_ns) = (started_ns, started_ns),
                Err(why) => return StepFlow::StopUser(why),
            }
        }
        self.starts(context);
        let mut flow = StepFlow::Done;
        while !matches!(flow, StepFlow::StopUser(_))
            && let Some(now_ns) = self.due(context, &mut span, intended_ns).await
        {
            if self.turn == self.turns_max {
                flow = StepFlow::StopUser(StopReason::Requested);
                break;
            }
            let wait = context.plan.classes[self.class].wait;
            // A user that is not done when its pace wants it waits only for the service.
            let dispatched_ns = match wait {
                Wait::Pace(_) if intended_ns < done_ns => intended_ns,
                _ => now_ns,
            };
            let moments = (intended_ns, dispatched_ns);
            (done_ns, flow) = self.run_task(context, self.class, self.turn, moments).await;
            self.turn += 1;
            intended_ns = wait.next(intended_ns, done_ns, &mut self.session.random);
        }
        if !context.plan.classes[self.class].on_stop.is_empty() {
            Box::pin(self.stop(context, self.class)).await;
        }
        flow
    }

    /// Waits until a task is due, and returns the present time; `None` if the span or the load ends before.
    async fn due(&self, context: &WorkerContext, span: &mut Span, due_ns: u64) -> Option<u64> {
        while context.net.timers.phase() == ShutdownPhase::Running {
            let now_ns = context.net.clock.now_ns();
            span.follow(
                &context.workloads[self.workload].schedule,
                self.number,
                now_ns,
            );
            if due_ns < span.to_ns && due_ns <= now_ns {
                return Some(now_ns);
            }
            if span.to_ns <= now_ns {
                return None;
            }
            let wake_ns = due_ns.min(span.to_ns);
            context.net.timers.sleep_until(self.slot, wake_ns).await;
        }
        None
    }

    /// Counts it when it is first active.
    fn begins(&mut self, context: &WorkerContext) {
        if !std::mem::replace(&mut self.has_begun, true) {
            context.count_now(|counts| counts.users_started += 1);
        }
    }

    /// Counts it when it can first go on to its tasks.
    fn starts(&mut self, context: &WorkerContext) {
        if !std::mem::replace(&mut self.has_started, true) {
            context.start_stats.borrow_mut().count_started();
        }
    }

    /// Runs `on_start`; returns when it was done, or why the user cannot go on.
    async fn start(
        &mut self,
        context: &WorkerContext,
        class: usize,
        intended_ns: u64,
    ) -> Result<u64, StopReason> {
        let moments = (intended_ns, context.net.clock.now_ns());
        let mut runner =
            StepRunner::new(context, self.slot, &mut self.session, moments).for_setup();
        let flow = runner.run(&context.plan.classes[class].on_start).await;
        match (flow, runner.reason()) {
            (StepFlow::Done, _) => Ok(runner.done_ns()),
            (_, Some(reason)) => {
                context.start_stats.borrow_mut().count_failed(reason);
                Err(StopReason::NotStarted)
            }
            (StepFlow::StopUser(why), None) => Err(why),
            (StepFlow::Interrupted, None) => Err(StopReason::RunEnds),
        }
    }

    /// Runs `on_stop`.
    async fn stop(&mut self, context: &WorkerContext, class: usize) {
        if context.net.timers.phase() != ShutdownPhase::Aborted {
            let now_ns = context.net.clock.now_ns();
            let moments = (now_ns, now_ns);
            let mut runner = StepRunner::new(context, self.slot, &mut self.session, moments);
            runner.run(&context.plan.classes[class].on_stop).await;
        }
    }

    /// Runs arrivals until there are no more.
    pub(crate) async fn run_arrivals(mut self, context: Rc<WorkerContext>, seed: u64) {
        let workload = &context.workloads[self.workload];
        context.user_begins();
        self.begins(&context);
        match Box::pin(self.start_states(&context)).await {
            Ok(states) => self.run_arrivals_with(&context, seed, states).await,
            Err(why) => {
                workload.pool.user_fails();
                count_stop(&context, why);
            }
        }
        context.user_ends();
        pool_user_ended(&context, workload);
    }

    async fn run_arrivals_with(
        &mut self,
        context: &WorkerContext,
        seed: u64,
        mut states: Vec<SessionState>,
    ) {
        self.starts(context);
        let workload = &context.workloads[self.workload];
        if workload.pool.user_is_ready() {
            context.users_changed.notify_one();
        }
        while let Some(arrival) = workload
            .queue
            .next(context.net.clock, &context.net.timers, self.slot)
            .await
        {
            let (class, random) = workload.cast.arrival(seed, arrival.number);
            self.session.random = random;
            let own = class - workload.cast.classes.start;
            if let Some(state) = states.get_mut(own) {
                std::mem::swap(state, &mut self.session.state);
            }
            let moments = (arrival.intended_ns, arrival.dispatched_ns);
            let (done_ns, flow) = self.run_task(context, class, arrival.number, moments).await;
            let response_ns = done_ns.saturating_sub(arrival.intended_ns);
            workload.pool.arrival_ends(response_ns);
            if let Some(state) = states.get_mut(own) {
                std::mem::swap(state, &mut self.session.state);
            }
            if let StepFlow::StopUser(why) = flow {
                count_stop(context, why);
                break;
            }
        }
        Box::pin(self.stop_states(context, states)).await;
    }

    /// A state for each class of its workload, if classes have `on_start`, `on_stop` or variables; none otherwise.
    /// Fails if the user cannot go on.
    async fn start_states(
        &mut self,
        context: &WorkerContext,
    ) -> Result<Vec<SessionState>, StopReason> {
        let places = context.workloads[self.workload].cast.classes.clone();
        let classes = &context.plan.classes[places.clone()];
        let is_alike = context.plan.variables.is_empty()
            && classes
                .iter()
                .all(|class| class.on_start.is_empty() && class.on_stop.is_empty());
        let mut states = Vec::new();
        if is_alike {
            return Ok(states);
        }
        for (class, planned) in places.zip(classes) {
            if !planned.on_start.is_empty() {
                self.start(context, class, context.net.clock.now_ns())
                    .await?;
            }
            states.push(std::mem::replace(
                &mut self.session.state,
                context.new_state(),
            ));
        }
        Ok(states)
    }

    async fn stop_states(&mut self, context: &WorkerContext, states: Vec<SessionState>) {
        let places = context.workloads[self.workload].cast.classes.clone();
        for (class, state) in places.zip(states) {
            self.session.state = state;
            if !context.plan.classes[class].on_stop.is_empty() {
                self.stop(context, class).await;
            }
        }
    }

    /// Runs a task; returns when its last request was done, and how its steps ended.
    #[inline]
    async fn run_task(
        &mut self,
        context: &WorkerContext,
        class: usize,
        turn: u64,
        moments: (u64, u64),
    ) -> (u64, StepFlow) {
        let tasks = &context.plan.classes[class].tasks;
        let task = tasks.next(turn, &mut self.session.random);
        let mut runner = StepRunner::new(context, self.slot, &mut self.session, moments);
        let flow = runner.run(tasks.steps(task)).await;
        let done_ns = runner.done_ns();
        context.count_task();
        if context.plan.network.connections == Connections::PerIteration {
            self.session.connections.close_all();
        }
        (done_ns, flow)
    }
}

/// Counts a user that stops for good.
fn count_stop(context: &WorkerContext, reason: StopReason) {
    context.count_now(|counts| match reason {
        StopReason::NotStarted => counts.users_not_started += 1,
        StopReason::OutOfData => counts.users_out_of_data += 1,
        StopReason::Requested => counts.users_stopped += 1,
        StopReason::RunEnds => {}
    });
}

/// A user of an open workload's pool has ended. If no user is left for its arrivals, no more come.
fn pool_user_ended(context: &WorkerContext, workload: &Workload) {
    if !workload.pool.user_ends() || context.net.timers.phase() != ShutdownPhase::Running {
        return;
    }
    if context.workloads.len() == 1 {
        context.set_phase(ShutdownPhase::Draining);
    } else {
        workload.queue.close();
    }
}

/// How long a user is active, according to the version of the schedule that was last read.
struct Span {
    to_ns: u64,
    version: u32,
}

impl Span {
    fn follow(&mut self, schedule: &Schedule, user: u32, now_ns: u64) {
        if self.version != schedule.version() {
            self.version = schedule.version();
            let span = schedule.span(user, now_ns);
            let is_active = |(from_ns, _): &(u64, u64)| *from_ns <= now_ns;
            self.to_ns = span.filter(is_active).map_or(now_ns, |(_, to_ns)| to_ns);
        }
    }
}
