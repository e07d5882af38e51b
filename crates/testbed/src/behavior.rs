//! All that is scripted about a server.

use std::time::Duration;

use crate::{Fault, MemoryGrowth, Routes, Service, Stall};

/// What a [`Server`](crate::Server) does. Each part can be given alone
/// (`Server::start(Fault::Silent)`) or together with others:
///
/// ```
/// use std::time::Duration;
/// use brunt_testbed::{Answer, Behavior, Routes, Server, Stall};
///
/// let routes = Routes::new().at("/", Answer::ok("hello"));
/// let stall = Stall::new(Duration::from_secs(10), Duration::from_secs(2));
/// let server = Server::start(Behavior::from(routes).stall(stall))?;
/// assert_eq!(server.stop().requests, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct Behavior {
    pub(crate) routes: Routes,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) fault: Option<Fault>,
    pub(crate) service: Option<Service>,
    pub(crate) memory: Option<MemoryGrowth>,
    pub(crate) stall: Option<Stall>,
}

impl Behavior {
    /// With these answers.
    #[must_use]
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = routes;
        self
    }

    /// With this end of connections that could go on.
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// With this fault on every connection.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// With this capacity.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// With this memory.
    #[must_use]
    pub fn memory(mut self, memory: MemoryGrowth) -> Self {
        self.memory = Some(memory);
        self
    }

    /// With these freezes.
    #[must_use]
    pub fn stall(mut self, stall: Stall) -> Self {
        self.stall = Some(stall);
        self
    }
}

impl From<Routes> for Behavior {
    fn from(routes: Routes) -> Self {
        Self::default().routes(routes)
    }
}

impl From<KeepAlive> for Behavior {
    fn from(keep_alive: KeepAlive) -> Self {
        Self::default().keep_alive(keep_alive)
    }
}

impl From<Fault> for Behavior {
    fn from(fault: Fault) -> Self {
        Self::default().fault(fault)
    }
}

impl From<Service> for Behavior {
    fn from(service: Service) -> Self {
        Self::default().service(service)
    }
}

impl From<MemoryGrowth> for Behavior {
    fn from(memory: MemoryGrowth) -> Self {
        Self::default().memory(memory)
    }
}

impl From<Stall> for Behavior {
    fn from(stall: Stall) -> Self {
        Self::default().stall(stall)
    }
}

/// Limits after which the server closes a connection that could go on; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// A connection that had an answer is closed after this time without a byte of a next request.
    pub idle: Option<Duration>,
    /// A connection is closed after this many answers.
    pub requests: Option<u64>,
    /// Whether the last of these answers says `Connection: close`. Ends by idleness cannot.
    pub announced: bool,
}

impl KeepAlive {
    /// Closes connections that are idle for this long.
    pub fn idle(idle: Duration) -> Self {
        Self {
            idle: Some(idle),
            ..Self::default()
        }
    }

    /// Closes connections after this many answers, with a word before (`announced`) or without.
    pub fn requests(requests: u64, announced: bool) -> Self {
        Self {
            requests: Some(requests),
            announced,
            ..Self::default()
        }
    }
}
