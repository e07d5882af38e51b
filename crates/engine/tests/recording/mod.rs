//! A server that records requests byte by byte and responds with any bytes.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

type Respond = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// A server with a thread per connection.
pub(crate) struct RecordingServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RecordingServer {
    /// Starts a server. `respond` returns the bytes of the response to a request.
    pub(crate) fn start(respond: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let is_stopped: Arc<AtomicBool> = Arc::default();
        let respond: Arc<Respond> = Arc::new(respond);
        let (recorded, stopped) = (requests.clone(), is_stopped.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                let (recorded, respond) = (recorded.clone(), respond.clone());
                // It ends with its client, which disconnects before the test ends.
                std::thread::spawn(move || serve(&stream.unwrap(), &recorded, &*respond));
            }
        });
        Self {
            address,
            requests,
            is_stopped,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes the requests received so far, complete with their bodies.
    pub(crate) fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

impl Drop for RecordingServer {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Release);
        // Wakes the listener.
        TcpStream::connect(self.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn serve(stream: &TcpStream, recorded: &Mutex<Vec<Vec<u8>>>, respond: &Respond) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let response = respond(&request);
        recorded.lock().unwrap().push(request);
        if (&*stream).write_all(&response).is_err() {
            return;
        }
    }
}

/// Reads a request; `None` at the end of the connection.
fn read_request(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut request).ok()? == 0 {
            return None;
        }
    }
    let length = field(&request, "content-length").map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.extend_from_slice(&body);
    Some(request)
}

/// The header lines of a request or response, without the first line.
pub(crate) fn header_lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = message.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.skip(1).take_while(|line| !line.is_empty())
}

/// The first value of a header field, as text.
pub(crate) fn field(message: &[u8], wanted: &str) -> Option<String> {
    header_lines(message).find_map(|line| {
        let line = String::from_utf8_lossy(line);
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case(wanted);
        is_it.then(|| value.trim().to_owned())
    })
}

/// The second word of a request line.
pub(crate) fn target(request: &[u8]) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap();
    let line = String::from_utf8(line.to_vec()).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!((words.len(), words[2]), (3, "HTTP/1.1"), "{line}");
    words[1].to_owned()
}

/// A response with these header lines and a body.
pub(crate) fn response(status: u16, lines: &[&[u8]], body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len()).into_bytes();
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
