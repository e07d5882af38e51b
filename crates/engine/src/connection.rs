//! A connection: one TCP stream to the target, used for one request after the other.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use record::FailureKind;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::core::Core;
use crate::fault::Fault;
use crate::http1::{Answer, Reader};
use crate::pacer::{GivenUp, Seat};

pub(crate) struct Connection {
    stream: TcpStream,
    /// Requests answered on it.
    pub(crate) answered: u64,
}

/// What happened on the wire.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) sent_ns: Option<u64>,
    pub(crate) first_byte_ns: Option<u64>,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
}

impl Connection {
    /// Opens a connection before the seat's deadline.
    pub(crate) async fn open(core: &Core, seat: Seat, to: SocketAddr) -> Result<Self, Fault> {
        let connecting = pin!(TcpStream::connect(to));
        let connected = core.pacer.future_under_way(seat, connecting).await;
        let stream = connected
            .map_err(|given_up| match given_up {
                GivenUp::Deadline => Fault::new(
                    FailureKind::ConnectTimeout,
                    format!("no connection to {to} in time"),
                ),
                GivenUp::Aborted => cut_off(),
            })?
            .map_err(|error| Fault::of(&error))?;
        stream
            .set_nodelay(true)
            .map_err(|error| Fault::of(&error))?;
        Ok(Self {
            stream,
            answered: 0,
        })
    }

    /// Whether the server has closed it, or has said something that nobody asked for.
    pub(crate) fn is_stale(&self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        if self.stream.poll_read_ready(&mut cx).is_pending() {
            return false;
        }
        let read = self.stream.try_read(&mut [0; 1]);
        !read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a request and takes its answer before the seat's deadline.
    #[inline]
    pub(crate) async fn exchange(
        &mut self,
        core: &Core,
        seat: Seat,
        request: &[u8],
        mut reader: Reader,
        wire: &mut Wire,
    ) -> Result<Answer, Fault> {
        wire.sent_ns.get_or_insert_with(|| core.clock.now_ns());
        let mut sent = 0;
        while sent < request.len() {
            let written = core.pacer.under_way(seat, |cx| {
                Pin::new(&mut self.stream).poll_write(cx, &request[sent..])
            });
            sent += written
                .await
                .map_err(timed_out)?
                .map_err(|error| Fault::of(&error))?;
        }
        wire.bytes_sent += request.len() as u64;
        let answer = core
            .pacer
            .under_way(seat, |cx| self.poll_answer(core, cx, &mut reader, wire));
        let keep = answer.await.map_err(timed_out)??;
        let mut answer = reader.into_answer();
        answer.keep_alive &= keep == Keep::Open;
        self.answered += 1;
        Ok(answer)
    }

    /// Reads what there is into the core's scratch space, so that a request that waits for its
    /// answer holds no buffer.
    fn poll_answer(
        &mut self,
        core: &Core,
        cx: &mut Context<'_>,
        reader: &mut Reader,
        wire: &mut Wire,
    ) -> Poll<Result<Keep, Fault>> {
        let mut scratch = core.scratch.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Fault::of(&error))),
                Poll::Ready(Ok(())) => {}
            }
            let bytes = buffer.filled();
            if bytes.is_empty() {
                let whole = reader.ends_with_connection();
                let closed = || Fault::new(FailureKind::Closed, closed_when(wire));
                return Poll::Ready(if whole {
                    Ok(Keep::Closed)
                } else {
                    Err(closed())
                });
            }
            wire.first_byte_ns
                .get_or_insert_with(|| core.clock.now_ns());
            wire.bytes_received += bytes.len() as u64;
            match reader.feed(bytes) {
                Err(error) => {
                    return Poll::Ready(Err(Fault::new(FailureKind::BadHttp, error.to_string())));
                }
                // What comes after the answer was not asked for: the connection is not used again.
                Ok(Some(taken)) if taken < bytes.len() => return Poll::Ready(Ok(Keep::Closed)),
                Ok(Some(_)) => return Poll::Ready(Ok(Keep::Open)),
                Ok(None) => {}
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Keep {
    Open,
    Closed,
}

fn closed_when(wire: &Wire) -> String {
    match wire.bytes_received {
        0 => "the server closed the connection without an answer".into(),
        bytes => format!("the server closed the connection after {bytes} bytes of the answer"),
    }
}

fn timed_out(given_up: GivenUp) -> Fault {
    match given_up {
        GivenUp::Deadline => Fault::new(FailureKind::Timeout, "no whole answer within the timeout"),
        GivenUp::Aborted => cut_off(),
    }
}

fn cut_off() -> Fault {
    Fault::new(
        FailureKind::CutOff,
        "the run ended while the request was under way",
    )
}
