//! A virtual user: plays its class's tasks while the schedule wants it to.

pub(crate) mod step_runner;

use std::rc::Rc;

use brunt_scenario::{Connections, Wait};

use crate::client::context::Core;
use crate::client::session::{Belongings, Life};
use crate::time::timers::{Phase, Seat};
use crate::user::step_runner::{Flow, Leaves, Playing};
use crate::workload::Part;
use crate::workload::schedule::Schedule;

/// A user's state between its requests.
pub(crate) struct User {
    seat: Seat,
    /// The place of its part of the load.
    part: usize,
    number: u32,
    class: usize,
    belongings: Belongings,
    /// Tasks begun so far.
    turn: u64,
    /// It plays no more tasks than this.
    turns_max: u64,
    /// Whether it has begun, and whether it could go on to its tasks.
    has_begun: bool,
    has_started: bool,
}

impl User {
    /// User number `number`, of all users of a part of the load.
    pub(crate) fn new(core: &Core, seed: u64, part: usize, number: u32) -> Self {
        let Part { cast, schedule, .. } = &core.parts[part];
        let class = cast.class_of(number);
        Self {
            seat: core.pacer.seat(),
            part,
            number,
            class,
            belongings: Belongings::new(core, core.plan.random_of(seed, class, number)),
            turn: 0,
            turns_max: schedule.tasks_of(number),
            has_begun: false,
            has_started: false,
        }
    }

    /// Plays whenever the schedule has it active, up to the end or the stop.
    pub(crate) async fn play(mut self, core: Rc<Core>) {
        let schedule = &core.parts[self.part].schedule;
        while core.pacer.phase() == Phase::Running {
            let now_ns = core.clock.now_ns();
            match schedule.span(self.number, now_ns) {
                None if !schedule.is_searched() || now_ns >= schedule.end_ns() => return,
                None => {
                    let end_ns = schedule.end_ns();
                    core.pacer.sleep_until(self.seat, end_ns).await;
                }
                Some((from_ns, _)) if from_ns > now_ns => {
                    core.pacer.sleep_until(self.seat, from_ns).await;
                }
                Some(span) => {
                    core.user_begins();
                    self.begins(&core);
                    let flow = self.play_span(&core, span).await;
                    core.user_ends();
                    if let Flow::StopUser(why) = flow {
                        core.count_leaving(why);
                        return;
                    }
                    self.belongings.keeper.forget();
                    self.belongings.life = Life::begin(&core);
                }
            }
        }
    }

    async fn play_span(&mut self, core: &Core, (from_ns, to_ns): (u64, u64)) -> Flow {
        let mut span = Span {
            to_ns,
            version: core.parts[self.part].schedule.version(),
        };
        let mut intended_ns = from_ns;
        let mut done_ns = from_ns;
        if !core.plan.classes[self.class].on_start.is_empty() {
            // Rare and large: it is not to make every user larger.
            match Box::pin(self.start(core, self.class, from_ns)).await {
                Ok(started_ns) => (intended_ns, done_ns) = (started_ns, started_ns),
                Err(why) => return Flow::StopUser(why),
            }
        }
        self.starts(core);
        let mut flow = Flow::Done;
        while !matches!(flow, Flow::StopUser(_))
            && let Some(now_ns) = self.due(core, &mut span, intended_ns).await
        {
            if self.turn == self.turns_max {
                flow = Flow::StopUser(Leaves::Told);
                break;
            }
            let wait = core.plan.classes[self.class].wait;
            // A user that is not done when its pace wants it waits for nobody but the service.
            let dispatched_ns = match wait {
                Wait::Pace(_) if intended_ns < done_ns => intended_ns,
                _ => now_ns,
            };
            let moments = (intended_ns, dispatched_ns);
            (done_ns, flow) = self.play_task(core, self.class, self.turn, moments).await;
            self.turn += 1;
            intended_ns = wait.next(intended_ns, done_ns, &mut self.belongings.random);
        }
        if !core.plan.classes[self.class].on_stop.is_empty() {
            Box::pin(self.stop(core, self.class)).await;
        }
        flow
    }

    /// Waits for a moment, and gives the one in which it is over; `None` where the span or the load ends before it.
    async fn due(&self, core: &Core, span: &mut Span, due_ns: u64) -> Option<u64> {
        while core.pacer.phase() == Phase::Running {
            let now_ns = core.clock.now_ns();
            span.follow(&core.parts[self.part].schedule, self.number, now_ns);
            if due_ns < span.to_ns && due_ns <= now_ns {
                return Some(now_ns);
            }
            if span.to_ns <= now_ns {
                return None;
            }
            let wake_ns = due_ns.min(span.to_ns);
            core.pacer.sleep_until(self.seat, wake_ns).await;
        }
        None
    }

    /// Counts it when it is first active.
    fn begins(&mut self, core: &Core) {
        if !std::mem::replace(&mut self.has_begun, true) {
            core.count_user();
        }
    }

    /// Counts it when it can first go on to its tasks.
    fn starts(&mut self, core: &Core) {
        if !std::mem::replace(&mut self.has_started, true) {
            core.starts.go_well();
        }
    }

    /// Plays what comes before the tasks; returns when it was done, or why the user cannot go on.
    async fn start(&mut self, core: &Core, class: usize, intended_ns: u64) -> Result<u64, Leaves> {
        let moments = (intended_ns, core.clock.now_ns());
        let mut playing = Playing::new(core, self.seat, &mut self.belongings, moments).for_setup();
        let flow = playing.play(&core.plan.classes[class].on_start).await;
        match (flow, playing.reason()) {
            (Flow::Done, _) => Ok(playing.done_ns()),
            (_, Some(reason)) => {
                core.starts.fail(|| reason);
                Err(Leaves::NotStarted)
            }
            (Flow::StopUser(why), None) => Err(why),
            (Flow::BrokenOff, None) => Err(Leaves::RunEnds),
        }
    }

    /// Plays what comes after the tasks.
    async fn stop(&mut self, core: &Core, class: usize) {
        if core.pacer.phase() != Phase::Aborting {
            let now_ns = core.clock.now_ns();
            let moments = (now_ns, now_ns);
            let mut playing = Playing::new(core, self.seat, &mut self.belongings, moments);
            playing.play(&core.plan.classes[class].on_stop).await;
        }
    }

    /// Plays arrivals until there are no more.
    pub(crate) async fn serve(mut self, core: Rc<Core>, seed: u64) {
        let part = &core.parts[self.part];
        core.user_begins();
        self.begins(&core);
        match Box::pin(self.begin_lives(&core)).await {
            Ok(lives) => self.serve_with(&core, seed, lives).await,
            Err(why) => {
                part.pool.user_fails();
                core.count_leaving(why);
            }
        }
        core.user_ends();
        core.pool_user_ended(part);
    }

    async fn serve_with(&mut self, core: &Core, seed: u64, mut lives: Vec<Life>) {
        self.starts(core);
        let part = &core.parts[self.part];
        if part.pool.user_is_ready() {
            core.look_for_users();
        }
        while let Some(arrival) = part.desk.next(core, self.seat).await {
            let (class, random) = part.cast.arrival(seed, arrival.number);
            self.belongings.random = random;
            let own = class - part.cast.classes.start;
            if let Some(life) = lives.get_mut(own) {
                std::mem::swap(life, &mut self.belongings.life);
            }
            let moments = (arrival.intended_ns, arrival.dispatched_ns);
            let (done_ns, flow) = self.play_task(core, class, arrival.number, moments).await;
            let response_ns = done_ns.saturating_sub(arrival.intended_ns);
            part.pool.arrival_ends(response_ns);
            if let Some(life) = lives.get_mut(own) {
                std::mem::swap(life, &mut self.belongings.life);
            }
            if let Flow::StopUser(why) = flow {
                core.count_leaving(why);
                break;
            }
        }
        Box::pin(self.end_lives(core, lives)).await;
    }

    /// A life in each class of its part, where classes have something to do before their tasks or variables;
    /// none otherwise. Fails where the user cannot go on.
    async fn begin_lives(&mut self, core: &Core) -> Result<Vec<Life>, Leaves> {
        let places = core.parts[self.part].cast.classes.clone();
        let classes = &core.plan.classes[places.clone()];
        let is_alike = core.plan.variables.is_empty()
            && classes
                .iter()
                .all(|class| class.on_start.is_empty() && class.on_stop.is_empty());
        let mut lives = Vec::new();
        if is_alike {
            return Ok(lives);
        }
        for (class, planned) in places.zip(classes) {
            if !planned.on_start.is_empty() {
                self.start(core, class, core.clock.now_ns()).await?;
            }
            lives.push(std::mem::replace(
                &mut self.belongings.life,
                Life::begin(core),
            ));
        }
        Ok(lives)
    }

    async fn end_lives(&mut self, core: &Core, lives: Vec<Life>) {
        let places = core.parts[self.part].cast.classes.clone();
        for (class, life) in places.zip(lives) {
            self.belongings.life = life;
            if !core.plan.classes[class].on_stop.is_empty() {
                self.stop(core, class).await;
            }
        }
    }

    /// Plays a task; returns when its last request was done, and what comes then.
    #[inline]
    async fn play_task(
        &mut self,
        core: &Core,
        class: usize,
        turn: u64,
        moments: (u64, u64),
    ) -> (u64, Flow) {
        let tasks = &core.plan.classes[class].tasks;
        let task = tasks.next(turn, &mut self.belongings.random);
        let mut playing = Playing::new(core, self.seat, &mut self.belongings, moments);
        let flow = playing.play(tasks.steps(task)).await;
        let done_ns = playing.done_ns();
        core.count_task();
        if core.plan.network.connections == Connections::PerIteration {
            self.belongings.keeper.clear();
        }
        (done_ns, flow)
    }
}

/// How long a user is active, as the schedule had it when it was last looked at.
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
