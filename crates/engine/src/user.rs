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
    class: usize,
    /// When it is to be active: from … to, on the run's clock.
    spans: Vec<(u64, u64)>,
    random: Xoshiro256PlusPlus,
    keeper: Keeper,
}

impl User {
    /// User number `number`, of all users of the run.
    pub(crate) fn new(core: &Core, seed: u64, number: u32) -> Self {
        let class = core.plan.class_of(number);
        Self {
            seat: core.pacer.seat(),
            class,
            spans: scenario::active_spans(&core.plan.load.stages, number),
            random: core.plan.random_of(seed, class, number),
            keeper: Keeper::default(),
        }
    }

    /// Plays all its spans, or up to the stop.
    pub(crate) async fn play(mut self, core: Rc<Core>) {
        for span in std::mem::take(&mut self.spans) {
            core.pacer.sleep_until(self.seat, span.0).await;
            if core.pacer.phase() != Phase::Running {
                return;
            }
            core.user_begins();
            self.play_span(&core, span).await;
            core.user_ends();
            self.keeper.forget();
        }
    }

    async fn play_span(&mut self, core: &Core, (from_ns, to_ns): (u64, u64)) {
        let mut intended_ns = from_ns;
        while intended_ns < to_ns {
            core.pacer.sleep_until(self.seat, intended_ns).await;
            if core.pacer.phase() != Phase::Running {
                return;
            }
            let done_ns = self.play_task(core, intended_ns).await;
            intended_ns = done_ns + core.plan.classes[self.class].wait.draw(&mut self.random);
        }
        core.pacer.sleep_until(self.seat, to_ns).await;
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
