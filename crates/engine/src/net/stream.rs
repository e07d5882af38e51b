//! A byte stream to and from a host, plain or over TLS.

use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    #[inline]
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }

    /// Sends the bytes from index `sent` on, until the kernel has accepted all of them.
    #[inline]
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        sent: &mut usize,
    ) -> Poll<io::Result<()>> {
        while *sent < bytes.len() {
            let rest = &bytes[*sent..];
            let taken = match self {
                Self::Plain(stream) => ready!(Pin::new(stream).poll_write(cx, rest)),
                Self::Tls(stream) => ready!(Pin::new(stream).poll_write(cx, rest)),
            };
            match taken {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(taken) => *sent += taken,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether the peer is reached over the loopback interface.
    pub(crate) fn is_loopback(&self) -> bool {
        let peer = self.tcp().peer_addr().or_else(|_| self.tcp().local_addr());
        peer.is_ok_and(|address| address.ip().to_canonical().is_loopback())
    }

    /// Number of written bytes that the peer's kernel has not acknowledged; `None` if unknown. It distinguishes a
    /// request that the server read and did not respond to from one that arrived too late: bytes that arrive after a
    /// close are never acknowledged.
    pub(crate) fn unacknowledged_bytes(&self) -> Option<u64> {
        let bytes = unacknowledged_bytes(self.tcp()).ok()?;
        u64::try_from(bytes).ok()
    }

    /// Whether the peer has closed it, or has sent bytes without a request.
    pub(crate) fn is_stale(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        match self {
            Self::Plain(stream) => {
                if stream.poll_read_ready(&mut cx).is_pending() {
                    return false;
                }
                let read = stream.try_read(&mut [0; 1]);
                !read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            }
            Self::Tls(stream) => {
                let mut byte = [0; 1];
                let mut buffer = ReadBuf::new(&mut byte);
                Pin::new(stream).poll_read(&mut cx, &mut buffer).is_ready()
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

nix::ioctl_read_bad!(outgoing_queue, nix::libc::TIOCOUTQ, nix::libc::c_int);

#[expect(unsafe_code, reason = "no dependency has a safe call for it")]
fn unacknowledged_bytes(stream: &TcpStream) -> nix::Result<i32> {
    let mut bytes = 0;
    // SAFETY: the descriptor is open as long as the stream is borrowed, and the kernel writes one `int`.
    unsafe { outgoing_queue(stream.as_raw_fd(), &raw mut bytes) }.map(|_| bytes)
}
