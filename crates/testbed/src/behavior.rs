//! The scripted behavior of a server.

use std::time::Duration;

use crate::{Fault, MemoryGrowth, Routes, Service, Stall};

/// Behavior of a [`Server`](crate::Server). Each part can be given alone
/// (`Server::start(Fault::Silent)`) or combined with others:
///
/// ```
/// use std::time::Duration;
/// use brunt_testbed::{Response, Behavior, Routes, Server, Stall};
///
/// let routes = Routes::new().at("/", Response::ok("hello"));
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
    /// Sets the routes.
    #[must_use]
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = routes;
        self
    }

    /// Sets the limits after which persistent connections are closed.
    #[must_use]
    pub fn keep_alive(mut self, keep_alive: KeepAlive) -> Self {
        self.keep_alive = keep_alive;
        self
    }

    /// Sets a fault of every connection.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Sets the capacity.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Sets the growth of memory.
    #[must_use]
    pub fn memory(mut self, memory: MemoryGrowth) -> Self {
        self.memory = Some(memory);
        self
    }

    /// Sets periodic stalls.
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

/// Limits after which the server closes a persistent connection; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// Maximum idle time after a response.
    pub idle: Option<Duration>,
    /// Maximum number of responses on a connection.
    pub requests: Option<u64>,
    /// Whether the last response announces the close by `Connection: close`. A close after idle time cannot.
    pub announced: bool,
}

impl KeepAlive {
    /// Closes connections that have been idle for this long.
    pub fn idle(idle: Duration) -> Self {
        Self {
            idle: Some(idle),
            ..Self::default()
        }
    }

    /// Closes connections after this number of responses, announced by `Connection: close` or not.
    pub fn requests(requests: u64, announced: bool) -> Self {
        Self {
            requests: Some(requests),
            announced,
            ..Self::default()
        }
    }
}
