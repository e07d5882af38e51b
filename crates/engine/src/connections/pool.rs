//! The connection pool that a worker's users share. A user waits in a queue if there is no idle connection, no room to
//! open one and no HTTP/2 connection with a free stream. The wait counts as response time: the user wanted to send.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Poll;

use super::connection::Connection;
use crate::http2::Http2Connection;
use crate::net::context::{CapacityListener, NetContext};
use crate::time::timers::{TimerSlot, Timers, WaitError};

pub(crate) struct ConnectionPool {
    /// Maximum number of connections per origin.
    connections_max: usize,
    /// Maximum number of requests in flight per HTTP/2 connection.
    streams_max: u32,
    origins: Vec<RefCell<OriginPool>>,
    timers: Rc<Timers>,
}

/// The connections to one origin.
#[derive(Default)]
struct OriginPool {
    /// Idle HTTP/1.1 connections.
    idle: Vec<Connection>,
    /// Number of HTTP/1.1 connections in use, plus connections being opened.
    in_use: usize,
    /// HTTP/2 connections.
    multiplexed: Vec<Http2Connection>,
    waiting: VecDeque<TimerSlot>,
}

/// A connection from the pool, or the permission to open one.
enum Lease {
    Connection(Connection),
    /// Permission to open a connection.
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

    /// Waits for a connection with room for another request. `None` is the permission to open one. In both cases,
    /// [`ConnectionPool::give_back`] or [`ConnectionPool::give_up`] must follow.
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

    /// Adds a connection opened with the pool's permission, so that other users can share it.
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

    /// Returns a connection to the pool; `is_kept`: it can be reused.
    pub(crate) fn give_back(&self, connection: Connection, is_kept: bool) {
        let origin = connection.origin();
        {
            let mut pool = self.origins[origin].borrow_mut();
            match connection {
                // An HTTP/2 connection tracks itself whether it accepts more requests.
                Connection::Http2(connection) => connection.end(),
                Connection::Http1(_) => {
                    pool.in_use -= 1;
                    pool.idle.extend(is_kept.then_some(connection));
                }
            }
        }
        self.wake_next(origin);
    }

    /// Returns the permission to open a connection after that failed.
    pub(crate) fn give_up(&self, origin: usize) {
        self.origins[origin].borrow_mut().in_use -= 1;
        self.wake_next(origin);
    }

    /// Wakes the first waiting user if the pool has something for it.
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
    /// Removes the HTTP/2 connections that accept no more requests. Returns their number.
    fn remove_closed(&mut self) -> usize {
        let before = self.multiplexed.len();
        self.multiplexed.retain(|connection| !connection.is_over());
        before - self.multiplexed.len()
    }

    /// An idle connection, else permission to open one, else the HTTP/2 connection with the fewest requests in flight.
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
