//! The response reader: parses one response incrementally.

use super::chunked::Chunked;
use super::head::{self, Framing};
use crate::http::response::{HEAD_BYTES_MAX, INTERIM_MAX};
use crate::http::{
    BodyCapture, HeaderCapture, ProtocolError, Response, ResponseBody, ResponseVersion, prefix_of,
};

/// Parses one response.
#[derive(Debug)]
pub struct Reader {
    to_head: bool,
    head_bytes: Vec<u8>,
    interim: u8,
    continues: bool,
    body: Option<Body>,
    response: Response,
    keeps: fn(u16) -> BodyCapture,
    keeps_fields: HeaderCapture,
}

#[derive(Debug)]
enum Body {
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

impl Reader {
    /// Creates a reader; `to_head`: for the response to a HEAD request. `keeps` returns the body capture for a status.
    pub fn new(to_head: bool, keeps: fn(u16) -> BodyCapture, content: ResponseBody) -> Self {
        let response = Response {
            status: 0,
            version: ResponseVersion::Http11,
            keep_alive: false,
            location: None,
            encoding: Vec::new(),
            charset: None,
            fields: Vec::new(),
            content,
        };
        Self {
            to_head,
            head_bytes: Vec::new(),
            interim: 0,
            continues: false,
            body: None,
            response,
            keeps,
            keeps_fields: HeaderCapture::Nothing,
        }
    }

    /// Also keeps header fields.
    #[must_use]
    pub fn with_fields(mut self, keeps: HeaderCapture) -> Self {
        self.keeps_fields = keeps;
        self
    }

    /// Consumes bytes. Returns the number of bytes that belong to this response if it is complete now.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
        let mut taken = 0;
        while self.body.is_none() {
            let fresh = &bytes[taken..];
            if self.head_bytes.is_empty() {
                match head::parse(fresh, self.to_head, self.keeps_fields)? {
                    Some((head, length)) => {
                        taken += length;
                        self.take_head(head)?;
                    }
                    None => return self.keep_part_of_head(fresh),
                }
            } else {
                let before = self.head_bytes.len();
                let room = (HEAD_BYTES_MAX + 1).saturating_sub(before).min(fresh.len());
                self.head_bytes.extend_from_slice(&fresh[..room]);
                match head::parse(&self.head_bytes, self.to_head, self.keeps_fields)? {
                    Some((head, length)) => {
                        taken += length - before;
                        self.head_bytes.clear();
                        self.take_head(head)?;
                    }
                    None if self.head_bytes.len() > HEAD_BYTES_MAX => {
                        return Err(ProtocolError::HeadTooLong);
                    }
                    None => return Ok(None),
                }
            }
        }
        let (body_bytes, whole) = self.feed_body(&bytes[taken..])?;
        Ok(whole.then_some(taken + body_bytes))
    }

    fn keep_part_of_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, ProtocolError> {
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(ProtocolError::HeadTooLong);
        }
        self.head_bytes.extend_from_slice(bytes);
        Ok(None)
    }

    fn take_head(&mut self, head: head::Head) -> Result<(), ProtocolError> {
        match head.status {
            101 => return Err(ProtocolError::Upgrade),
            100..=199 if self.interim == INTERIM_MAX => return Err(ProtocolError::TooManyInterim),
            100..=199 => {
                self.interim += 1;
                self.continues |= head.status == 100;
                return Ok(());
            }
            _ => {}
        }
        self.response.status = head.status;
        self.response.version = head.version;
        self.response.keep_alive = head.keep_alive;
        self.response.location = head.location;
        self.response.encoding = head.encoding;
        self.response.charset = head.charset;
        self.response.fields = head.fields;
        self.response.content.keep((self.keeps)(head.status));
        self.body = Some(match head.framing {
            Framing::Length(length) => {
                self.response.content.expect(length)?;
                Body::Length(length)
            }
            Framing::Chunked => Body::Chunked(Chunked::new()),
            Framing::UntilClose => Body::UntilClose,
        });
        Ok(())
    }

    /// Returns the number of bytes consumed, and whether the body is complete.
    fn feed_body(&mut self, bytes: &[u8]) -> Result<(usize, bool), ProtocolError> {
        let content = &mut self.response.content;
        match &mut self.body {
            Some(Body::Length(left)) => {
                let part = prefix_of(bytes, *left);
                *left -= part.len() as u64;
                content.take(part)?;
                Ok((part.len(), *left == 0))
            }
            Some(Body::Chunked(chunked)) => chunked.feed(bytes, content),
            Some(Body::UntilClose) => {
                content.take(bytes)?;
                Ok((bytes.len(), false))
            }
            None => Ok((0, false)),
        }
    }

    /// Whether the server has sent 100 (Continue).
    pub fn continues(&self) -> bool {
        self.continues
    }

    /// Whether the headers are complete.
    pub fn has_head(&self) -> bool {
        self.body.is_some()
    }

    /// Whether the end of the connection completes the response.
    pub fn ends_with_connection(&self) -> bool {
        matches!(self.body, Some(Body::UntilClose))
    }

    /// Returns the response. It is complete once [`Reader::feed`] has reported so, or once the connection has ended and
    /// [`Reader::ends_with_connection`] holds.
    pub fn into_response(self) -> Response {
        self.response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds bytes in pieces of one size. Returns the response, and the number of bytes that belong to it.
    fn read(
        bytes: &[u8],
        piece: usize,
        to_head: bool,
    ) -> Result<Option<(Response, usize)>, ProtocolError> {
        let mut reader = Reader::new(to_head, |_| BodyCapture::Nothing, ResponseBody::default());
        let mut fed = 0;
        for part in bytes.chunks(piece) {
            if let Some(taken) = reader.feed(part)? {
                return Ok(Some((reader.into_response(), fed + taken)));
            }
            fed += part.len();
        }
        let whole = reader.ends_with_connection();
        Ok(whole.then(|| (reader.into_response(), fed)))
    }

    /// Bytes, whether the request was HEAD, and (status, content, keep-alive, bytes left over).
    type Case = (&'static str, bool, (u16, u64, bool, usize));

    const WHOLE: &[Case] = &[
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            false,
            (200, 5, true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            false,
            (200, 0, true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nhiHTTP",
            false,
            (200, 2, true, 4),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            true,
            (200, 0, true, 0),
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", false, (204, 0, true, 0)),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            false,
            (304, 0, true, 0),
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            false,
            (200, 1, true, 0),
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            false,
            (204, 0, true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            false,
            (200, 5, true, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n5;x=\"1\"\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\nT2: u\r\n\r\nrest",
            false,
            (200, 15, true, 4),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
            false,
            (200, 0, false, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\nuntil close",
            false,
            (200, 11, false, 0),
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\n1",
            false,
            (200, 1, false, 0),
        ),
        (
            "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1",
            false,
            (200, 1, false, 0),
        ),
        (
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1",
            false,
            (200, 1, true, 0),
        ),
    ];

    #[test]
    fn response_is_the_same_however_its_bytes_are_cut() {
        for (bytes, to_head, (status, content, keep_alive, left)) in WHOLE {
            for piece in 1..=bytes.len() {
                let found = read(bytes.as_bytes(), piece, *to_head).unwrap();
                let (response, taken) = found.unwrap_or_else(|| panic!("{bytes:?} by {piece}"));
                let found = (
                    response.status,
                    response.content.bytes,
                    response.keep_alive,
                    bytes.len() - taken,
                );
                assert_eq!(
                    found,
                    (*status, *content, *keep_alive, *left),
                    "{bytes:?} by {piece}"
                );
            }
        }
    }

    #[test]
    fn malformed_response_is_rejected_however_its_bytes_are_cut() {
        let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(70_000));
        let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(17);
        let cases = [
            ("220 mail ESMTP\r\n", "head"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "two different",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "not a number",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
                "not a number",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                "chunk",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab",
                "chunk",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
                "chunk",
            ),
            ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "switched"),
            (interim.as_str(), "interim"),
            (endless.as_str(), "64 KiB"),
        ];
        for (bytes, part) in cases {
            for piece in [1, 2, 3, 7, bytes.len()] {
                if piece == 1 && bytes.len() > 1_000 {
                    continue;
                }
                let error =
                    read(bytes.as_bytes(), piece.max(bytes.len() / 100), false).unwrap_err();
                assert!(error.to_string().contains(part), "{error} for {part}");
            }
        }
    }

    #[test]
    fn redirect_keeps_its_location() {
        let bytes =
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /health/\r\nContent-Length: 0\r\n\r\n";
        let (response, _) = read(bytes, bytes.len(), false).unwrap().unwrap();
        assert_eq!(response.location.as_deref(), Some(b"/health/".as_slice()));
    }
}
