//! The null server over HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::counters::NullCounts;
use crate::listener::{ANY, BACKLOG, listening};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD_BYTES: usize = 9;
/// Maximum size of a frame unless a server allows more.
const FRAME_BYTES_MAX: usize = 16_384;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
/// Flag of DATA and HEADERS: the last frame of the stream. Flag of SETTINGS and PING: an acknowledgment.
const END_STREAM_OR_ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status` 200, `content-type` and `content-length`, not indexed (RFC 7541, appendix A).
const FIELDS: &[u8] = b"\x88\x0f\x10\x0atext/plain\x0f\x0d\x0263";
const BODY: &[u8; 63] = b"A server that does nothing is the right one to measure with. :)";

/// Responds to every request with the same 63 bytes, from one thread, without TLS. It only looks for the ends of
/// requests, and assumes that clients keep their windows open for the responses.
pub struct NullHttp2Server {
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    connections: AtomicU64,
}

impl NullHttp2Server {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port, descriptor or thread is available.
    pub fn start() -> io::Result<Self> {
        let listener = listening(ANY, BACKLOG)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let counters: Arc<Counters> = Arc::default();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let seen = counters.clone();
        let thread = std::thread::Builder::new()
            .name("testbed-null".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        accepted = accept(listener, seen) => accepted,
                        _ = stopped => Ok(()),
                    }
                })
            })?;
        Ok(Self {
            address,
            counters,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Its base URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Current counts.
    pub fn counts(&self) -> NullCounts {
        NullCounts {
            requests: self.counters.requests.load(Ordering::Acquire),
            connections: self.counters.connections.load(Ordering::Acquire),
        }
    }
}

impl Drop for NullHttp2Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            let is_well = joined.is_ok_and(|served| served.is_ok());
            assert!(is_well || std::thread::panicking());
        }
    }
}

async fn accept(listener: std::net::TcpListener, counters: Arc<Counters>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        counters.connections.fetch_add(1, Ordering::AcqRel);
        let counters = counters.clone();
        tokio::spawn(async move {
            // The client may disconnect at any time.
            serve(stream, &counters).await.ok();
        });
    }
}

async fn serve(mut stream: TcpStream, counters: &Counters) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface).await?;
    if preface != PREFACE {
        return Ok(());
    }
    let mut out = Vec::new();
    frame(&mut out, SETTINGS, 0, 0, &[]);
    let mut bytes = vec![0; 4 * FRAME_BYTES_MAX];
    let mut filled = 0;
    loop {
        stream.write_all(&out).await?;
        out.clear();
        let read = stream.read(&mut bytes[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let mut begin = 0;
        let mut requests = 0;
        while let Some(length) = frame_at(&bytes[begin..filled])? {
            requests += respond(&bytes[begin..begin + length], &mut out);
            begin += length;
        }
        bytes.copy_within(begin..filled, 0);
        filled -= begin;
        counters.requests.fetch_add(requests, Ordering::AcqRel);
    }
}

/// Size of the first frame, if it is complete.
fn frame_at(bytes: &[u8]) -> io::Result<Option<usize>> {
    let [a, b, c, ..] = *bytes else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([0, a, b, c]) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((bytes.len() >= HEAD_BYTES + length).then_some(HEAD_BYTES + length))
}

/// Responds to a frame. Returns the number of requests that ended with it.
fn respond(bytes: &[u8], out: &mut Vec<u8>) -> u64 {
    let (head, payload) = bytes.split_at(HEAD_BYTES);
    let (kind, flags) = (head[3], head[4]);
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    let is_last = flags & END_STREAM_OR_ACK != 0;
    match kind {
        SETTINGS if !is_last => frame(out, SETTINGS, END_STREAM_OR_ACK, 0, &[]),
        PING if !is_last => frame(out, PING, END_STREAM_OR_ACK, 0, payload),
        DATA if !payload.is_empty() => {
            // At most the size of a frame.
            let room = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
            frame(out, WINDOW_UPDATE, 0, 0, &room);
            if !is_last {
                frame(out, WINDOW_UPDATE, 0, stream, &room);
            }
        }
        _ => {}
    }
    if !matches!(kind, DATA | HEADERS) || !is_last {
        return 0;
    }
    frame(out, HEADERS, END_HEADERS, stream, FIELDS);
    frame(out, DATA, END_STREAM_OR_ACK, stream, BODY);
    1
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    // The frames of this server are short.
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_counted_with_its_last_frame() {
        let mut bytes = Vec::new();
        frame(
            &mut bytes,
            HEADERS,
            END_HEADERS | END_STREAM_OR_ACK,
            1,
            b"x",
        );
        let mut out = Vec::new();
        assert_eq!(frame_at(&bytes[..9]).unwrap(), None);
        assert_eq!(frame_at(&bytes).unwrap(), Some(10));
        assert_eq!(respond(&bytes, &mut out), 1);
        assert_eq!(out.len(), 2 * HEAD_BYTES + FIELDS.len() + BODY.len());
        out.clear();
        bytes[4] = END_HEADERS;
        assert_eq!(respond(&bytes, &mut out), 0);
        assert!(out.is_empty());
        bytes.clear();
        frame(&mut bytes, DATA, END_STREAM_OR_ACK, 1, b"body");
        assert_eq!(respond(&bytes, &mut out), 1);
    }
}
