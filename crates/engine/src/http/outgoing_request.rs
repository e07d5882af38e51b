//! A request on its way out: its bytes, with files inserted.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use brunt_record::FailureKind;

use super::request_context::RequestTimings;
use crate::net::error::RequestError;
use crate::net::stream::Stream;

/// Number of bytes of a file that are read at once.
const PIECE_BYTES: usize = 64 << 10;

const EXPECT_CONTINUE: &[u8] = b"\r\nExpect: 100-continue\r\n";

/// Whether the headers of a request ask the server before the body is sent.
pub(crate) fn expects_continue(head: &[u8]) -> bool {
    memchr::memmem::find(head, EXPECT_CONTINUE).is_some()
}

/// A file that is sent as a body.
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
    bytes: &'a [u8],
    head_bytes: usize,
    /// Number of bytes that the kernel has taken.
    pub(crate) sent: Cell<usize>,
    /// The files, each with its index in the bytes.
    uploads: &'a [Rc<Upload>],
    cuts: &'a [usize],
    /// Number of them that were sent.
    uploaded: usize,
    /// The part of the file that was read last, its offset, and the number of its bytes that were taken.
    piece: Vec<u8>,
    piece_at: u64,
    piece_sent: usize,
}

impl<'a> OutgoingRequest<'a> {
    /// A request whose headers are the first `head_bytes` of its bytes.
    #[inline]
    pub(crate) fn new(
        bytes: &'a [u8],
        head_bytes: usize,
        uploads: &'a [Rc<Upload>],
        cuts: &'a [usize],
    ) -> Self {
        Self {
            bytes,
            head_bytes,
            sent: Cell::new(0),
            uploads,
            cuts,
            uploaded: 0,
            piece: Vec::new(),
            piece_at: 0,
            piece_sent: 0,
        }
    }

    /// All of its bytes, if they are sent at once.
    #[inline]
    pub(crate) fn as_one(&self) -> Option<&'a [u8]> {
        (self.cuts.is_empty() && !self.expects_continue()).then_some(self.bytes)
    }

    /// Whether its large body is sent after 100 (Continue).
    #[inline]
    pub(crate) fn expects_continue(&self) -> bool {
        let is_large = !self.cuts.is_empty() || self.bytes.len() > PIECE_BYTES;
        is_large && expects_continue(&self.bytes[..self.head_bytes])
    }

    /// Its headers.
    pub(crate) fn head(&self) -> &'a [u8] {
        &self.bytes[..self.head_bytes]
    }

    /// The size of all of it.
    #[inline]
    pub(crate) fn request_bytes(&self) -> u64 {
        self.head_bytes as u64 + self.body_bytes()
    }

    /// The size of its body.
    #[inline]
    pub(crate) fn body_bytes(&self) -> u64 {
        let files: u64 = self.uploads.iter().map(|upload| upload.bytes).sum();
        (self.bytes.len() - self.head_bytes) as u64 + files
    }

    /// Its complete body, if it has no files.
    pub(crate) fn body_as_one(&self) -> Option<&'a [u8]> {
        self.cuts.is_empty().then(|| &self.bytes[self.head_bytes..])
    }

    /// Takes the next bytes of the body, at most a number of them; none at its end.
    pub(crate) fn take(&mut self, at_most: usize) -> Result<&[u8], RequestError> {
        let from = self.sent.get().max(self.head_bytes);
        let cut = self.cuts.iter().zip(self.uploads).nth(self.uploaded);
        let up_to = cut.map_or(self.bytes.len(), |(cut, _)| *cut);
        let Some((_, upload)) = cut.filter(|_| from == up_to) else {
            let up_to = up_to.min(from + at_most);
            self.sent.set(up_to);
            return Ok(&self.bytes[from..up_to]);
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
        self.poll_send_bytes(cx, stream, timings, self.head_bytes)
    }

    /// Sends the rest.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        timings: &mut RequestTimings,
    ) -> Poll<Result<(), RequestError>> {
        while let Some((cut, upload)) = self.cuts.iter().zip(self.uploads).nth(self.uploaded) {
            ready!(self.poll_send_bytes(cx, stream, timings, *cut))?;
            ready!(self.poll_send_file(cx, stream, timings, upload))?;
            self.uploaded += 1;
            (self.piece_at, self.piece_sent) = (0, 0);
            self.piece.clear();
        }
        self.poll_send_bytes(cx, stream, timings, self.bytes.len())
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
            let text = format!("the body's file cannot be read: {error}");
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
        let sending = stream.poll_send(cx, &self.bytes[..up_to], &mut sent);
        self.sent.set(sent);
        timings.bytes_sent += (sent - before) as u64;
        sending.map_err(|error| RequestError::from_io(&error))
    }
}
