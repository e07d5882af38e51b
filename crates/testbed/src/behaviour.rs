//! All that is scripted about a server.

use crate::{Fault, KeepAlive, Memory, Routes, Service, Stall};

/// What a [`Server`](crate::Server) does. Each part can be given alone
/// (`Server::start(Fault::Silent)`) or together with others:
///
/// ```
/// use std::time::Duration;
/// use testbed::{Answer, Behaviour, Routes, Server, Stall};
///
/// let routes = Routes::new().at("/", Answer::ok("hello"));
/// let stall = Stall::new(Duration::from_secs(10), Duration::from_secs(2));
/// let server = Server::start(Behaviour::from(routes).stall(stall))?;
/// assert_eq!(server.stop().requests, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct Behaviour {
    pub(crate) routes: Routes,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) fault: Option<Fault>,
    pub(crate) service: Option<Service>,
    pub(crate) memory: Option<Memory>,
    pub(crate) stall: Option<Stall>,
}

impl Behaviour {
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
    pub fn memory(mut self, memory: Memory) -> Self {
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

impl From<Routes> for Behaviour {
    fn from(routes: Routes) -> Self {
        Self::default().routes(routes)
    }
}

impl From<KeepAlive> for Behaviour {
    fn from(keep_alive: KeepAlive) -> Self {
        Self::default().keep_alive(keep_alive)
    }
}

impl From<Fault> for Behaviour {
    fn from(fault: Fault) -> Self {
        Self::default().fault(fault)
    }
}

impl From<Service> for Behaviour {
    fn from(service: Service) -> Self {
        Self::default().service(service)
    }
}

impl From<Memory> for Behaviour {
    fn from(memory: Memory) -> Self {
        Self::default().memory(memory)
    }
}

impl From<Stall> for Behaviour {
    fn from(stall: Stall) -> Self {
        Self::default().stall(stall)
    }
}
