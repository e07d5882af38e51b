//! Arrivals of an open workload that wait for an idle user. An arrival is dispatched when it is due. If no user is idle
//! then, the service is the cause, and the wait counts as response time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Poll;

use crate::time::clock::Clock;
use crate::time::timers::{ShutdownPhase, TimerSlot, Timers};

/// A task start that the schedule plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Number among all arrivals of the run.
    pub(crate) number: u64,
    pub(crate) intended_ns: u64,
    /// Dispatch time; if no user of the worker was ready yet, the time when the first was.
    pub(crate) dispatched_ns: u64,
    /// Whether it came before the first user was ready.
    pub(crate) is_early: bool,
}

#[derive(Default)]
pub(crate) struct ArrivalQueue {
    waiting: RefCell<VecDeque<Arrival>>,
    idle: RefCell<IdleUsers>,
    is_closed: Cell<bool>,
}

/// Idle users. The last one added is used first, since its connection was used most recently.
#[derive(Default)]
struct IdleUsers {
    users: Vec<TimerSlot>,
    /// Whether the user of a slot is in the list: a user may ask for an arrival more than once.
    is_in: Vec<bool>,
}

impl IdleUsers {
    fn put(&mut self, user: TimerSlot) {
        if self.is_in.len() <= user.index() {
            self.is_in.resize(user.index() + 1, false);
        }
        if !std::mem::replace(&mut self.is_in[user.index()], true) {
            self.users.push(user);
        }
    }

    fn take(&mut self) -> Option<TimerSlot> {
        while let Some(user) = self.users.pop() {
            if std::mem::replace(&mut self.is_in[user.index()], false) {
                return Some(user);
            }
        }
        None
    }

    /// Removes a user that has found an arrival itself. Its entry is skipped later.
    fn remove(&mut self, user: TimerSlot) {
        if let Some(is_in) = self.is_in.get_mut(user.index()) {
            *is_in = false;
        }
    }
}

impl ArrivalQueue {
    /// Adds an arrival and wakes an idle user.
    pub(crate) fn push(&self, arrival: Arrival, timers: &Timers) {
        self.waiting.borrow_mut().push_back(arrival);
        let user = self.idle.borrow_mut().take();
        if let Some(user) = user {
            timers.wake(user);
        }
    }

    /// Accepts no more arrivals.
    pub(crate) fn close(&self) {
        self.is_closed.set(true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Wakes all idle users.
    pub(crate) fn wake_idle(&self, timers: &Timers) {
        while let Some(user) = self.idle.borrow_mut().take() {
            timers.wake(user);
        }
    }

    /// Takes the next arrival for a user; `None` if no more will come.
    pub(crate) async fn next(
        &self,
        clock: Clock,
        timers: &Timers,
        user: TimerSlot,
    ) -> Option<Arrival> {
        let next = timers.wait_for_wake(user, || {
            if timers.phase() == ShutdownPhase::Aborted {
                return Poll::Ready(None);
            }
            let mut next = self.waiting.borrow_mut().pop_front();
            if let Some(arrival) = &mut next {
                self.idle.borrow_mut().remove(user);
                // That no user was ready is brunt's own delay.
                if arrival.is_early {
                    arrival.dispatched_ns = clock.now_ns();
                }
            }
            if next.is_some() || self.is_closed.get() {
                return Poll::Ready(next);
            }
            self.idle.borrow_mut().put(user);
            Poll::Pending
        });
        next.await
    }

    /// Number of waiting arrivals, and the earliest intended start.
    pub(crate) fn waiting(&self) -> (usize, Option<u64>) {
        let waiting = self.waiting.borrow();
        (
            waiting.len(),
            waiting.front().map(|arrival| arrival.intended_ns),
        )
    }

    /// Takes the arrivals that no user has run.
    pub(crate) fn drain(&self) -> VecDeque<Arrival> {
        self.waiting.take()
    }
}
