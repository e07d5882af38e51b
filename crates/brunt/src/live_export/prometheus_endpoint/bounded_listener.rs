//! Listener with few concurrent connections, each for a limited time: idle clients can neither exhaust the file
//! descriptors of the load nor block Prometheus.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};

/// Maximum number of concurrent connections; one more closes the oldest.
const CONNECTIONS_MAX: usize = 16;
/// Maximum lifetime of a connection, longer than any scrape.
const LIFETIME: Duration = Duration::from_secs(10);
/// Number of times that other tasks run before a connection is accepted, so that they notice the end of theirs and close it.
const YIELDS: u32 = 3;
/// Delay after a failed accept, such as without a free file descriptor.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Listener that limits the number and the lifetime of connections.
pub(super) struct BoundedListener {
    listener: TcpListener,
    /// One sender per connection, oldest first; dropping it closes the connection.
    open: VecDeque<oneshot::Sender<()>>,
}

impl BoundedListener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            open: VecDeque::new(),
        }
    }
}

impl Listener for BoundedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        self.open.retain(|open| !open.is_closed());
        if self.open.len() >= CONNECTIONS_MAX {
            self.open.pop_front();
        }
        // The tasks of ended connections close them first.
        for _ in 0..YIELDS {
            yield_now().await;
        }
        let (stream, address) = loop {
            match self.listener.accept().await {
                Ok(accepted) => break accepted,
                Err(_) => sleep(RETRY_DELAY).await,
            }
        };
        let (open, closed) = oneshot::channel();
        self.open.push_back(open);
        let connection = Connection {
            stream,
            lifetime: Box::pin(sleep(LIFETIME)),
            closed,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Connection with a limited lifetime.
pub(super) struct Connection {
    stream: TcpStream,
    lifetime: Pin<Box<Sleep>>,
    closed: oneshot::Receiver<()>,
}

impl Connection {
    fn check_end(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let is_over = self.lifetime.as_mut().poll(context).is_ready();
        if is_over || Pin::new(&mut self.closed).poll(context).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_end(context)?;
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_end(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
