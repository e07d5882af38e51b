//! The desk: where a core's arrivals wait for an idle user. An arrival is taken up when it is due; that
//! no user is idle then is the service's doing, and counts as its time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Poll;

use crate::client::context::Core;
use crate::time::timers::{Phase, Seat};
use crate::workload::Part;

/// A task that the schedule wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Its number, of all arrivals of the run.
    pub(crate) number: u64,
    pub(crate) intended_ns: u64,
    /// When it was taken up; if brunt had no user yet who was ready, when it had one.
    pub(crate) dispatched_ns: u64,
    /// It came before the first user was ready.
    is_early: bool,
}

/// So many arrivals are taken up before others have their turn.
const AT_ONCE_MAX: u32 = 64;

#[derive(Default)]
pub(crate) struct Desk {
    waiting: RefCell<VecDeque<Arrival>>,
    idle: RefCell<Idle>,
    closed: Cell<bool>,
}

/// Users that rest; the one that came last is taken first, since its connection is the warmest.
#[derive(Default)]
struct Idle {
    users: Vec<Seat>,
    /// Whether the user of a seat is among them: it may look in more than once.
    is_in: Vec<bool>,
}

impl Idle {
    fn put(&mut self, user: Seat) {
        if self.is_in.len() <= user.index() {
            self.is_in.resize(user.index() + 1, false);
        }
        if !std::mem::replace(&mut self.is_in[user.index()], true) {
            self.users.push(user);
        }
    }

    fn take(&mut self) -> Option<Seat> {
        while let Some(user) = self.users.pop() {
            if std::mem::replace(&mut self.is_in[user.index()], false) {
                return Some(user);
            }
        }
        None
    }

    /// A user has found something to do by itself; its place is passed over later.
    fn leave(&mut self, user: Seat) {
        if let Some(is_in) = self.is_in.get_mut(user.index()) {
            *is_in = false;
        }
    }
}

impl Desk {
    /// Takes arrivals up when they are due, until the last one or the stop.
    pub(crate) async fn take_up(&self, core: &Core, part: &Part) {
        let schedule = &part.schedule;
        let seat = core.pacer.seat();
        let mut at_once = 0;
        while core.pacer.phase() == Phase::Running && !self.closed.get() {
            let due_ns = schedule.due_ns();
            if due_ns.is_none() && !schedule.is_searched() {
                break;
            }
            let now_ns = core.clock.now_ns();
            let wake_ns = due_ns.unwrap_or(schedule.end_ns());
            if wake_ns > now_ns {
                core.pacer.sleep_until(seat, wake_ns).await;
                at_once = 0;
                continue;
            }
            let Some(intended_ns) = due_ns else {
                break;
            };
            self.take_in(core, part, (intended_ns, now_ns));
            at_once += 1;
            // Users have their turn as well, however far behind the desk is.
            if at_once == AT_ONCE_MAX {
                tokio::task::yield_now().await;
                at_once = 0;
            }
        }
        self.close();
        while let Some(user) = self.idle.borrow_mut().take() {
            core.pacer.wake(user);
        }
    }

    /// Takes up no more arrivals.
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    fn take_in(&self, core: &Core, part: &Part, (intended_ns, dispatched_ns): (u64, u64)) {
        self.waiting.borrow_mut().push_back(Arrival {
            number: part.schedule.take(),
            intended_ns,
            dispatched_ns,
            is_early: !part.pool.has_started(),
        });
        if part.pool.arrival_comes() {
            core.look_for_users();
        }
        let user = self.idle.borrow_mut().take();
        if let Some(user) = user {
            core.pacer.wake(user);
        }
    }

    /// The next arrival for a user; `None` when there is none to come.
    pub(crate) async fn next(&self, core: &Core, user: Seat) -> Option<Arrival> {
        core.pacer
            .rest(user, || {
                if core.pacer.phase() == Phase::Aborting {
                    return Poll::Ready(None);
                }
                let mut next = self.waiting.borrow_mut().pop_front();
                if let Some(arrival) = &mut next {
                    self.idle.borrow_mut().leave(user);
                    // That nobody was there to play it is brunt's own lateness.
                    if arrival.is_early {
                        arrival.dispatched_ns = core.clock.now_ns();
                    }
                }
                if next.is_some() || self.closed.get() {
                    return Poll::Ready(next);
                }
                self.idle.borrow_mut().put(user);
                Poll::Pending
            })
            .await
    }

    /// Arrivals that wait, and the intended start of the oldest.
    pub(crate) fn waiting(&self) -> (usize, Option<u64>) {
        let waiting = self.waiting.borrow();
        (
            waiting.len(),
            waiting.front().map(|arrival| arrival.intended_ns),
        )
    }

    /// Takes the arrivals that nobody came to play.
    pub(crate) fn left_over(&self) -> VecDeque<Arrival> {
        self.waiting.take()
    }
}
