//! A scripted response, and its bytes on the wire.

use std::time::Duration;

/// Framing of a response body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By a `Content-Length` header.
    ContentLength,
    /// By `Transfer-Encoding: chunked`.
    Chunked {
        /// Chunk sizes in bytes, repeated until the body is used up;
        /// empty for a single chunk.
        sizes: Vec<usize>,
        /// Extension after each chunk's size, with its semicolon (`;name=value`); may be empty.
        extension: String,
        /// Header fields after the last chunk.
        trailers: Vec<(String, String)>,
    },
    /// By the end of the connection, which the server closes after the body.
    UntilClose,
    /// None: no header declares a length, no body is sent, and the connection stays open. A client
    /// has to wait for the end of the connection, unless the status excludes a body.
    None,
}

/// A response and its timing. Bodies are omitted where HTTP requires it: for `HEAD`, 204
/// and 304 (which still declare the length, except 204), and 205 (whose length is 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    framing: Framing,
    informational: Vec<u8>,
    delay: Duration,
    close: bool,
    raw: bool,
}

/// The bytes of a response to one request.
pub(crate) struct Encoded {
    /// The interim responses (1xx), sent before the delay.
    pub(crate) informational: Vec<u8>,
    /// The final response, sent after the delay.
    pub(crate) last: Vec<u8>,
    /// Whether the server closes the connection after it.
    pub(crate) closes: bool,
}

impl Response {
    /// A response with this status (200 to 999) and an empty body with `Content-Length: 0`.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::ContentLength,
            informational: Vec::new(),
            delay: Duration::ZERO,
            close: false,
            raw: false,
        }
    }

    /// A response with status 200 and this body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200).body(body)
    }

    /// A redirect with this status and `Location`.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status).header("Location", location)
    }

    /// A response of exactly these bytes, valid or not, that is counted under this status.
    pub fn raw(status: u16, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            raw: true,
            ..Self::new(status).body(bytes)
        }
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the framing.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Sends the body in chunks of these sizes, without extensions and trailers; see [`Framing::Chunked`].
    #[must_use]
    pub fn chunked(self, sizes: &[usize]) -> Self {
        self.framing(Framing::Chunked {
            sizes: sizes.to_vec(),
            extension: String::new(),
            trailers: Vec::new(),
        })
    }

    /// Sends an interim response (100 to 199) first, before the delay.
    #[must_use]
    pub fn preceded_by(mut self, status: u16, headers: &[(&str, &str)]) -> Self {
        push_status_line(&mut self.informational, status);
        for (name, value) in headers {
            push_header(&mut self.informational, name, value);
        }
        self.informational.extend_from_slice(b"\r\n");
        self
    }

    /// Delays the response after the request was read.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds `Connection: close`, after which the server closes the connection.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn delay(&self) -> Duration {
        self.delay
    }

    /// Bytes of the response to a request with this method. `last`: announces that the
    /// connection is closed.
    pub(crate) fn encode(&self, method: &str, last: bool) -> Encoded {
        let closes = self.close || last;
        if self.raw {
            return Encoded {
                informational: self.informational.clone(),
                last: self.body.clone(),
                closes,
            };
        }
        let mut bytes = Vec::with_capacity(256 + self.body.len());
        push_status_line(&mut bytes, self.status);
        for (name, value) in &self.headers {
            push_header(&mut bytes, name, value);
        }
        if closes {
            push_header(&mut bytes, "Connection", "close");
        }
        self.push_framing(&mut bytes);
        bytes.extend_from_slice(b"\r\n");
        if method != "HEAD" && !matches!(self.status, 204 | 205 | 304) {
            self.push_body(&mut bytes);
        }
        Encoded {
            informational: self.informational.clone(),
            last: bytes,
            closes: closes || self.framing == Framing::UntilClose,
        }
    }

    fn push_framing(&self, bytes: &mut Vec<u8>) {
        let length = match self.status {
            204 => return,
            205 => 0,
            _ => self.body.len(),
        };
        match &self.framing {
            Framing::ContentLength => push_header(bytes, "Content-Length", &length.to_string()),
            Framing::Chunked { .. } if self.status == 205 => {
                push_header(bytes, "Content-Length", "0");
            }
            Framing::Chunked { trailers, .. } => {
                push_header(bytes, "Transfer-Encoding", "chunked");
                if !trailers.is_empty() {
                    let names: Vec<&str> = trailers.iter().map(|(name, _)| name.as_str()).collect();
                    push_header(bytes, "Trailer", &names.join(", "));
                }
            }
            Framing::UntilClose | Framing::None => {}
        }
    }

    fn push_body(&self, bytes: &mut Vec<u8>) {
        match &self.framing {
            Framing::ContentLength | Framing::UntilClose => bytes.extend_from_slice(&self.body),
            Framing::None => {}
            Framing::Chunked {
                sizes,
                extension,
                trailers,
            } => {
                let whole = [self.body.len()];
                let sizes = if sizes.is_empty() { &whole[..] } else { sizes };
                let mut rest = self.body.as_slice();
                for size in sizes.iter().cycle() {
                    if rest.is_empty() {
                        break;
                    }
                    // An empty chunk would end the body.
                    let (chunk, after) = rest.split_at((*size).clamp(1, rest.len()));
                    bytes.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                    rest = after;
                }
                bytes.extend_from_slice(format!("0{extension}\r\n").as_bytes());
                for (name, value) in trailers {
                    push_header(bytes, name, value);
                }
                bytes.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// Appends a header field without a string of its own: strings that grow fragment the heap, which would look like a
/// leak of the server.
fn push_header(bytes: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        bytes.extend_from_slice(part.as_bytes());
    }
}

fn push_status_line(bytes: &mut Vec<u8>, status: u16) {
    for part in [
        "HTTP/1.1 ",
        &status.to_string(),
        " ",
        reason(status),
        "\r\n",
    ] {
        bytes.extend_from_slice(part.as_bytes());
    }
}

/// Reason phrase; empty for most statuses, which HTTP allows and clients must accept.
fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        103 => "Early Hints",
        200 => "OK",
        204 => "No Content",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        404 => "Not Found",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    }
}
