//! The pool: connections that a core's users share. Who finds none idle and no room for another waits
//! in a row; that is the service's time, since the user wanted to send.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::Poll;

use crate::connection::Connection;
use crate::core::Core;
use crate::pacer::{GivenUp, Seat};

pub(crate) struct Pool {
    /// Connections for each origin at most.
    most: usize,
    /// One for each origin.
    shelves: Vec<RefCell<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    idle: Vec<Connection>,
    /// Connections that are in use or being opened.
    out: usize,
    waiting: VecDeque<Seat>,
}

impl Pool {
    pub(crate) fn new(origins: usize, most: usize) -> Self {
        Self {
            most,
            shelves: (0..origins).map(|_| RefCell::default()).collect(),
        }
    }

    /// A connection that was idle, or `None` where there is room to open one. Either way
    /// [`Pool::give_back`] has to follow.
    pub(crate) async fn take(
        &self,
        core: &Core,
        seat: Seat,
        origin: usize,
    ) -> Result<Option<Connection>, GivenUp> {
        let shelf = &self.shelves[origin];
        let taken = core.pacer.under_way(seat, |_| {
            let mut shelf = shelf.borrow_mut();
            let is_next = shelf.waiting.front().is_none_or(|first| *first == seat);
            if is_next && shelf.out < self.most {
                shelf.waiting.pop_front();
                shelf.out += 1;
                return Poll::Ready(shelf.idle.pop());
            }
            if !shelf.waiting.contains(&seat) {
                shelf.waiting.push_back(seat);
            }
            Poll::Pending
        });
        let taken = taken.await;
        if taken.is_err() {
            shelf
                .borrow_mut()
                .waiting
                .retain(|waiting| *waiting != seat);
        }
        self.wake_next(core, origin);
        taken
    }

    /// Gives a connection back, or its place where it is gone.
    pub(crate) fn give_back(&self, core: &Core, origin: usize, connection: Option<Connection>) {
        {
            let mut shelf = self.shelves[origin].borrow_mut();
            shelf.out -= 1;
            shelf.idle.extend(connection);
        }
        self.wake_next(core, origin);
    }

    fn wake_next(&self, core: &Core, origin: usize) {
        let shelf = self.shelves[origin].borrow();
        if let Some(first) = shelf.waiting.front().filter(|_| shelf.out < self.most) {
            core.pacer.wake(*first);
        }
    }
}
