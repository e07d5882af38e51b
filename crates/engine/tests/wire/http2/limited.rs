//! An HTTP/2 server that limits the requests of a connection, like `keepalive_requests` of nginx, frame by frame: the
//! moment at which a client reads its GOAWAY does not depend on the machine.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status` 200 in HPACK.
const STATUS: &[u8] = b"\x88";

/// Limits of a connection.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    /// Number of requests that it accepts.
    pub(crate) accepted: u32,
    /// Number of requests that it has received when it sends GOAWAY.
    pub(crate) received: u32,
}

/// A server whose connections have these limits, in the order in which they are accepted.
pub(crate) struct LimitedServer {
    address: SocketAddr,
    responses: Arc<AtomicU64>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl LimitedServer {
    pub(crate) fn start(limits: Vec<Limit>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let responses: Arc<AtomicU64> = Arc::default();
        let counted = responses.clone();
        let thread = std::thread::spawn(move || {
            for limit in limits {
                let (stream, _) = listener.accept()?;
                serve(stream, limit, &counted)?;
            }
            Ok(())
        });
        Self {
            address,
            responses,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until all connections are closed. Returns the number of responses.
    pub(crate) fn stop(mut self) -> u64 {
        self.thread.take().unwrap().join().unwrap().unwrap();
        self.responses.load(Ordering::Acquire)
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head, &stream.to_be_bytes()[..], payload].concat()
}

/// Receives requests, sends GOAWAY and the responses to the accepted ones, and then reads until the client disconnects,
/// as in the lingering close of nginx.
fn serve(mut stream: TcpStream, limit: Limit, responses: &AtomicU64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.read_exact(&mut [0; PREFACE_BYTES])?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
    let mut streams = Vec::new();
    while streams.len() < limit.received as usize {
        let mut head = [0; HEAD_BYTES];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload)?;
        match (head[3], head[4]) {
            (SETTINGS, flags) if flags & ACK == 0 => {
                stream.write_all(&frame(SETTINGS, ACK, 0, &[]))?;
            }
            (HEADERS, _) => {
                streams.push(u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
            }
            _ => {}
        }
    }
    let accepted = &streams[..limit.accepted as usize];
    let last = accepted.last().copied().unwrap_or(0);
    let no_error = 0u32;
    let goaway = [last.to_be_bytes(), no_error.to_be_bytes()].concat();
    let mut bytes = frame(GOAWAY, 0, 0, &goaway);
    for number in accepted {
        bytes.extend(frame(HEADERS, END_HEADERS | END_STREAM, *number, STATUS));
        responses.fetch_add(1, Ordering::AcqRel);
    }
    stream.write_all(&bytes)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    // The client may reset the connection.
    stream.read_to_end(&mut Vec::new()).ok();
    Ok(())
}
