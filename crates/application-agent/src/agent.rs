//! The agent: bound to an address, and serving until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::serve::ListenerExt;

use crate::error::AgentError;
use crate::routes;
use crate::state::State;
use crate::store::{Database, Store};
use crate::usage::Usage;

/// How many analyses are kept unless the settings say otherwise.
pub const RETENTION_DEFAULT: usize = 1_000;
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;

/// How the agent is to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where to keep the state.
    pub database: Database,
    /// How many analyses are kept; it bounds all that is kept.
    pub retention: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8000)),
            database: Database::Memory,
            retention: RETENTION_DEFAULT,
        }
    }
}

/// An agent that listens.
pub struct Agent {
    runtime: tokio::runtime::Runtime,
    listener: tokio::net::TcpListener,
    address: SocketAddr,
    state: Arc<State>,
    router: Router,
}

impl Agent {
    /// Opens the database and listens. It has as many workers as there are cores that it may use.
    pub fn bind(settings: Settings) -> Result<Self, AgentError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(1, usize::from))
            .enable_all()
            .build()?;
        let listener = {
            let _within = runtime.enter();
            listen(settings.address).map_err(|error| AgentError::Bind {
                address: settings.address,
                error,
            })?
        };
        let address = listener.local_addr()?;
        let (store, left) = Store::open(&settings.database, settings.retention)?;
        let usage = Usage::start()?;
        let state = State::new(settings.database, settings.retention, store, left, usage);
        let state = Arc::new(state);
        Ok(Self {
            runtime,
            listener,
            address,
            router: routes::router(state.clone()),
            state,
        })
    }

    /// The same agent with something around its routes: so a test makes one with a fault.
    #[must_use]
    pub fn wrapped(mut self, wrap: impl FnOnce(Router) -> Router) -> Self {
        self.router = wrap(self.router);
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is done; what was kept is in the database then.
    pub fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), AgentError> {
        let Self {
            runtime,
            listener,
            state,
            router,
            ..
        } = self;
        let listener = listener.tap_io(|stream| {
            // Answers are small: waiting to fill a packet would cost 40 ms each.
            if let Err(error) = stream.set_nodelay(true) {
                eprintln!("agent: a connection keeps Nagle's algorithm: {error}");
            }
        });
        let served = runtime.block_on(async {
            tokio::select! {
                served = async { axum::serve(listener, router).await } => served,
                () = stop => Ok(()),
            }
        });
        // Connections that are open hold the state as well: they end with the runtime.
        drop(runtime);
        drop(state);
        Ok(served?)
    }
}

fn listen(address: SocketAddr) -> std::io::Result<tokio::net::TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
