//! A scripted HTTP/2 server on a thread.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The reaction of the server to a request.
pub(crate) enum Reply {
    /// Responds after a delay.
    Response(Response<Vec<u8>>, Duration),
    /// Resets the stream without a response.
    Reset(Reason),
    /// Responds without reading the body.
    Early(Response<Vec<u8>>),
    /// Sends nothing until the client disconnects.
    Silence,
    /// Closes the connection without GOAWAY.
    Hang,
    /// Responds, and then closes the connection.
    Last(Response<Vec<u8>>),
}

/// A request with its complete body.
pub(crate) struct ReceivedRequest {
    pub(crate) head: Request<()>,
    pub(crate) body: Vec<u8>,
    /// Index of the request on its connection, from 0.
    pub(crate) number: u64,
}

type Rule = Arc<dyn Fn(&ReceivedRequest) -> Reply + Send + Sync>;

/// Settings of the server.
#[derive(Clone)]
pub(crate) struct ServerConfig {
    rule: Rule,
    streams_max: Option<u32>,
    window: Option<u32>,
    /// Number of requests per connection before GOAWAY.
    goaway_after: Option<u64>,
}

/// Counters of the server.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) requests: AtomicU64,
    /// Number of streams that the client reset.
    pub(crate) resets: Mutex<Vec<Reason>>,
    in_flight: AtomicU64,
    /// Maximum number of concurrent requests, over all connections.
    pub(crate) in_flight_max: AtomicU64,
}

pub(crate) struct Http2Server {
    pub(crate) address: SocketAddr,
    pub(crate) counters: Arc<Counters>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) fn response(status: u16, body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
    let response = Response::builder().status(status);
    response.body(body.into()).unwrap()
}

pub(crate) fn at_once(response: Response<Vec<u8>>) -> Reply {
    Reply::Response(response, Duration::ZERO)
}

impl ServerConfig {
    pub(crate) fn new(rule: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            rule: Arc::new(rule),
            streams_max: None,
            window: None,
            goaway_after: None,
        }
    }

    pub(crate) fn streams_max(mut self, most: u32) -> Self {
        self.streams_max = Some(most);
        self
    }

    /// Sets the receive window of streams.
    pub(crate) fn window(mut self, bytes: u32) -> Self {
        self.window = Some(bytes);
        self
    }

    pub(crate) fn goaway_after(mut self, requests: u64) -> Self {
        self.goaway_after = Some(requests);
        self
    }

    pub(crate) fn start(self) -> Http2Server {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let counters: Arc<Counters> = Arc::default();
        let (stop, stopped) = oneshot::channel();
        let noted = counters.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                tokio::select! {
                    () = accept(listener, self, noted) => {}
                    _ = stopped => {}
                }
            });
        });
        Http2Server {
            address,
            counters,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Http2Server {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.counters.requests.load(Ordering::Acquire)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.counters.connections.load(Ordering::Acquire)
    }
}

impl Drop for Http2Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let joined = self.thread.take().map(JoinHandle::join);
        assert!(joined.is_none_or(|joined| joined.is_ok()) || std::thread::panicking());
    }
}

async fn accept(listener: std::net::TcpListener, config: ServerConfig, counters: Arc<Counters>) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        counters.connections.fetch_add(1, Ordering::AcqRel);
        tokio::spawn(serve(stream, config.clone(), counters.clone()));
    }
}

/// Serves one connection until it ends.
async fn serve(stream: TcpStream, config: ServerConfig, counters: Arc<Counters>) {
    let mut builder = server::Builder::new();
    if let Some(most) = config.streams_max {
        builder.max_concurrent_streams(most);
    }
    if let Some(window) = config.window {
        builder
            .initial_window_size(window)
            .initial_connection_window_size(window.max(65_535));
    }
    // The client may disconnect at any time.
    let Ok(mut serving) = builder.handshake::<_, Bytes>(stream).await else {
        return;
    };
    let (hang, mut hangs) = tokio::sync::mpsc::unbounded_channel();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            accepted = serving.accept() => accepted,
            _ = hangs.recv() => return,
        };
        let Some(Ok((request, response))) = accepted else {
            return;
        };
        counters.requests.fetch_add(1, Ordering::AcqRel);
        let exchange = Exchange {
            config: config.clone(),
            counters: counters.clone(),
            hang: hang.clone(),
            number,
        };
        tokio::spawn(exchange.take(request, response));
        number += 1;
        if config.goaway_after.is_some_and(|after| number == after) {
            serving.graceful_shutdown();
        }
    }
}

/// One request.
struct Exchange {
    config: ServerConfig,
    counters: Arc<Counters>,
    hang: tokio::sync::mpsc::UnboundedSender<()>,
    number: u64,
}

impl Exchange {
    async fn take(self, request: Request<RecvStream>, response: SendResponse<Bytes>) {
        let now = self.counters.in_flight.fetch_add(1, Ordering::AcqRel) + 1;
        self.counters.in_flight_max.fetch_max(now, Ordering::AcqRel);
        self.respond(request, response).await;
        self.counters.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    async fn respond(&self, request: Request<RecvStream>, mut to: SendResponse<Bytes>) {
        let (head, mut body) = request.into_parts();
        let mut received = ReceivedRequest {
            head: Request::from_parts(head, ()),
            body: Vec::new(),
            number: self.number,
        };
        if let Reply::Early(response) = (self.config.rule)(&received) {
            send(&mut to, response).await;
            return;
        }
        while let Some(Ok(bytes)) = body.data().await {
            body.flow_control().release_capacity(bytes.len()).unwrap();
            received.body.extend_from_slice(&bytes);
        }
        match (self.config.rule)(&received) {
            Reply::Response(mut response, after) => {
                tokio::time::sleep(after).await;
                if received.head.method() == http::Method::HEAD {
                    *response.body_mut() = Vec::new();
                }
                send(&mut to, response).await;
            }
            Reply::Early(response) => send(&mut to, response).await,
            Reply::Last(response) => {
                send(&mut to, response).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
                self.hang.send(()).unwrap();
            }
            Reply::Reset(reason) => to.send_reset(reason),
            Reply::Hang => {
                self.hang.send(()).unwrap();
                // The stream is not reset: it ends with its connection.
                std::future::pending::<()>().await;
            }
            Reply::Silence => {
                let reset = std::future::poll_fn(|cx| to.poll_reset(cx)).await;
                self.counters.resets.lock().unwrap().extend(reset);
            }
        }
    }
}

/// Sends a response as fast as the client's windows allow.
async fn send(to: &mut SendResponse<Bytes>, response: Response<Vec<u8>>) {
    let (head, body) = response.into_parts();
    let head = Response::from_parts(head, ());
    let Ok(mut stream) = to.send_response(head, body.is_empty()) else {
        return;
    };
    let mut body = Bytes::from(body);
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let Some(Ok(room)) = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await else {
            return;
        };
        let piece = body.split_to(room.min(body.len()));
        if stream.send_data(piece, body.is_empty()).is_err() {
            return;
        }
    }
}
