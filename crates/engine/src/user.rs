//! A virtual user: plays its class's tasks while the schedule wants it to.

use std::rc::Rc;

use rand_xoshiro::Xoshiro256PlusPlus;
use scenario::Connections;

use crate::core::Core;
use crate::exchange::Exchange;
use crate::keeper::Keeper;
use crate::pacer::{Phase, Seat};

/// A user's state between its requests.
pub(crate) struct User {
    seat: Seat,
    number: u32,
    class: usize,
    random: Xoshiro256PlusPlus,
    keeper: Keeper,
}

impl User {
    /// User number `number`, of all users of the run.
    pub(crate) fn new(core: &Core, seed: u64, number: u32) -> Self {
        let class = core.plan.class_of(number);
        Self {
            seat: core.pacer.seat(),
            number,
            class,
            random: core.plan.random_of(seed, class, number),
            keeper: Keeper::default(),
        }
    }

    /// Plays whenever the schedule has it active, up to the end or the stop.
    pub(crate) async fn play(mut self, core: Rc<Core>) {
        while core.pacer.phase() == Phase::Running {
            let now_ns = core.clock.now_ns();
            match core.schedule.span(self.number, now_ns) {
                None if !core.schedule.is_searched() || now_ns >= core.schedule.end_ns() => return,
                None => {
                    let end_ns = core.schedule.end_ns();
                    core.pacer.sleep_until(self.seat, end_ns).await;
                }
                Some((from_ns, _)) if from_ns > now_ns => {
                    core.pacer.sleep_until(self.seat, from_ns).await;
                }
                Some(span) => {
                    core.user_begins();
                    self.play_span(&core, span).await;
                    core.user_ends();
                    self.keeper.forget();
                }
            }
        }
    }

    async fn play_span(&mut self, core: &Core, (from_ns, to_ns): (u64, u64)) {
        let mut span = Span {
            to_ns,
            version: core.schedule.version(),
        };
        let mut intended_ns = from_ns;
        while self.is_time(core, &mut span, intended_ns).await {
            let done_ns = self.play_task(core, intended_ns).await;
            intended_ns = done_ns + core.plan.classes[self.class].wait.draw(&mut self.random);
        }
    }

    /// Waits for a moment; false where the span or the load ends before it.
    async fn is_time(&self, core: &Core, span: &mut Span, due_ns: u64) -> bool {
        while core.pacer.phase() == Phase::Running {
            let now_ns = core.clock.now_ns();
            span.follow(core, self.number, now_ns);
            if due_ns < span.to_ns && due_ns <= now_ns {
                return true;
            }
            if span.to_ns <= now_ns {
                return false;
            }
            let wake_ns = due_ns.min(span.to_ns);
            core.pacer.sleep_until(self.seat, wake_ns).await;
        }
        false
    }

    /// Plays the next task; returns when its last request was done.
    async fn play_task(&mut self, core: &Core, intended_ns: u64) -> u64 {
        let mut random = self.random.clone();
        let moments = (intended_ns, core.clock.now_ns());
        let done_ns = self
            .play_task_of(core, self.class, &mut random, moments)
            .await;
        self.random = random;
        done_ns
    }

    /// Plays arrivals until there are no more.
    pub(crate) async fn serve(mut self, core: Rc<Core>, seed: u64) {
        core.user_begins();
        while let Some(arrival) = core.desk.next(&core, self.seat).await {
            let (class, mut random) = core.plan.arrival(seed, arrival.number);
            let moments = (arrival.intended_ns, arrival.dispatched_ns);
            self.play_task_of(&core, class, &mut random, moments).await;
        }
        core.user_ends();
    }

    async fn play_task_of(
        &mut self,
        core: &Core,
        class: usize,
        random: &mut Xoshiro256PlusPlus,
        mut moments: (u64, u64),
    ) -> u64 {
        let tasks = &core.plan.classes[class].tasks;
        let task = tasks.draw(random);
        for (step, request) in tasks.requests(task).iter().enumerate() {
            if step > 0 {
                moments.1 = core.clock.now_ns();
            }
            let (seat, keeper) = (self.seat, &mut self.keeper);
            let exchange = Exchange::play(core, seat, request, keeper, random, moments);
            let (done_ns, _) = exchange.await;
            moments = (done_ns, done_ns);
            if core.pacer.phase() == Phase::Aborting {
                break;
            }
        }
        if core.plan.network.connections == Connections::PerIteration {
            self.keeper.clear();
        }
        moments.0
    }
}

/// How long a user is active, as the schedule had it when it was last looked at.
struct Span {
    to_ns: u64,
    version: u32,
}

impl Span {
    fn follow(&mut self, core: &Core, user: u32, now_ns: u64) {
        if self.version != core.schedule.version() {
            self.version = core.schedule.version();
            let span = core.schedule.span(user, now_ns);
            let is_active = |(from_ns, _): &(u64, u64)| *from_ns <= now_ns;
            self.to_ns = span.filter(is_active).map_or(now_ns, |(_, to_ns)| to_ns);
        }
    }
}
