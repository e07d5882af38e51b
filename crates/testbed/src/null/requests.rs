//! Incremental counting of the requests in a stream of bytes.

use memchr::{memchr_iter, memmem};

/// The fixed response.
pub(super) const RESPONSE: &[u8; 128] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: application/json\r\n\
    Content-Length: 57\r\n\
    \r\n\
    {\"status\":\"ok\",\"request_id\":\"7f3a9cd\",\"does\":[\"nothing\"]}";

/// Maximum size of the headers, in bytes.
const HEAD_MAX: usize = 64 << 10;

/// Parser state of one connection.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Headers that are not complete.
    partial: Vec<u8>,
    /// Remaining bytes of the body; `None` outside of bodies.
    body_left: Option<usize>,
}

impl Requests {
    /// Number of requests that end within these bytes. `None` if headers are too long or have an
    /// invalid length: nothing after them can be parsed.
    pub(super) fn complete_in(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.partial.is_empty() {
            return self.scan(bytes);
        }
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(bytes);
        self.scan(&whole)
    }

    fn scan(&mut self, mut bytes: &[u8]) -> Option<usize> {
        let mut complete = 0;
        loop {
            if let Some(left) = self.body_left {
                if left > bytes.len() {
                    self.body_left = Some(left - bytes.len());
                    return Some(complete);
                }
                bytes = &bytes[left..];
                self.body_left = None;
                complete += 1;
            }
            if bytes.is_empty() {
                return Some(complete);
            }
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                self.partial.extend_from_slice(bytes);
                return (bytes.len() <= HEAD_MAX).then_some(complete);
            };
            self.body_left = Some(content_length(&bytes[..end])?);
            bytes = &bytes[end + 4..];
        }
    }
}

/// The declared length: 0 without one, `None` if it is not a number.
fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    for line_end in memchr_iter(b'\n', head) {
        let line = &head[line_end + 1..];
        if line.len() >= NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            let value = line[NAME.len()..].split(|byte| *byte == b'\r').next()?;
            return str::from_utf8(value).ok()?.trim().parse().ok();
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const POST: &[u8] =
        b"POST /a HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 6\r\nA: b\r\n\r\n\r\n\r\nab";

    #[test]
    fn response_declares_its_length() {
        let end = memmem::find(RESPONSE, b"\r\n\r\n").unwrap();
        assert_eq!(
            content_length(&RESPONSE[..end]),
            Some(RESPONSE.len() - end - 4)
        );
    }

    #[test]
    fn requests_are_counted_however_they_are_split() {
        let bytes = [GET, POST, GET, GET, POST].concat();
        for first in 0..bytes.len() {
            for second in first..bytes.len() {
                let mut requests = Requests::default();
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let count: usize = parts
                    .iter()
                    .map(|part| requests.complete_in(part).unwrap())
                    .sum();
                assert_eq!(count, 5, "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn request_is_counted_with_its_last_byte() {
        let mut requests = Requests::default();
        let (last, first) = POST.split_last().unwrap();
        assert_eq!(requests.complete_in(first), Some(0));
        assert_eq!(requests.complete_in(&[*last]), Some(1));
    }

    #[test]
    fn unparsable_headers_end_the_connection() {
        let bad = b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n";
        assert_eq!(Requests::default().complete_in(bad), None);
        assert_eq!(
            Requests::default().complete_in(&vec![b'a'; HEAD_MAX + 1]),
            None
        );
    }
}
