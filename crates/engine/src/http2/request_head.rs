//! Heads of requests: from the bytes of HTTP/1.1, as plans have them, to what `h2` sends (RFC 9113, section 8.2
//! and 8.3). What is the same as the last time is not read again.

use bytes::Bytes;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use record::{FailureKind, NameId};

use crate::fault::Fault;

/// The last head of each name.
#[derive(Default)]
pub(crate) struct RequestHeads(Vec<Option<Known>>);

struct Known {
    is_tls: bool,
    /// Its bytes, and where its first line ends.
    bytes: Vec<u8>,
    line_bytes: usize,
    request: Request<()>,
}

impl RequestHeads {
    /// The request whose head has these bytes.
    #[inline]
    pub(super) fn request(
        &mut self,
        name: NameId,
        head: &[u8],
        is_tls: bool,
    ) -> Result<Request<()>, Fault> {
        if self.0.len() <= name.index() {
            self.0.resize_with(name.index() + 1, || None);
        }
        let known = &mut self.0[name.index()];
        if let Some(known) = known.as_mut().filter(|known| known.is_tls == is_tls)
            && let Some(request) = known.request(head)
        {
            return request;
        }
        let fresh = Known::read(head, is_tls)?;
        let request = fresh.request.clone();
        *known = Some(fresh);
        Ok(request)
    }
}

impl Known {
    /// The request with these bytes, where its fields are those that are known.
    fn request(&mut self, head: &[u8]) -> Option<Result<Request<()>, Fault>> {
        let line_bytes = line_of(head).len();
        if self.bytes[self.line_bytes..] != head[line_bytes..] {
            return None;
        }
        let line = &head[..line_bytes];
        if self.bytes[..self.line_bytes] != *line {
            let (method, path) = match read_line(line) {
                Ok(read) => read,
                Err(fault) => return Some(Err(fault)),
            };
            let mut parts = Parts::default();
            parts.scheme = self.request.uri().scheme().cloned();
            parts.authority = self.request.uri().authority().cloned();
            parts.path_and_query = Some(path);
            let uri = match Uri::from_parts(parts) {
                Ok(uri) => uri,
                Err(error) => return Some(Err(unsendable("the URL", &error))),
            };
            *self.request.method_mut() = method;
            *self.request.uri_mut() = uri;
            self.bytes.splice(..self.line_bytes, line.iter().copied());
            self.line_bytes = line_bytes;
        }
        Some(Ok(self.request.clone()))
    }

    fn read(head: &[u8], is_tls: bool) -> Result<Self, Fault> {
        let line = line_of(head);
        let (method, path) = read_line(line)?;
        let mut parts = Parts::default();
        parts.path_and_query = Some(path);
        parts.scheme = Some(if is_tls { Scheme::HTTPS } else { Scheme::HTTP });
        let mut fields = HeaderMap::new();
        for line in lines_of(&head[line.len()..]) {
            let colon = memchr::memchr(b':', line).unwrap_or(line.len());
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            if name.eq_ignore_ascii_case(b"host") {
                let authority = Authority::try_from(value);
                parts.authority = Some(authority.map_err(|error| unsendable("the host", &error))?);
            } else if !is_of_connection(name, value) {
                let (name, value) = read_field(name, value)?;
                fields.append(name, value);
            }
        }
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() =
            Uri::from_parts(parts).map_err(|error| unsendable("the URL", &error))?;
        *request.headers_mut() = fields;
        Ok(Self {
            is_tls,
            bytes: head.to_vec(),
            line_bytes: line.len(),
            request,
        })
    }
}

/// The first line, without what ends it.
fn line_of(head: &[u8]) -> &[u8] {
    &head[..memchr::memchr(b'\r', head).unwrap_or(head.len())]
}

/// The lines that are not empty.
fn lines_of(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(|line| !line.is_empty())
}

fn read_line(line: &[u8]) -> Result<(Method, PathAndQuery), Fault> {
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default();
    let path = rest.strip_suffix(b" HTTP/1.1").unwrap_or(rest);
    let method = Method::from_bytes(method).map_err(|error| unsendable("the method", &error))?;
    let path = PathAndQuery::from_maybe_shared(Bytes::copy_from_slice(path));
    Ok((
        method,
        path.map_err(|error| unsendable("the path", &error))?,
    ))
}

fn read_field(name: &[u8], value: &[u8]) -> Result<(HeaderName, HeaderValue), Fault> {
    let shown = || format!("the header `{}`", String::from_utf8_lossy(name));
    let name = HeaderName::from_bytes(name).map_err(|error| unsendable(&shown(), &error))?;
    let value = HeaderValue::from_bytes(value).map_err(|error| unsendable(&shown(), &error))?;
    Ok((name, value))
}

/// Whether a field speaks of a connection of HTTP/1.1, or asks before a body is sent.
fn is_of_connection(name: &[u8], value: &[u8]) -> bool {
    const NAMES: [&[u8]; 6] = [
        b"connection",
        b"expect",
        b"keep-alive",
        b"proxy-connection",
        b"transfer-encoding",
        b"upgrade",
    ];
    let is = |known: &&[u8]| name.eq_ignore_ascii_case(known);
    let is_other_te = name.eq_ignore_ascii_case(b"te") && value != b"trailers";
    NAMES.iter().any(is) || is_other_te
}

/// What a scenario wrote is not fit to be sent.
fn unsendable(what: &str, error: &dyn std::error::Error) -> Fault {
    Fault::new(
        FailureKind::Check,
        format!("{what} cannot be sent by HTTP/2: {error}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: h:8080\r\nUser-Agent: brunt\r\nX-Two: 1\r\n\
                       x-two: 2\r\nConnection: close\r\nTE: gzip\r\nExpect: 100-continue\r\n\r\n";

    fn told(request: &Request<()>) -> (String, Vec<(String, String)>) {
        let fields = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        (
            format!("{} {}", request.method(), request.uri()),
            fields.collect(),
        )
    }

    #[test]
    fn a_head_loses_what_is_of_a_connection() {
        let mut heads = RequestHeads::default();
        let request = heads.request(NameId(1), GET.as_bytes(), false).unwrap();
        let (line, fields) = told(&request);
        assert_eq!(line, "GET http://h:8080/a?b=c");
        let pairs = [("user-agent", "brunt"), ("x-two", "1"), ("x-two", "2")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(fields, pairs);
    }

    #[test]
    fn what_is_known_is_not_taken_for_what_is_new() {
        let mut heads = RequestHeads::default();
        let posts = GET.replace("GET /a", "POST /longer/path");
        let others = GET.replace("brunt", "other");
        for head in [GET, GET, &posts, GET, &others, &posts] {
            for is_tls in [false, true] {
                let found = heads.request(NameId(0), head.as_bytes(), is_tls).unwrap();
                let fresh = RequestHeads::default().request(NameId(0), head.as_bytes(), is_tls);
                assert_eq!(told(&found), told(&fresh.unwrap()));
            }
        }
    }

    #[test]
    fn what_cannot_be_sent_says_what_it_is() {
        let mut heads = RequestHeads::default();
        for (head, part) in [
            ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "the path"),
            ("GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n", "`A`"),
            ("GET / HTTP/1.1\r\nHost: h\r\nA b: 1\r\n\r\n", "`A b`"),
        ] {
            let fault = heads
                .request(NameId(0), head.as_bytes(), false)
                .unwrap_err();
            assert!(fault.text.contains(part), "{}", fault.text);
        }
    }
}
