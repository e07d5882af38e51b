//! Loopback server on a thread of this process, which returns the same small response to each request.

use std::io;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use url::Url;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
/// A request of ours is shorter.
const REQUEST_MAX: usize = 4096;

/// Server that runs until it is dropped.
pub(super) struct LoopbackServer {
    url: Url,
    thread: Option<std::thread::JoinHandle<()>>,
    stop: Option<oneshot::Sender<()>>,
}

impl LoopbackServer {
    /// Serves on a free port of the loopback, on these cores (empty: on any); in HTTP/2 to clients that know it
    /// beforehand, or in HTTP/1.1.
    pub(super) fn start(cores: &[usize], speaks_http2: bool) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}/", listener.local_addr()?);
        let url = Url::parse(&url).map_err(io::Error::other)?;
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel();
        let cores = cores.to_vec();
        let serve = move || {
            if !cores.is_empty() && brunt_monitor::pin_current_thread(&cores).is_err() {
                return;
            }
            let local = LocalSet::new();
            local.block_on(&runtime, async {
                tokio::select! {
                    () = serve(listener, speaks_http2) => {}
                    // Stopped, or whoever could stop it is gone.
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new()
            .name("loopback_server".into())
            .spawn(serve)?;
        Ok(Self {
            url,
            thread: Some(thread),
            stop: Some(stop),
        })
    }

    /// Where it serves.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It holds nothing that a panic could leave behind.
            thread.join().ok();
        }
    }
}

async fn serve(listener: std::net::TcpListener, speaks_http2: bool) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        if speaks_http2 {
            tokio::task::spawn_local(answer_http2(stream));
        } else {
            tokio::task::spawn_local(answer(stream));
        }
    }
}

/// Answers a connection's requests, which come on streams of HTTP/2, until it ends.
async fn answer_http2(stream: TcpStream) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((_, mut to))) = connection.accept().await {
        let sent = to
            .send_response(Response::new(()), false)
            .and_then(|mut body| body.send_data(Bytes::from_static(b"ok"), true));
        if sent.is_err() {
            return;
        }
    }
}

/// Answers a connection's requests, which come one at a time and have no bodies, until it ends.
async fn answer(mut stream: TcpStream) {
    let mut request = [0; REQUEST_MAX];
    let mut length = 0;
    while length < REQUEST_MAX {
        match stream.read(&mut request[length..]).await {
            Ok(0) | Err(_) => return,
            Ok(more) => length += more,
        }
        if request[..length].ends_with(b"\r\n\r\n") {
            length = 0;
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
        }
    }
}
