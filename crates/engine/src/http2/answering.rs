//! Answering: takes the answer to one request as it comes on its stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use h2::RecvStream;
use h2::client::ResponseFuture;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, LOCATION, SET_COOKIE};
use http::response::Parts;

use crate::http1::{Answer, BadHttp, FIELDS_MAX, HEAD_BYTES_MAX, KeepFields, is_redirect};
use crate::wanted::Wanted;

/// What was read of a body is given back to the flow control at least each so many bytes.
const RELEASE_BYTES: usize = 64 << 10;

/// What breaks an answer off.
pub(super) enum Broken {
    /// The stream or the connection ended.
    Ended(h2::Error),
    /// It is not what brunt takes.
    Bad(BadHttp),
}

pub(super) struct Answering {
    at: At,
    wanted: Wanted,
    answer: Answer,
    /// Bytes that were read and not given back.
    unreleased: usize,
}

enum At {
    Head(ResponseFuture),
    Body(RecvStream),
}

impl Answering {
    pub(super) fn new(response: ResponseFuture, mut wanted: Wanted) -> Self {
        let content = std::mem::take(&mut wanted.content);
        let answer = Answer {
            status: 0,
            keep_alive: true,
            location: None,
            encoding: Vec::new(),
            fields: Vec::new(),
            content,
        };
        Self {
            at: At::Head(response),
            wanted,
            answer,
            unreleased: 0,
        }
    }

    /// Takes what there is; ready where the answer is whole.
    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            match &mut self.at {
                At::Head(response) => {
                    let response = ready!(Pin::new(response).poll(cx)).map_err(Broken::Ended)?;
                    let (head, body) = response.into_parts();
                    let is_whole = body.is_end_stream();
                    self.take_head(&head, is_whole).map_err(Broken::Bad)?;
                    if is_whole {
                        return Poll::Ready(Ok(()));
                    }
                    self.at = At::Body(body);
                }
                At::Body(body) => match ready!(body.poll_data(cx)) {
                    None => return Poll::Ready(Ok(())),
                    Some(Err(error)) => return Poll::Ready(Err(Broken::Ended(error))),
                    Some(Ok(bytes)) => {
                        self.answer.content.take(&bytes).map_err(Broken::Bad)?;
                        self.unreleased += bytes.len();
                        // What is left at the end is given back with the stream.
                        if self.unreleased >= RELEASE_BYTES {
                            let released = body.flow_control().release_capacity(self.unreleased);
                            released.map_err(Broken::Ended)?;
                            self.unreleased = 0;
                        }
                    }
                },
            }
        }
    }

    fn take_head(&mut self, head: &Parts, is_whole: bool) -> Result<(), BadHttp> {
        let fields = &head.headers;
        if fields.len() > FIELDS_MAX {
            return Err(BadHttp::TooManyFields);
        }
        // As long as it would be with HTTP/1.1.
        let lengths = fields
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4);
        if lengths.sum::<usize>() > HEAD_BYTES_MAX {
            return Err(BadHttp::HeadTooLong);
        }
        let status = head.status.as_u16();
        let answer = &mut self.answer;
        answer.status = status;
        answer.content.keep((self.wanted.keeps)(status));
        if !is_whole && !self.wanted.to_head
            && let Some(length) = fields.get(CONTENT_LENGTH)
            // What is no number is refused by `h2`.
            && let Some(length) = length.to_str().ok().and_then(|length| length.parse().ok())
        {
            answer.content.expect(length)?;
        }
        if let Some(encoding) = fields.get(CONTENT_ENCODING) {
            answer.encoding = encoding.as_bytes().to_vec();
        }
        if is_redirect(status) {
            let location = fields.get(LOCATION);
            answer.location = location.map(|location| location.as_bytes().to_vec());
        }
        answer.fields = kept(fields, self.wanted.fields);
        Ok(())
    }

    /// The answer, which is whole.
    pub(super) fn into_answer(self) -> Answer {
        self.answer
    }
}

/// The fields that are kept, as lines of HTTP/1.1.
fn kept(fields: &HeaderMap, keeps: KeepFields) -> Vec<u8> {
    let mut lines = Vec::new();
    if keeps == KeepFields::Nothing {
        return lines;
    }
    for (name, value) in fields {
        if keeps == KeepFields::All || name == SET_COOKIE {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(value.as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
    }
    lines
}
