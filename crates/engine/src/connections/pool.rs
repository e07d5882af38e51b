//! The pool: connections that a core's users share. Who finds none idle, no room for another and none of HTTP/2
//! that takes one more request, waits in a row; that is the service's time, since the user wanted to send.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::Poll;

use crate::client::context::Core;
use crate::connections::connection::Link;
use crate::http2;
use crate::time::timers::{GivenUp, Pacer, Seat};

pub(crate) struct Pool {
    /// Connections for each origin at most.
    most: usize,
    /// Requests under way at once on each that speaks HTTP/2, at most.
    streams: u32,
    /// One for each origin.
    shelves: Vec<RefCell<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    /// Connections of HTTP/1.1 that nobody uses.
    idle: Vec<Link>,
    /// Connections of HTTP/1.1 that are in use, and those that are being opened.
    out: usize,
    /// Connections of HTTP/2.
    open: Vec<http2::Connection>,
    waiting: VecDeque<Seat>,
}

/// What a shelf has for the next one.
enum Taken {
    Kept(Link),
    /// Room to open another.
    Room,
}

impl Pool {
    pub(crate) fn new(origins: usize, most: usize, streams: u32) -> Self {
        Self {
            most,
            streams,
            shelves: (0..origins).map(|_| RefCell::default()).collect(),
        }
    }

    /// A connection that takes another request, or `None` where there is room to open one. Either way
    /// [`Pool::give_back`] or [`Pool::give_up`] has to follow.
    pub(crate) async fn take(
        &self,
        core: &Core,
        seat: Seat,
        origin: usize,
    ) -> Result<Option<Link>, GivenUp> {
        let shelf = &self.shelves[origin];
        let taken = core.pacer.under_way(seat, |_| {
            let mut shelf = shelf.borrow_mut();
            let is_next = shelf.waiting.front().is_none_or(|first| *first == seat);
            if is_next {
                for _ in 0..shelf.clear() {
                    core.count_reopened();
                }
                if let Some(taken) = shelf.take(self.most, self.streams) {
                    shelf.waiting.pop_front();
                    return Poll::Ready(taken);
                }
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
        self.wake_next(&core.pacer, origin);
        taken.map(|taken| match taken {
            Taken::Kept(link) => Some(link),
            Taken::Room => None,
        })
    }

    /// A connection was opened where there was room: others may use it, too.
    pub(crate) fn share(&self, core: &Core, link: &Link) {
        if let Link::Http2(connection) = link {
            connection.begin();
            let mut shelf = self.shelves[connection.origin()].borrow_mut();
            shelf.out -= 1;
            shelf.open.push(connection.clone());
            drop(shelf);
            self.wake_next(&core.pacer, connection.origin());
        }
    }

    /// Gives a connection back; `keeps`: it may be used again.
    pub(crate) fn give_back(&self, core: &Core, link: Link, keeps: bool) {
        let origin = link.origin();
        {
            let mut shelf = self.shelves[origin].borrow_mut();
            match link {
                // Whether it may is its own affair.
                Link::Http2(connection) => connection.end(),
                Link::Http1(_) => {
                    shelf.out -= 1;
                    shelf.idle.extend(keeps.then_some(link));
                }
            }
        }
        self.wake_next(&core.pacer, origin);
    }

    /// Gives the room up in which no connection could be opened.
    pub(crate) fn give_up(&self, core: &Core, origin: usize) {
        self.shelves[origin].borrow_mut().out -= 1;
        self.wake_next(&core.pacer, origin);
    }

    /// Wakes the first that waits, where there may be something for it.
    pub(crate) fn wake_next(&self, pacer: &Pacer, origin: usize) {
        let shelf = self.shelves[origin].borrow();
        if let Some(first) = shelf.waiting.front()
            && shelf.has_any(self.most, self.streams)
        {
            pacer.wake(*first);
        }
    }
}

impl Shelf {
    /// Forgets the connections of HTTP/2 that take no more requests; returns how many.
    fn clear(&mut self) -> usize {
        let before = self.open.len();
        self.open.retain(|connection| !connection.is_over());
        before - self.open.len()
    }

    /// A connection that nobody uses; else room for another; else the one of HTTP/2 that is used least.
    fn take(&mut self, most: usize, streams: u32) -> Option<Taken> {
        if let Some(link) = self.idle.pop() {
            self.out += 1;
            return Some(Taken::Kept(link));
        }
        let with_room = self.open.iter().filter(|open| open.has_room(streams));
        let least = with_room.min_by_key(|open| open.under_way());
        if let Some(connection) = least
            && (connection.under_way() == 0 || !self.has_place(most))
        {
            connection.begin();
            return Some(Taken::Kept(Link::Http2(connection.clone())));
        }
        self.has_place(most).then(|| {
            self.out += 1;
            Taken::Room
        })
    }

    /// Whether another connection may be opened.
    fn has_place(&self, most: usize) -> bool {
        self.out + self.open.len() < most
    }

    fn has_any(&self, most: usize, streams: u32) -> bool {
        let mut open = self.open.iter();
        !self.idle.is_empty()
            || self.has_place(most)
            || open.any(|open| open.is_over() || open.has_room(streams))
    }
}
