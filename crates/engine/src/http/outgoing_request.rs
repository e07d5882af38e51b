//! The outbox: a request on its way out, as one piece of bytes or with files within.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use brunt_record::FailureKind;

use crate::http1;
use crate::http1::connection::Wire;
use crate::net::error::Fault;
use crate::net::stream::Stream;

/// How much of a file is read at once.
const PIECE_BYTES: usize = 64 << 10;

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

pub(crate) struct Outbox<'a> {
    bytes: &'a [u8],
    head_bytes: usize,
    /// Bytes that the kernel has taken.
    pub(crate) sent: Cell<usize>,
    /// The files within, each with its place in the bytes.
    uploads: &'a [Rc<Upload>],
    cuts: &'a [usize],
    /// How many of them were sent.
    uploaded: usize,
    /// What of the upload was read last, where it began, and how much of it was taken.
    piece: Vec<u8>,
    piece_at: u64,
    piece_sent: usize,
}

impl<'a> Outbox<'a> {
    /// A request whose head is the first `head_bytes` of its bytes.
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

    /// All of it, where that is one piece that is sent without asking first.
    #[inline]
    pub(crate) fn as_one(&self) -> Option<&'a [u8]> {
        (self.cuts.is_empty() && !self.expects_continue()).then_some(self.bytes)
    }

    /// Whether the server is asked before the body is sent. Only large bodies are.
    #[inline]
    pub(crate) fn expects_continue(&self) -> bool {
        let is_large = !self.cuts.is_empty() || self.bytes.len() > PIECE_BYTES;
        is_large && http1::asks_first(&self.bytes[..self.head_bytes])
    }

    /// Its head.
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

    /// All of its body, where that is one piece.
    pub(crate) fn body_as_one(&self) -> Option<&'a [u8]> {
        self.cuts.is_empty().then(|| &self.bytes[self.head_bytes..])
    }

    /// Takes the next bytes of the body, at most so many; none at its end.
    pub(crate) fn take(&mut self, at_most: usize) -> Result<&[u8], Fault> {
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
        wire: &mut Wire,
    ) -> Poll<Result<(), Fault>> {
        self.poll_send_bytes(cx, stream, wire, self.head_bytes)
    }

    /// Sends what is left.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        wire: &mut Wire,
    ) -> Poll<Result<(), Fault>> {
        while let Some((cut, upload)) = self.cuts.iter().zip(self.uploads).nth(self.uploaded) {
            ready!(self.poll_send_bytes(cx, stream, wire, *cut))?;
            ready!(self.poll_send_file(cx, stream, wire, upload))?;
            self.uploaded += 1;
            (self.piece_at, self.piece_sent) = (0, 0);
            self.piece.clear();
        }
        self.poll_send_bytes(cx, stream, wire, self.bytes.len())
    }

    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        wire: &mut Wire,
        upload: &Upload,
    ) -> Poll<Result<(), Fault>> {
        loop {
            let before = self.piece_sent;
            let sending = stream.poll_send(cx, &self.piece, &mut self.piece_sent);
            wire.bytes_sent += (self.piece_sent - before) as u64;
            ready!(sending).map_err(|error| Fault::of(&error))?;
            self.piece_at += self.piece.len() as u64;
            let left = upload.bytes - self.piece_at;
            if left == 0 {
                return Poll::Ready(Ok(()));
            }
            let next = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            self.read_piece(upload, next)?;
        }
    }

    fn read_piece(&mut self, upload: &Upload, bytes: usize) -> Result<(), Fault> {
        self.piece.resize(bytes, 0);
        self.piece_sent = 0;
        let read = upload.file.read_exact_at(&mut self.piece, self.piece_at);
        read.map_err(|error| {
            let text = format!("the body's file cannot be read: {error}");
            Fault::new(FailureKind::UnreadableFile, text)
        })
    }

    fn poll_send_bytes(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
        wire: &mut Wire,
        up_to: usize,
    ) -> Poll<Result<(), Fault>> {
        let before = self.sent.get();
        let mut sent = before;
        let sending = stream.poll_send(cx, &self.bytes[..up_to], &mut sent);
        self.sent.set(sent);
        wire.bytes_sent += (sent - before) as u64;
        sending.map_err(|error| Fault::of(&error))
    }
}
