//! Loopback server on a thread of this process, which returns the same small response to each request.

use std::io;
use std::net::Ipv4Addr;

use brunt_scenario::HostUrl;
use bytes::Bytes;
use http::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use url::Url;

const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
/// Maximum length of a request; those of the measurement are shorter.
const REQUEST_BYTES_MAX: usize = 4096;

/// Server that runs until it is dropped.
pub(super) struct LoopbackServer {
    url: HostUrl,
    thread: Option<std::thread::JoinHandle<()>>,
    stop: Option<oneshot::Sender<()>>,
}

impl LoopbackServer {
    /// Serves on a free port of the loopback interface, pinned to these cores (empty: not pinned), with HTTP/2 by prior
    /// knowledge or with HTTP/1.1.
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
                    // Stopped, or the sender was dropped.
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new()
            .name("loopback_server".into())
            .spawn(serve)?;
        Ok(Self {
            url: url.into(),
            thread: Some(thread),
            stop: Some(stop),
        })
    }

    /// Base URL.
    pub(super) fn url(&self) -> &HostUrl {
        &self.url
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread needs no cleanup.
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
            tokio::task::spawn_local(serve_http2(stream));
        } else {
            tokio::task::spawn_local(serve_http1(stream));
        }
    }
}

/// Responds to the requests of an HTTP/2 connection until it closes.
async fn serve_http2(stream: TcpStream) {
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

/// Responds to the requests of an HTTP/1.1 connection until it closes. Requests are not pipelined and have no bodies.
async fn serve_http1(mut stream: TcpStream) {
    let mut request = [0; REQUEST_BYTES_MAX];
    let mut length = 0;
    while length < REQUEST_BYTES_MAX {
        match stream.read(&mut request[length..]).await {
            Ok(0) | Err(_) => return,
            Ok(more) => length += more,
        }
        if request[..length].ends_with(b"\r\n\r\n") {
            length = 0;
            if stream.write_all(RESPONSE).await.is_err() {
                return;
            }
        }
    }
}
