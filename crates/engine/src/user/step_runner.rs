//! Playing: a user goes through steps.

use brunt_record::{FailureKind, NameId, Sample};
use brunt_scenario::{Expression, Halt, Request, Step, Value, chosen, names_of};

use crate::client::context::Core;
use crate::client::exchange::{Ended, Exchange};
use crate::client::failure_example;
use crate::client::session::Belongings;
use crate::net::error::Fault;
use crate::time::timers::{Phase, Seat};

/// So many steps of a task may follow one another without a request or a rest: a fraction of a second's work. A loop
/// that takes more has no end that is worth waiting for.
const IDLE_STEPS_MAX: u32 = 1_000_000;

/// A user going through steps.
pub(crate) struct Playing<'a> {
    core: &'a Core,
    seat: Seat,
    belongings: &'a mut Belongings,
    /// The intended start of the next request, and when it was taken up.
    moments: (u64, u64),
    /// How long was rested so far.
    rested_ns: u64,
    /// Requests that failed so far.
    failed: u32,
    /// What failed last.
    reason: Option<(Option<NameId>, String)>,
    /// Groups that were begun, the innermost last.
    groups: Vec<Group>,
    /// Whether steps go on where a request has failed that nothing was to be taken from.
    stops_at_failure: bool,
    /// Steps since the last request or rest.
    idle_steps: u32,
}

/// A group that was begun.
struct Group {
    begun_ns: u64,
    rested_ns: u64,
    failed: u32,
}

/// What comes after steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They were gone through.
    Done,
    /// They were broken off.
    BrokenOff,
    /// The user stops for good.
    StopUser(Leaves),
}

/// Why a user stops for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// What it does before its tasks has failed.
    NotStarted,
    /// Its data was used up.
    OutOfData,
    /// The scenario says so, or it has played its part of the iterations.
    Told,
    /// The run ends.
    RunEnds,
}

impl<'a> Playing<'a> {
    /// A user whose next request is intended and taken up at these moments.
    #[inline]
    pub(crate) fn new(
        core: &'a Core,
        seat: Seat,
        belongings: &'a mut Belongings,
        moments: (u64, u64),
    ) -> Self {
        Self {
            core,
            seat,
            belongings,
            moments,
            rested_ns: 0,
            failed: 0,
            reason: None,
            groups: Vec::new(),
            stops_at_failure: false,
            idle_steps: 0,
        }
    }

    /// The first failure breaks the steps off: they are a set-up.
    pub(crate) fn for_setup(mut self) -> Self {
        self.stops_at_failure = true;
        self
    }

    /// When the last of the steps was done.
    pub(crate) fn done_ns(&self) -> u64 {
        self.moments.0
    }

    /// What failed, where that broke the steps off.
    pub(crate) fn reason(&self) -> Option<String> {
        let (name, text) = self.reason.as_ref()?;
        let text = match name {
            Some(name) => format!("{}: {text}", self.core.plan.names[name.index()].title()),
            None => text.clone(),
        };
        let secrets = failure_example::secrets_of(self.core, self.belongings);
        Some(secrets.mask_cut(&text))
    }

    /// Goes through steps.
    #[inline]
    pub(crate) async fn play(&mut self, steps: &'a [Step]) -> Flow {
        let mut at = 0;
        let mut flow = Flow::Done;
        let mut is_first = true;
        while let Some(step) = steps.get(at) {
            at += 1;
            // Others have their turn, however little this user waits for.
            if self.core.takes_too_long() {
                tokio::task::yield_now().await;
                if self.core.pacer.phase() == Phase::Aborting {
                    flow = Flow::BrokenOff;
                    break;
                }
            }
            flow = match step {
                Step::Request(request) => {
                    if !std::mem::take(&mut is_first) {
                        self.moments.1 = self.core.clock.now_ns();
                    }
                    self.request(request).await
                }
                Step::Wait(wait) => {
                    is_first = false;
                    let rest_ns = wait.draw(&mut self.belongings.random);
                    self.rest(rest_ns).await
                }
                Step::StopUser => Flow::StopUser(Leaves::Told),
                Step::StopTest => {
                    self.core.stop_test();
                    Flow::StopUser(Leaves::RunEnds)
                }
                step => match self.turn(step, &mut at) {
                    Ok(()) => Flow::Done,
                    Err(halt) => self.halt(halt, steps, at),
                },
            };
            if flow != Flow::Done {
                break;
            }
        }
        if !self.groups.is_empty() {
            self.end_groups(&steps[at..]);
        }
        flow
    }

    #[inline]
    async fn request(&mut self, request: &'a Request) -> Flow {
        let core = self.core;
        self.idle_steps = 0;
        let exchange = Exchange::play(
            core,
            self.seat,
            request,
            self.belongings,
            self.moments,
            self.stops_at_failure,
        );
        let exchange = exchange.await;
        let (done_ns, ended) = exchange;
        self.moments = (done_ns, done_ns);
        let flow = match ended {
            Ended::Well => Flow::Done,
            Ended::Failed(fault) => {
                self.failed += 1;
                let is_needed = self.stops_at_failure || !request.extracts.is_empty();
                if self.stops_at_failure {
                    self.reason = Some((Some(request.name), fault.text));
                }
                if is_needed {
                    Flow::BrokenOff
                } else {
                    Flow::Done
                }
            }
            Ended::Stopped(Halt::StopTest) => {
                core.stop_test();
                Flow::StopUser(Leaves::RunEnds)
            }
            Ended::Stopped(_) => Flow::StopUser(Leaves::OutOfData),
        };
        if core.pacer.phase() == Phase::Aborting {
            return Flow::BrokenOff;
        }
        flow
    }

    /// Rests between two steps; what comes is intended for then. Steps are broken off where the load ends
    /// meanwhile.
    async fn rest(&mut self, rest_ns: u64) -> Flow {
        let core = self.core;
        if core.script.is_some() {
            return Flow::Done;
        }
        let until_ns = self.moments.0.saturating_add(rest_ns);
        self.rested_ns += rest_ns;
        if rest_ns > 0 {
            self.idle_steps = 0;
        }
        self.moments = (until_ns, until_ns);
        while core.clock.now_ns() < until_ns {
            if core.pacer.phase() != Phase::Running {
                // What the end of the load breaks off has not failed.
                self.groups.clear();
                return Flow::BrokenOff;
            }
            core.pacer.sleep_until(self.seat, until_ns).await;
        }
        Flow::Done
    }

    /// Takes a step that neither sends nor rests; `at` is the place of the next one.
    fn turn(&mut self, step: &Step, at: &mut usize) -> Result<(), Halt> {
        self.idle_steps += 1;
        if self.idle_steps > IDLE_STEPS_MAX {
            let text = format!("a loop took {IDLE_STEPS_MAX} steps without a request or a wait");
            return Err(Halt::Failed(text));
        }
        match step {
            Step::Set(slot, expression) => {
                let value = self.evaluate(expression)?;
                self.belongings.life.variables[slot.index()] = value;
            }
            Step::Unless(condition, skip) => {
                if !self.evaluate(condition)?.is_true() {
                    *at += skip;
                }
            }
            Step::Skip(skip) => *at += skip,
            Step::Back(back) => *at -= back,
            Step::Count(slot, times) => {
                let times = self.evaluate(times)?;
                let Some(count) = times.as_number().filter(|count| *count >= 0.0) else {
                    let text = format!("`{}` is no number of times", times.in_text());
                    return Err(Halt::Failed(text));
                };
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a float cast saturates, and so many rounds never end"
                )]
                let count = count as i64;
                self.belongings.life.variables[slot.index()] = Value::Integer(count);
            }
            Step::Next(slot, skip) => match &mut self.belongings.life.variables[slot.index()] {
                Value::Integer(left @ 1..) => *left -= 1,
                _ => *at += skip,
            },
            Step::Each(each) => {
                if each.next(&mut self.belongings.life.variables).is_none() {
                    *at += each.skip;
                }
            }
            Step::Choose(choice) => {
                let part = chosen(&choice.ends, &mut self.belongings.random);
                *at += choice.skips[part];
            }
            Step::Begin => self.groups.push(Group {
                begun_ns: self.moments.0,
                rested_ns: self.rested_ns,
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
            Step::ClearCookies => self.belongings.life.jar = None,
            Step::Request(_) | Step::Wait(_) | Step::StopUser | Step::StopTest => {}
        }
        Ok(())
    }

    fn evaluate(&mut self, expression: &Expression) -> Result<Value, Halt> {
        expression.evaluate(&mut self.belongings.scope(self.core))
    }

    /// What comes of a step whose expression gives no value. That it cannot be evaluated is a failure of the
    /// request that would have been next.
    fn halt(&mut self, halt: Halt, steps: &[Step], at: usize) -> Flow {
        let (kind, text) = match halt {
            Halt::StopUser => return Flow::StopUser(Leaves::OutOfData),
            Halt::StopTest => {
                self.core.stop_test();
                return Flow::StopUser(Leaves::RunEnds);
            }
            Halt::Failed(text) => (FailureKind::Check, text),
            Halt::Unreadable(text) => (FailureKind::UnreadableFile, text),
        };
        self.failed += 1;
        let next = names_of(&steps[at..]).first().copied();
        let name = next.or_else(|| names_of(&steps[..at]).last().copied());
        if let Some(name) = name {
            let fault = Fault::new(kind, text.clone());
            let now_ns = self.core.clock.now_ns();
            let sample = counted(name, now_ns, 0, Some(&fault));
            self.core
                .record_counted(&sample, Some(&fault), self.belongings);
        }
        self.reason = Some((name, text));
        Flow::BrokenOff
    }

    /// Ends the groups that were broken off, the innermost first; `rest` is what was left out.
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

    fn record_group(&self, name: NameId, group: &Group, is_broken_off: bool) {
        let rested_ns = self.rested_ns - group.rested_ns;
        let took_ns = self
            .moments
            .0
            .saturating_sub(group.begun_ns)
            .saturating_sub(rested_ns);
        let has_failed = is_broken_off || self.failed > group.failed;
        let fault =
            has_failed.then(|| Fault::new(FailureKind::Check, "a step of the group failed"));
        // What was broken off while it rested has not ended yet.
        let done_ns = self.moments.0.min(self.core.clock.now_ns());
        let begun_ns = done_ns.saturating_sub(took_ns);
        let sample = counted(name, begun_ns, took_ns, fault.as_ref());
        self.core
            .record_counted(&sample, fault.as_ref(), self.belongings);
    }

    /// Records a value of a metric; values are counted as milliseconds are.
    #[expect(clippy::single_match_else, reason = "both ways are of one weight")]
    fn measure(&self, name: NameId, value: &Value) {
        let number = value
            .as_number()
            .filter(|number| (0.0..=7e7).contains(number));
        let fault = match number {
            Some(_) => None,
            None => {
                let text = format!(
                    "`{}` is no value of a metric: 0 to 70 million is",
                    value.in_text()
                );
                Some(Fault::new(FailureKind::Check, text))
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within 0 to 7 · 10^13"
        )]
        let scaled = (number.unwrap_or(0.0) * 1e6).round() as u64;
        let now_ns = self.core.clock.now_ns();
        let sample = counted(name, now_ns, scaled, fault.as_ref());
        self.core
            .record_counted(&sample, fault.as_ref(), self.belongings);
    }
}

/// A sample of something that is no request.
fn counted(name: NameId, begun_ns: u64, took_ns: u64, fault: Option<&Fault>) -> Sample {
    Sample {
        name,
        intended_ns: begun_ns,
        dispatched_ns: begun_ns,
        sent_ns: None,
        first_byte_ns: None,
        done_ns: begun_ns + took_ns,
        connect_ns: None,
        tls_ns: None,
        stood_still_ns: 0,
        failure: fault.map(|fault| fault.kind),
        wire_requests: 0,
        bytes_sent: 0,
        bytes_received: 0,
    }
}
