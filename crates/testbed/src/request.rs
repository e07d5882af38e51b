//! A request as parsed by the server.

use std::net::SocketAddr;

/// A request with headers and body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Method, such as `GET`.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Minor version: 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub minor_version: u8,
    /// Names and values in order; names as sent, values without surrounding spaces.
    pub headers: Vec<(String, String)>,
    /// The body, without chunk framing.
    pub body: Vec<u8>,
    /// Address of the client; `None` if unknown.
    pub client: Option<SocketAddr>,
}

/// Framing of a request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Length(usize),
    Chunked,
}

impl Request {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// The first value of a header field; the name is case-insensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Whether the client expects no further response on this connection.
    pub(crate) fn is_last(&self) -> bool {
        let says = |word: &str| {
            self.values("connection")
                .flat_map(|value| value.split(','))
                .any(|value| value.trim().eq_ignore_ascii_case(word))
        };
        says("close") || (self.minor_version == 0 && !says("keep-alive"))
    }

    /// Whether the client waits for 100 (Continue) before it sends the body.
    pub(crate) fn waits_to_continue(&self) -> bool {
        self.header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Parses headers, from the request line to the last field, without the empty line. Errors name
    /// the violation of HTTP/1.1; the rules are strict, since the server tests clients.
    pub(crate) fn parse(head: &[u8]) -> Result<Self, &'static str> {
        let head = str::from_utf8(head).map_err(|_| "the head is not UTF-8")?;
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err("the request line is not three parts");
        };
        if !is_token(method) {
            return Err("the method is not a token");
        }
        if !target.starts_with('/') && target != "*" {
            return Err("the target does not start with a slash");
        }
        if target.contains(|c: char| !c.is_ascii_graphic()) || target.contains('#') {
            return Err("the target contains characters that must be escaped");
        }
        let minor_version = match version {
            "HTTP/1.1" => 1,
            "HTTP/1.0" => 0,
            _ => return Err("the version is neither HTTP/1.1 nor HTTP/1.0"),
        };
        // More than clients send: a list that grows fragments the heap.
        let mut headers = Vec::with_capacity(16);
        for line in lines {
            headers.push(header(line)?);
        }
        let request = Self {
            method: method.to_owned(),
            target: target.to_owned(),
            minor_version,
            headers,
            body: Vec::new(),
            client: None,
        };
        let hosts = request.values("host").count();
        if hosts > 1 || (hosts == 0 && minor_version == 1) {
            return Err("the number of Host headers is not one");
        }
        Ok(request)
    }

    /// The framing of the body.
    pub(crate) fn framing(&self) -> Result<Body, &'static str> {
        let mut lengths = self.values("content-length");
        let mut encodings = self.values("transfer-encoding");
        match (
            lengths.next(),
            lengths.next(),
            encodings.next(),
            encodings.next(),
        ) {
            (None, None, None, None) => Ok(Body::Length(0)),
            (Some(length), None, None, None) => {
                if !length.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err("the content length is not a number");
                }
                length
                    .parse()
                    .map(Body::Length)
                    .map_err(|_| "the content length is not a number")
            }
            (None, None, Some(encoding), None) if encoding.eq_ignore_ascii_case("chunked") => {
                Ok(Body::Chunked)
            }
            _ => Err("the length is declared twice, or by an unknown encoding"),
        }
    }
}

fn header(line: &str) -> Result<(String, String), &'static str> {
    let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
    if !is_token(name) {
        return Err("a header's name is not a token");
    }
    let value = value.trim_matches([' ', '\t']);
    if value.contains(|c: char| c.is_ascii_control() && c != '\t') {
        return Err("a header's value contains a control character");
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_headers_are_rejected() {
        for (head, why) in [
            ("GET /", "the request line is not three parts"),
            ("GET / HTTP/1.1 ", "the request line is not three parts"),
            ("GET  / HTTP/1.1", "the request line is not three parts"),
            ("G@T / HTTP/1.1", "the method is not a token"),
            ("GET a HTTP/1.1", "the target does not start with a slash"),
            (
                "GET /é HTTP/1.1",
                "the target contains characters that must be escaped",
            ),
            (
                "GET /#a HTTP/1.1",
                "the target contains characters that must be escaped",
            ),
            (
                "GET / HTTP/2.0",
                "the version is neither HTTP/1.1 nor HTTP/1.0",
            ),
            ("GET / HTTP/1.1", "the number of Host headers is not one"),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nhost: a",
                "the number of Host headers is not one",
            ),
            ("GET / HTTP/1.1\r\nHost", "a header has no colon"),
            (
                "GET / HTTP/1.1\r\nHost : a",
                "a header's name is not a token",
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\nb",
                "a header's value contains a control character",
            ),
        ] {
            assert_eq!(Request::parse(head.as_bytes()), Err(why), "{head:?}");
        }
    }

    #[test]
    fn bodies_have_exactly_one_framing() {
        for (headers, body) in [
            ("", Ok(Body::Length(0))),
            ("Content-Length: 12", Ok(Body::Length(12))),
            ("Transfer-Encoding: Chunked", Ok(Body::Chunked)),
            (
                "Content-Length: +1",
                Err("the content length is not a number"),
            ),
            (
                "Content-Length: 1\r\nContent-Length: 1",
                Err("the length is declared twice, or by an unknown encoding"),
            ),
            (
                "Content-Length: 1\r\nTransfer-Encoding: chunked",
                Err("the length is declared twice, or by an unknown encoding"),
            ),
            (
                "Transfer-Encoding: gzip",
                Err("the length is declared twice, or by an unknown encoding"),
            ),
        ] {
            let mut head = "POST / HTTP/1.1\r\nHost: a".to_owned();
            if !headers.is_empty() {
                head = head + "\r\n" + headers;
            }
            let request = Request::parse(head.as_bytes()).unwrap();
            assert_eq!(request.framing(), body, "{headers:?}");
        }
    }
}
