//! Agent: bound to an address, and serving until a stop signal.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::serve::ListenerExt;

use crate::error::AgentError;
use crate::routes;
use crate::state::State;
use crate::store::{Database, Store};
use crate::usage::Usage;

/// Default retention, in analyses.
pub const RETENTION_DEFAULT: usize = 1_000;
/// Maximum number of connections that wait to be accepted.
const BACKLOG: u32 = 4096;

/// Settings of the agent.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on; port 0 selects a free port.
    pub address: SocketAddr,
    /// Location of the state.
    pub database: Database,
    /// Maximum number of stored analyses, which bounds all stored data.
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

/// Listening agent.
pub struct Agent {
    runtime: tokio::runtime::Runtime,
    listener: tokio::net::TcpListener,
    address: SocketAddr,
    state: Arc<State>,
    router: Router,
}

impl Agent {
    /// Opens the database and listens, with a worker per core that the process may use.
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

    /// Wraps the routes, such as with a fault in tests.
    #[must_use]
    pub fn wrapped(mut self, wrap: impl FnOnce(Router) -> Router) -> Self {
        self.router = wrap(self.router);
        self
    }

    /// Bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` completes, and then writes pending rows to the database.
    pub fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), AgentError> {
        let Self {
            runtime,
            listener,
            state,
            router,
            ..
        } = self;
        let listener = listener.tap_io(|stream| {
            // Responses are small: Nagle's algorithm would delay each by 40 ms.
            if let Err(error) = stream.set_nodelay(true) {
                eprintln!("agent: cannot disable Nagle's algorithm: {error}");
            }
        });
        let served = runtime.block_on(async {
            tokio::select! {
                served = async { axum::serve(listener, router).await } => served,
                () = stop => Ok(()),
            }
        });
        // Open connections also hold the state, and end with the runtime.
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
