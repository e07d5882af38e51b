//! An outgoing request: its bytes, with files inserted.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use brunt_record::FailureKind;
use brunt_scenario::{HeaderTemplate, RenderedRequest};

use super::request_context::RequestTimings;
use crate::net::error::RequestError;
use crate::net::stream::Stream;

/// Number of bytes read from a file at a time.
const PIECE_BYTES: usize = 64 << 10;

/// A file that is sent as a body or as a part of one.
#[derive(Debug)]
pub(crate) struct Upload {
    file: File,
    pub(crate) bytes: u64,
}

impl Upload {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { file, bytes })
    }
}

pub(crate) struct OutgoingRequest<'a> {
    rendered: &'a RenderedRequest,
    /// Template from which its header lines were rendered.
    template: &'a HeaderTemplate,
    /// Number of bytes that the kernel has accepted.
    pub(crate) sent: Cell<usize>,
    uploads: &'a [Rc<Upload>],
    /// Number of uploads that were sent completely.
    uploaded: usize,
    /// The last piece read from the file, its offset, and the number of its bytes that were sent.
    piece: Vec<u8>,
    piece_at: u64,
    piece_sent: usize,
}

impl<'a> OutgoingRequest<'a> {
    #[inline]
    pub(crate) fn new(
        rendered: &'a RenderedRequest,
        template: &'a HeaderTemplate,
        uploads: &'a [Rc<Upload>],
    ) -> Self {
        Self {
            rendered,
            template,
            sent: Cell::new(0),
            uploads,
            uploaded: 0,
            piece: Vec::new(),
            piece_at: 0,
            piece_sent: 0,
        }
    }

    /// The complete request, if it can be sent at once.
    #[inline]
    pub(crate) fn as_one(&self) -> Option<&'a [u8]> {
        (self.rendered.cuts().is_empty() && !self.expects_continue())
            .then_some(self.rendered.bytes())
    }

    /// Whether its body is sent only after 100 (Continue).
    #[inline]
    pub(crate) fn expects_continue(&self) -> bool {
        self.rendered.expects_continue()
    }

    /// The rendered request.
    pub(crate) fn rendered(&self) -> &'a RenderedRequest {
        self.rendered
    }

    /// Template from which its header lines were rendered.
    pub(crate) fn template(&self) -> &'a HeaderTemplate {
        self.template
    }

    /// Size of the complete request, in bytes.
    #[inline]
    pub(crate) fn request_bytes(&self) -> u64 {
        self.rendered.head_bytes() as u64 + self.body_bytes()
    }

    /// Size of the body, in bytes.
    #[inline]
    pub(crate) fn body_bytes(&self) -> u64 {
        let files: u64 = self.uploads.iter().map(|upload| upload.bytes).sum();
        (self.rendered.bytes().len() - self.rendered.head_bytes()) as u64 + files
    }

    /// The complete body, if it contains no files.
    pub(crate) fn body_as_one(&self) -> Option<&'a [u8]> {
        self.rendered
            .cuts()
            .is_empty()
            .then(|| self.rendered.body())
    }

    /// Takes the next bytes of the body, at most `at_most`; empty at the end.
    pub(crate) fn take(&mut self, at_most: usize) -> Result<&[u8], RequestError> {
        let from = self.sent.get().max(self.rendered.head_bytes());
        let cut = self
            .rendered
            .cuts()
            .iter()
            .zip(self.uploads)
            .nth(self.uploaded);
        let up_to = cut.map_or(self.rendered.bytes().len(), |(cut, _)| *cut);
        let Some((_, upload)) = cut.filter(|_| from == up_to) else {
            let up_to = up_to.min(from + at_most);
            self.sent.set(up_to);
            return Ok(&self.rendered.bytes()[from..up_to]);
        };
        let left = upload.bytes - self.piece_at;
        let next = usize::try_from(left).map_or(at_most, |left| left.min(at_most));
        self.read_piece(upload, next)?;
        self.piece_at += next as u64;
        if self.piece_at == upload.bytes {
            self.uploaded += 1;
            self.piece_at = 0;
        }
        Ok(&self.piece)
    }

    pub(crate) fn poll_send_head(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        timings: &mut RequestTimings,
    ) -> Poll<Result<(), RequestError>> {
        self.poll_send_bytes(cx, stream, timings, self.rendered.head_bytes())
    }

    /// Sends everything after the headers.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        timings: &mut RequestTimings,
    ) -> Poll<Result<(), RequestError>> {
        while let Some((cut, upload)) = self
            .rendered
            .cuts()
            .iter()
            .zip(self.uploads)
            .nth(self.uploaded)
        {
            ready!(self.poll_send_bytes(cx, stream, timings, *cut))?;
            ready!(self.poll_send_file(cx, stream, timings, upload))?;
            self.uploaded += 1;
            (self.piece_at, self.piece_sent) = (0, 0);
            self.piece.clear();
        }
        self.poll_send_bytes(cx, stream, timings, self.rendered.bytes().len())
    }

    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        timings: &mut RequestTimings,
        upload: &Upload,
    ) -> Poll<Result<(), RequestError>> {
        loop {
            let before = self.piece_sent;
            let sending = stream.poll_send(cx, &self.piece, &mut self.piece_sent);
            timings.bytes_sent += (self.piece_sent - before) as u64;
            ready!(sending).map_err(|error| RequestError::from_io(&error))?;
            self.piece_at += self.piece.len() as u64;
            let left = upload.bytes - self.piece_at;
            if left == 0 {
                return Poll::Ready(Ok(()));
            }
            let next = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            self.read_piece(upload, next)?;
        }
    }

    fn read_piece(&mut self, upload: &Upload, bytes: usize) -> Result<(), RequestError> {
        self.piece.resize(bytes, 0);
        self.piece_sent = 0;
        let read = upload.file.read_exact_at(&mut self.piece, self.piece_at);
        read.map_err(|error| {
            let text = format!("cannot read the file of the request body: {error}");
            RequestError::new(FailureKind::UnreadableFile, text)
        })
    }

    fn poll_send_bytes(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        timings: &mut RequestTimings,
        up_to: usize,
    ) -> Poll<Result<(), RequestError>> {
        let before = self.sent.get();
        let mut sent = before;
        let sending = stream.poll_send(cx, &self.rendered.bytes()[..up_to], &mut sent);
        self.sent.set(sent);
        timings.bytes_sent += (sent - before) as u64;
        sending.map_err(|error| RequestError::from_io(&error))
    }
}
