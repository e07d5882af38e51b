//! A virtual user: runs its class's tasks while the schedule has it active.

pub(crate) mod step_runner;

use std::rc::Rc;

use brunt_scenario::{Connections, Wait};

use crate::client::context::WorkerContext;
use crate::client::session::{SessionState, UserSession};
use crate::time::timers::{ShutdownPhase, TimerSlot};
use crate::user::step_runner::{StepFlow, StepRunner, StopReason};
use crate::workload::Workload;
use crate::workload::schedule::Schedule;

/// State of a user between its requests.
pub(crate) struct User {
    slot: TimerSlot,
    /// The index of its workload.
    workload: usize,
    number: u32,
    class: usize,
    session: UserSession,
    /// Number of tasks started so far.
    task_count: u64,
    /// Maximum number of tasks.
    tasks_max: u64,
    /// Whether it was ever active, and whether it was ever ready for its tasks.
    was_active: bool,
    has_started: bool,
}

impl User {
    /// Creates the user with this number, counted over all users of the workload.
    pub(crate) fn new(context: &WorkerContext, seed: u64, workload: usize, number: u32) -> Self {
        let Workload {
            class_mix,
            schedule,
            ..
        } = &context.workloads[workload];
        let class = class_mix.class_of(number);
        // The numbers of the users of several loads alternate.
        let loads = context.workloads.len() as u64;
        let of_run = u64::from(number) * loads + workload as u64 + 1;
        let random = context.plan.random_of(seed, class, number);
        Self {
            slot: context.net.timers.add_slot(),
            workload,
            number,
            class,
            session: context.new_session(of_run, random),
            task_count: 0,
            tasks_max: schedule.tasks_of(number),
            was_active: false,
            has_started: false,
        }
    }

    /// Runs tasks whenever the schedule has the user active, until the end or the stop.
    pub(crate) async fn run(mut self, context: Rc<WorkerContext>) {
        let schedule = &context.workloads[self.workload].schedule;
        while context.net.timers.phase() == ShutdownPhase::Running {
            let now_ns = context.net.clock.now_ns();
            match schedule.span(self.number, now_ns) {
                None if !schedule.is_search() || now_ns >= schedule.end_ns() => return,
                None => {
                    let end_ns = schedule.end_ns();
                    context.net.timers.sleep_until(self.slot, end_ns).await;
                }
                Some((from_ns, _)) if from_ns > now_ns => {
                    context.net.timers.sleep_until(self.slot, from_ns).await;
                }
                Some(span) => {
                    context.user_started();
                    self.count_active(&context);
                    let flow = self.run_span(&context, span).await;
                    context.user_ended();
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
            // Rare and large: boxed, so that it does not make every user larger.
            match Box::pin(self.start(context, self.class, from_ns)).await {
                Ok(started_ns) => (intended_ns, done_ns) = (started_ns, started_ns),
                Err(why) => return StepFlow::StopUser(why),
            }
        }
        self.count_started(context);
        let mut flow = StepFlow::Done;
        while !matches!(flow, StepFlow::StopUser(_))
            && let Some(now_ns) = self.due(context, &mut span, intended_ns).await
        {
            if self.task_count == self.tasks_max {
                flow = StepFlow::StopUser(StopReason::Requested);
                break;
            }
            let wait = context.plan.classes[self.class].wait;
            // A user that is behind its pace waited for the service alone.
            let dispatched_ns = match wait {
                Wait::Pace(_) if intended_ns < done_ns => intended_ns,
                _ => now_ns,
            };
            let times = (intended_ns, dispatched_ns);
            (done_ns, flow) = self
                .run_task(context, self.class, self.task_count, times)
                .await;
            self.task_count += 1;
            intended_ns = wait.next(intended_ns, done_ns, &mut self.session.random);
        }
        if !context.plan.classes[self.class].on_stop.is_empty() {
            Box::pin(self.stop(context, self.class)).await;
        }
        flow
    }

    /// Waits until a task is due. Returns the current time; `None` if the span or the load ends first.
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

    /// Counts the user when it is first active.
    fn count_active(&mut self, context: &WorkerContext) {
        if !std::mem::replace(&mut self.was_active, true) {
            context.count_now(|counts| counts.users_started += 1);
        }
    }

    /// Counts the user when it is first ready for its tasks.
    fn count_started(&mut self, context: &WorkerContext) {
        if !std::mem::replace(&mut self.has_started, true) {
            context.start_stats.borrow_mut().count_started();
        }
    }

    /// Runs `on_start`. Returns when it was done, or the reason why the user stops.
    async fn start(
        &mut self,
        context: &WorkerContext,
        class: usize,
        intended_ns: u64,
    ) -> Result<u64, StopReason> {
        let times = (intended_ns, context.net.clock.now_ns());
        let mut runner = StepRunner::new(context, self.slot, &mut self.session, times).for_setup();
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
            let times = (now_ns, now_ns);
            let mut runner = StepRunner::new(context, self.slot, &mut self.session, times);
            runner.run(&context.plan.classes[class].on_stop).await;
        }
    }

    /// Runs arrivals until the queue is closed.
    pub(crate) async fn run_arrivals(mut self, context: Rc<WorkerContext>, seed: u64) {
        let workload = &context.workloads[self.workload];
        context.user_started();
        self.count_active(&context);
        match Box::pin(self.start_states(&context)).await {
            Ok(states) => self.run_arrivals_with(&context, seed, states).await,
            Err(why) => {
                workload.pool.user_failed();
                count_stop(&context, why);
            }
        }
        context.user_ended();
        pool_user_ended(&context, workload);
    }

    async fn run_arrivals_with(
        &mut self,
        context: &WorkerContext,
        seed: u64,
        mut states: Vec<SessionState>,
    ) {
        self.count_started(context);
        let workload = &context.workloads[self.workload];
        if workload.pool.user_ready() {
            context.users_changed.notify_one();
        }
        while let Some(arrival) = workload
            .queue
            .next(context.net.clock, &context.net.timers, self.slot)
            .await
        {
            let (class, random) = workload.class_mix.arrival(seed, arrival.number);
            self.session.random = random;
            let own = class - workload.class_mix.classes.start;
            if let Some(state) = states.get_mut(own) {
                std::mem::swap(state, &mut self.session.state);
            }
            let times = (arrival.intended_ns, arrival.dispatched_ns);
            let (done_ns, flow) = self.run_task(context, class, arrival.number, times).await;
            let response_ns = done_ns.saturating_sub(arrival.intended_ns);
            workload.pool.arrival_done(response_ns);
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

    /// The session state of each class of the workload, if classes have `on_start`, `on_stop` or variables; else none.
    /// Fails if the user cannot start.
    async fn start_states(
        &mut self,
        context: &WorkerContext,
    ) -> Result<Vec<SessionState>, StopReason> {
        let places = context.workloads[self.workload].class_mix.classes.clone();
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
        let places = context.workloads[self.workload].class_mix.classes.clone();
        for (class, state) in places.zip(states) {
            self.session.state = state;
            if !context.plan.classes[class].on_stop.is_empty() {
                self.stop(context, class).await;
            }
        }
    }

    /// Runs a task. Returns when its last request was done, and how its steps ended.
    #[inline]
    async fn run_task(
        &mut self,
        context: &WorkerContext,
        class: usize,
        number: u64,
        times: (u64, u64),
    ) -> (u64, StepFlow) {
        let tasks = &context.plan.classes[class].tasks;
        let task = tasks.next(number, &mut self.session.random);
        let mut runner = StepRunner::new(context, self.slot, &mut self.session, times);
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

/// Notes that a user of an open workload's pool has ended. If it was the last, the queue accepts no more arrivals.
fn pool_user_ended(context: &WorkerContext, workload: &Workload) {
    if !workload.pool.user_ended() || context.net.timers.phase() != ShutdownPhase::Running {
        return;
    }
    if context.workloads.len() == 1 {
        context.set_phase(ShutdownPhase::Draining);
    } else {
        workload.queue.close();
    }
}

/// The active time of a user, according to the version of the schedule that was last read.
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
