//! The connection pool that a worker's users share. A user that finds no idle connection, no room for another and none
//! of HTTP/2 with room for a stream waits in a queue; that is the service's time, since the user wanted to send.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Poll;

use super::connection::Connection;
use crate::http2::Http2Connection;
use crate::net::context::{CapacityListener, NetContext};
use crate::time::timers::{TimerSlot, Timers, WaitError};

pub(crate) struct ConnectionPool {
    /// Maximum number of connections to each origin.
    connections_max: usize,
    /// Maximum number of requests in flight on each connection of HTTP/2.
    streams_max: u32,
    origins: Vec<RefCell<OriginPool>>,
    timers: Rc<Timers>,
}

/// The connections to one origin.
#[derive(Default)]
struct OriginPool {
    /// Idle connections of HTTP/1.1.
    idle: Vec<Connection>,
    /// Number of connections of HTTP/1.1 in use, and of those being opened.
    in_use: usize,
    /// Connections of HTTP/2.
    multiplexed: Vec<Http2Connection>,
    waiting: VecDeque<TimerSlot>,
}

/// What a pool has for the next user.
enum Lease {
    Connection(Connection),
    /// Room to open another.
    Room,
}

impl ConnectionPool {
    pub(crate) fn new(
        origins: usize,
        connections_max: usize,
        streams_max: u32,
        timers: Rc<Timers>,
    ) -> Self {
        Self {
            connections_max,
            streams_max,
            origins: (0..origins).map(|_| RefCell::default()).collect(),
            timers,
        }
    }

    /// A connection with room for another request, or `None` if there is room to open one. In both cases
    /// [`ConnectionPool::give_back`] or [`ConnectionPool::give_up`] has to follow.
    pub(crate) async fn take(
        &self,
        net: &NetContext,
        slot: TimerSlot,
        origin: usize,
    ) -> Result<Option<Connection>, WaitError> {
        let pool = &self.origins[origin];
        let taken = net.timers.poll_until_deadline(slot, |_| {
            let mut pool = pool.borrow_mut();
            let is_next = pool.waiting.front().is_none_or(|first| *first == slot);
            if is_next {
                for _ in 0..pool.remove_closed() {
                    net.counters.count_reconnect();
                }
                if let Some(lease) = pool.take(self.connections_max, self.streams_max) {
                    pool.waiting.pop_front();
                    return Poll::Ready(lease);
                }
            }
            if !pool.waiting.contains(&slot) {
                pool.waiting.push_back(slot);
            }
            Poll::Pending
        });
        let taken = taken.await;
        if taken.is_err() {
            pool.borrow_mut().waiting.retain(|waiting| *waiting != slot);
        }
        self.wake_next(origin);
        taken.map(|lease| match lease {
            Lease::Connection(connection) => Some(connection),
            Lease::Room => None,
        })
    }

    /// Adds a connection that was opened in the room that was taken: others may use it, too.
    pub(crate) fn share(&self, connection: &Connection) {
        if let Connection::Http2(connection) = connection {
            connection.begin();
            let mut pool = self.origins[connection.origin()].borrow_mut();
            pool.in_use -= 1;
            pool.multiplexed.push(connection.clone());
            drop(pool);
            self.wake_next(connection.origin());
        }
    }

    /// Gives a connection back; `is_kept`: it may be used again.
    pub(crate) fn give_back(&self, connection: Connection, is_kept: bool) {
        let origin = connection.origin();
        {
            let mut pool = self.origins[origin].borrow_mut();
            match connection {
                // It knows itself whether it takes more requests.
                Connection::Http2(connection) => connection.end(),
                Connection::Http1(_) => {
                    pool.in_use -= 1;
                    pool.idle.extend(is_kept.then_some(connection));
                }
            }
        }
        self.wake_next(origin);
    }

    /// Gives up the room in which no connection could be opened.
    pub(crate) fn give_up(&self, origin: usize) {
        self.origins[origin].borrow_mut().in_use -= 1;
        self.wake_next(origin);
    }

    /// Wakes the first user that waits, if there may be something for it.
    fn wake_next(&self, origin: usize) {
        let pool = self.origins[origin].borrow();
        if let Some(first) = pool.waiting.front()
            && pool.has_any(self.connections_max, self.streams_max)
        {
            self.timers.wake(*first);
        }
    }
}

impl CapacityListener for ConnectionPool {
    fn capacity_changed(&self, origin: usize) {
        self.wake_next(origin);
    }
}

impl OriginPool {
    /// Removes the connections of HTTP/2 that take no more requests; returns their number.
    fn remove_closed(&mut self) -> usize {
        let before = self.multiplexed.len();
        self.multiplexed.retain(|connection| !connection.is_over());
        before - self.multiplexed.len()
    }

    /// An idle connection; else room for another; else the one of HTTP/2 with the fewest requests in flight.
    fn take(&mut self, connections_max: usize, streams_max: u32) -> Option<Lease> {
        if let Some(connection) = self.idle.pop() {
            self.in_use += 1;
            return Some(Lease::Connection(connection));
        }
        let with_room = self
            .multiplexed
            .iter()
            .filter(|connection| connection.has_room(streams_max));
        let least_used = with_room.min_by_key(|connection| connection.in_flight());
        if let Some(connection) = least_used
            && (connection.in_flight() == 0 || !self.may_open(connections_max))
        {
            connection.begin();
            return Some(Lease::Connection(Connection::Http2(connection.clone())));
        }
        self.may_open(connections_max).then(|| {
            self.in_use += 1;
            Lease::Room
        })
    }

    /// Whether another connection may be opened.
    fn may_open(&self, connections_max: usize) -> bool {
        self.in_use + self.multiplexed.len() < connections_max
    }

    fn has_any(&self, connections_max: usize, streams_max: u32) -> bool {
        let mut multiplexed = self.multiplexed.iter();
        !self.idle.is_empty()
            || self.may_open(connections_max)
            || multiplexed
                .any(|connection| connection.is_over() || connection.has_room(streams_max))
    }
}
