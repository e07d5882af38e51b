//! The step runner: runs the steps of a user.

use brunt_record::{FailureKind, NameId, Sample};
use brunt_scenario::{
    EvalError, Expression, Request, SourceId, Step, TakenRow, Value, VariableId, chosen, names_of,
};

use crate::client::context::WorkerContext;
use crate::client::exchange::{Exchange, ExchangeOutcome};
use crate::client::failure_example;
use crate::client::session::UserSession;
use crate::net::error::RequestError;
use crate::time::timers::{ShutdownPhase, TimerSlot};

/// Maximum number of consecutive steps of a task without a request or a wait, which take a fraction of a second. A loop
/// that exceeds it is treated as endless.
const IDLE_STEPS_MAX: u32 = 1_000_000;

/// Time after which a user that waits for a row looks again.
const ROW_POLL_NS: u64 = 1_000_000;

/// Runs the steps of a user.
pub(crate) struct StepRunner<'a> {
    context: &'a WorkerContext,
    slot: TimerSlot,
    session: &'a mut UserSession,
    /// The intended start and the dispatch time of the next request.
    moments: (u64, u64),
    /// Total duration of waits so far.
    waited_ns: u64,
    /// Number of failed requests so far.
    failed: u32,
    /// The last error, with its request name.
    reason: Option<(Option<NameId>, String)>,
    /// Open groups, the innermost last.
    groups: Vec<Group>,
    /// Rows that the user has until they are given back.
    taken_rows: Vec<TakenRow>,
    /// Whether any failure interrupts the steps, rather than only that of a request with extractions.
    stops_at_failure: bool,
    /// Number of steps since the last request or wait.
    idle_steps: u32,
}

/// An open group.
struct Group {
    started_ns: u64,
    waited_ns: u64,
    failed: u32,
}

/// The end of a list of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepFlow {
    /// All steps were run.
    Done,
    /// They were interrupted.
    Interrupted,
    /// The user stops for good.
    StopUser(StopReason),
}

/// The reason why a user stops for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Its `on_start` failed.
    NotStarted,
    /// A data source is exhausted.
    OutOfData,
    /// The scenario stops it, or it has run its share of the iterations.
    Requested,
    /// The run ends.
    RunEnds,
}

impl<'a> StepRunner<'a> {
    /// Creates a runner with the intended start and the dispatch time of the next request.
    #[inline]
    pub(crate) fn new(
        context: &'a WorkerContext,
        slot: TimerSlot,
        session: &'a mut UserSession,
        moments: (u64, u64),
    ) -> Self {
        Self {
            context,
            slot,
            session,
            moments,
            waited_ns: 0,
            failed: 0,
            reason: None,
            groups: Vec::new(),
            taken_rows: Vec::new(),
            stops_at_failure: false,
            idle_steps: 0,
        }
    }

    /// Lets the first failure interrupt the steps, as in a set-up.
    pub(crate) fn for_setup(mut self) -> Self {
        self.stops_at_failure = true;
        self
    }

    /// When the last step was done.
    pub(crate) fn done_ns(&self) -> u64 {
        self.moments.0
    }

    /// The error that interrupted the steps.
    pub(crate) fn reason(&self) -> Option<String> {
        let (name, text) = self.reason.as_ref()?;
        let text = match name {
            Some(name) => format!("{}: {text}", self.context.plan.names[name.index()].title()),
            None => text.clone(),
        };
        let secrets = failure_example::secrets_of(&self.context.plan, self.session);
        Some(secrets.mask_cut(&text))
    }

    /// Runs steps.
    #[inline]
    pub(crate) async fn run(&mut self, steps: &'a [Step]) -> StepFlow {
        let mut at = 0;
        let mut flow = StepFlow::Done;
        let mut is_first = true;
        while let Some(step) = steps.get(at) {
            at += 1;
            // Lets other users run, however little this one waits.
            if self.context.has_to_yield() {
                tokio::task::yield_now().await;
                if self.context.net.timers.phase() == ShutdownPhase::Aborted {
                    flow = StepFlow::Interrupted;
                    break;
                }
            }
            flow = match step {
                Step::Request(request) => {
                    if !std::mem::take(&mut is_first) {
                        self.moments.1 = self.context.net.clock.now_ns();
                    }
                    self.request(request).await
                }
                Step::Wait(wait) => {
                    is_first = false;
                    let wait_ns = wait.draw(&mut self.session.random);
                    self.wait(wait_ns).await
                }
                Step::CheckOut(source, variable) => {
                    match self.check_out(*source, *variable).await {
                        Ok(flow) => flow,
                        Err(halt) => self.halt(halt, steps, at),
                    }
                }
                Step::StopUser => StepFlow::StopUser(StopReason::Requested),
                Step::StopTest => {
                    self.context.stop_test();
                    StepFlow::StopUser(StopReason::RunEnds)
                }
                step => match self.step(step, &mut at) {
                    Ok(()) => StepFlow::Done,
                    Err(halt) => self.halt(halt, steps, at),
                },
            };
            if flow != StepFlow::Done {
                break;
            }
        }
        if !self.groups.is_empty() {
            self.end_groups(&steps[at..]);
        }
        while let Some(row) = self.taken_rows.pop() {
            self.context.shared_data.give_back(row);
        }
        flow
    }

    /// Takes a row, and waits while other users have all rows. The next request is intended for the end of the wait.
    async fn check_out(
        &mut self,
        source: SourceId,
        variable: VariableId,
    ) -> Result<StepFlow, EvalError> {
        let context = self.context;
        let mut has_waited = false;
        loop {
            // The end of the load interrupts the wait, like any other.
            if has_waited && context.net.timers.phase() != ShutdownPhase::Running {
                self.groups.clear();
                return Ok(StepFlow::Interrupted);
            }
            if let Some((row, value)) = context.shared_data.check_out(source)? {
                self.taken_rows.push(row);
                self.session.state.variables[variable.index()] = value;
                break;
            }
            has_waited = true;
            let until_ns = context.net.clock.now_ns() + ROW_POLL_NS;
            context.net.timers.sleep_until(self.slot, until_ns).await;
        }
        if has_waited {
            let now_ns = context.net.clock.now_ns();
            self.waited_ns += now_ns.saturating_sub(self.moments.0);
            self.moments = (now_ns, now_ns);
            self.idle_steps = 0;
        }
        Ok(StepFlow::Done)
    }

    #[inline]
    async fn request(&mut self, request: &'a Request) -> StepFlow {
        let context = self.context;
        self.idle_steps = 0;
        let exchange = Exchange::run(
            context,
            self.slot,
            request,
            self.session,
            self.moments,
            self.stops_at_failure,
        );
        let (done_ns, outcome) = exchange.await;
        self.moments = (done_ns, done_ns);
        let flow = match outcome {
            ExchangeOutcome::Succeeded => StepFlow::Done,
            ExchangeOutcome::Failed(error) => {
                self.failed += 1;
                let is_needed = self.stops_at_failure || !request.extracts.is_empty();
                if self.stops_at_failure {
                    self.reason = Some((Some(request.name), error.text));
                }
                if is_needed {
                    StepFlow::Interrupted
                } else {
                    StepFlow::Done
                }
            }
            ExchangeOutcome::Stopped(EvalError::StopTest) => {
                context.stop_test();
                StepFlow::StopUser(StopReason::RunEnds)
            }
            ExchangeOutcome::Stopped(_) => StepFlow::StopUser(StopReason::OutOfData),
        };
        if context.net.timers.phase() == ShutdownPhase::Aborted {
            return StepFlow::Interrupted;
        }
        flow
    }

    /// Waits between two steps. The next request is intended for the end of the wait. The end of the load interrupts
    /// the steps.
    async fn wait(&mut self, wait_ns: u64) -> StepFlow {
        let context = self.context;
        if context.trace.is_some() {
            return StepFlow::Done;
        }
        let until_ns = self.moments.0.saturating_add(wait_ns);
        self.waited_ns += wait_ns;
        if wait_ns > 0 {
            self.idle_steps = 0;
        }
        self.moments = (until_ns, until_ns);
        while context.net.clock.now_ns() < until_ns {
            if context.net.timers.phase() != ShutdownPhase::Running {
                // An interruption by the end of the load is not a failure.
                self.groups.clear();
                return StepFlow::Interrupted;
            }
            context.net.timers.sleep_until(self.slot, until_ns).await;
        }
        StepFlow::Done
    }

    /// Runs a step that neither sends nor waits; `at` is the index of the next one.
    fn step(&mut self, step: &Step, at: &mut usize) -> Result<(), EvalError> {
        self.idle_steps += 1;
        if self.idle_steps > IDLE_STEPS_MAX {
            let text = format!("a loop ran {IDLE_STEPS_MAX} steps without a request or a wait");
            return Err(EvalError::Failed(text));
        }
        match step {
            Step::Set(slot, expression) => {
                let value = self.evaluate(expression)?;
                self.session.state.variables[slot.index()] = value;
            }
            Step::Unless(condition, skip) => {
                if !self.evaluate(condition)?.is_true() {
                    *at += skip;
                }
            }
            Step::Skip(skip) => *at += skip,
            Step::Back(back) => *at -= back,
            Step::Count(slot, times) => self.start_count(*slot, times)?,
            Step::Next(slot, skip) => match &mut self.session.state.variables[slot.index()] {
                Value::Integer(left @ 1..) => *left -= 1,
                _ => *at += skip,
            },
            Step::ForEach(each) => {
                if each.next(&mut self.session.state.variables).is_none() {
                    *at += each.skip;
                }
            }
            Step::Choose(choice) => {
                let part = chosen(&choice.ends, &mut self.session.random);
                *at += choice.skips[part];
            }
            Step::GiveBack => {
                if let Some(row) = self.taken_rows.pop() {
                    self.context.shared_data.give_back(row);
                }
            }
            Step::Begin => self.groups.push(Group {
                started_ns: self.moments.0,
                waited_ns: self.waited_ns,
                failed: self.failed,
            }),
            Step::End(name) => {
                if let Some(group) = self.groups.pop() {
                    self.record_group(*name, &group, false);
                }
            }
            Step::Measure(name, value) => {
                let value = self.evaluate(value)?;
                self.measure(*name, &value);
            }
            Step::ClearCookies => self.session.state.jar = None,
            Step::Request(_)
            | Step::Wait(_)
            | Step::CheckOut(..)
            | Step::StopUser
            | Step::StopTest => {}
        }
        Ok(())
    }

    /// Starts a countdown from the value of an expression.
    fn start_count(&mut self, slot: VariableId, times: &Expression) -> Result<(), EvalError> {
        let times = self.evaluate(times)?;
        let Some(count) = times.as_number().filter(|count| *count >= 0.0) else {
            let text = format!(
                "invalid number of repetitions `{}`: must be 0 or more",
                times.in_text()
            );
            return Err(EvalError::Failed(text));
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float cast saturates, and a loop of that length never ends"
        )]
        let count = count as i64;
        self.session.state.variables[slot.index()] = Value::Integer(count);
        Ok(())
    }

    fn evaluate(&mut self, expression: &Expression) -> Result<Value, EvalError> {
        expression.evaluate(&mut self.session.scope(&self.context.shared_data))
    }

    /// Ends the steps after an expression without a value. An expression that cannot be evaluated counts as a failure
    /// of the next request.
    fn halt(&mut self, halt: EvalError, steps: &[Step], at: usize) -> StepFlow {
        let (kind, text) = match halt {
            EvalError::StopUser => return StepFlow::StopUser(StopReason::OutOfData),
            EvalError::StopTest => {
                self.context.stop_test();
                return StepFlow::StopUser(StopReason::RunEnds);
            }
            EvalError::Failed(text) => (FailureKind::Check, text),
            EvalError::Unreadable(text) => (FailureKind::UnreadableFile, text),
        };
        let text = format!("{}: {text}", self.title_of(&steps[at - 1]));
        self.failed += 1;
        let next = names_of(&steps[at..]).first().copied();
        let name = next.or_else(|| names_of(&steps[..at]).last().copied());
        if let Some(name) = name {
            let error = RequestError::new(kind, text.clone());
            let now_ns = self.context.net.clock.now_ns();
            let sample = other_sample(name, now_ns, 0, Some(&error));
            self.context
                .record_other(&sample, Some(&error), self.session);
        }
        self.reason = Some((None, text));
        StepFlow::Interrupted
    }

    /// A step that neither sends nor waits, as the scenario writes it.
    fn title_of(&self, step: &Step) -> String {
        let plan = &self.context.plan;
        match step {
            Step::Set(slot, _) => match plan.variables[slot.index()].as_str() {
                hidden if hidden.contains(' ') => "list of for_each".to_owned(),
                name => format!("set {name}"),
            },
            Step::Unless(..) => "condition of if or while".to_owned(),
            Step::Count(..) => "repeat".to_owned(),
            Step::Measure(name, _) => format!("measure {}", plan.names[name.index()].name),
            _ => "loop".to_owned(),
        }
    }

    /// Ends the groups that were interrupted, the innermost first; `rest` are the steps that were skipped.
    fn end_groups(&mut self, rest: &[Step]) {
        let mut depth = 0usize;
        for step in rest {
            match step {
                Step::Begin => depth += 1,
                Step::End(_) if depth > 0 => depth -= 1,
                Step::End(name) => match self.groups.pop() {
                    Some(group) => self.record_group(*name, &group, true),
                    None => return,
                },
                _ => {}
            }
        }
    }

    fn record_group(&self, name: NameId, group: &Group, is_interrupted: bool) {
        let waited_ns = self.waited_ns - group.waited_ns;
        let took_ns = self
            .moments
            .0
            .saturating_sub(group.started_ns)
            .saturating_sub(waited_ns);
        let has_failed = is_interrupted || self.failed > group.failed;
        let error =
            has_failed.then(|| RequestError::new(FailureKind::Check, "a step of the group failed"));
        // A group that was interrupted during a wait has not ended yet.
        let done_ns = self.moments.0.min(self.context.net.clock.now_ns());
        let started_ns = done_ns.saturating_sub(took_ns);
        let sample = other_sample(name, started_ns, took_ns, error.as_ref());
        self.context
            .record_other(&sample, error.as_ref(), self.session);
    }

    /// Records a value of a metric. Values are counted like milliseconds.
    #[expect(clippy::single_match_else, reason = "both branches matter equally")]
    fn measure(&self, name: NameId, value: &Value) {
        let number = value
            .as_number()
            .filter(|number| (0.0..=7e7).contains(number));
        let error = match number {
            Some(_) => None,
            None => {
                let text = format!(
                    "invalid metric value `{}`: must be a number from 0 to 70 million",
                    value.in_text()
                );
                Some(RequestError::new(FailureKind::Check, text))
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within 0 to 7 · 10^13"
        )]
        let scaled = (number.unwrap_or(0.0) * 1e6).round() as u64;
        let now_ns = self.context.net.clock.now_ns();
        let sample = other_sample(name, now_ns, scaled, error.as_ref());
        self.context
            .record_other(&sample, error.as_ref(), self.session);
    }
}

/// The sample of something other than a request.
fn other_sample(
    name: NameId,
    started_ns: u64,
    took_ns: u64,
    error: Option<&RequestError>,
) -> Sample {
    Sample {
        failure: error.map(|error| error.kind),
        ..Sample::unsent(name, started_ns, started_ns + took_ns)
    }
}
