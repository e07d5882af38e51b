//! A listener that holds few connections at once, each for a short time: clients that connect and stay silent take
//! neither the descriptors of the load nor the page from Prometheus.

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

/// Largest number of connections at once; one more ends the oldest.
const CONNECTIONS_MAX: usize = 16;
/// How long a connection is kept: longer than any scrape takes.
const KEPT: Duration = Duration::from_secs(10);
/// How often other tasks run before a connection is accepted: an end is noticed, and then acted on.
const YIELDS: u32 = 3;
/// How long to wait after a connection could not be accepted, as when no descriptor is left.
const RETRY: Duration = Duration::from_millis(500);

pub(super) struct Bounded {
    listener: TcpListener,
    /// Of each connection, oldest first: it ends when this is dropped.
    held: VecDeque<oneshot::Sender<()>>,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            held: VecDeque::new(),
        }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        self.held.retain(|held| !held.is_closed());
        if self.held.len() >= CONNECTIONS_MAX {
            self.held.pop_front();
        }
        // Connections that have ended are closed by their tasks, before one more is accepted.
        for _ in 0..YIELDS {
            yield_now().await;
        }
        let (stream, address) = loop {
            match self.listener.accept().await {
                Ok(accepted) => break accepted,
                Err(_) => sleep(RETRY).await,
            }
        };
        let (held, ended) = oneshot::channel();
        self.held.push_back(held);
        let connection = Connection {
            stream,
            kept: Box::pin(sleep(KEPT)),
            ended,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends by itself.
pub(super) struct Connection {
    stream: TcpStream,
    kept: Pin<Box<Sleep>>,
    ended: oneshot::Receiver<()>,
}

impl Connection {
    fn check_end(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let is_over = self.kept.as_mut().poll(context).is_ready();
        if is_over || Pin::new(&mut self.ended).poll(context).is_ready() {
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
