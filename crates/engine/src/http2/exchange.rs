//! An exchange of HTTP/2: one request on a stream, and its answer.

use std::task::Poll;

use crate::connection::{Deadlines, Wire, given_up_on_answer};
use crate::core::Core;
use crate::fault::Fault;
use crate::http1::Answer;
use crate::link::Fate;
use crate::outbox::Outbox;
use crate::pacer::Seat;
use crate::wanted::Wanted;

use super::answering::{Answering, Broken};
use super::connection::Connection;
use super::ending;
use super::upload::Upload;

/// Who waits for an answer, and how long.
#[derive(Clone, Copy)]
pub(crate) struct Course<'a> {
    pub(crate) core: &'a Core,
    pub(crate) seat: Seat,
    pub(crate) deadlines: Deadlines,
}

/// Why there is no answer.
enum Failed {
    Broken(Broken),
    Other(Fault),
}

impl Connection {
    /// Sends a request and takes its answer. A request that is given up resets its stream and nothing else.
    pub(crate) async fn exchange(
        &self,
        course: Course<'_>,
        request: Outbox<'_>,
        wanted: Wanted,
        wire: &mut Wire,
    ) -> (Result<Answer, Fault>, Fate) {
        let ledger = &self.0.ledger;
        let head = match self.head_of(course.core, &request, &wanted) {
            Ok(head) => head,
            Err(fault) => return (Err(fault), Fate::Unsent),
        };
        let is_whole = request.body_bytes() == 0;
        let (response, to) = match self.open_stream(head, is_whole) {
            Ok(opened) => opened,
            Err(error) => return (Err(ending::unopened(&error, ledger)), Fate::Refused),
        };
        let stream = response.stream_id().as_u32();
        ledger.open(stream);
        let upload = (!is_whole).then(|| Upload::new(request, to));
        let answering = Answering::new(response, wanted);
        let result = self.run(course, stream, upload, answering).await;
        let account = ledger.close(stream);
        wire.sent_ns = wire.sent_ns.or(account.sent_ns);
        wire.first_byte_ns = wire.first_byte_ns.or(account.first_byte_ns);
        wire.bytes_sent += account.bytes_sent;
        wire.bytes_received += account.bytes_received;
        let of_sent = if account.sent_ns.is_some() {
            Fate::Taken
        } else {
            Fate::Unsent
        };
        match result {
            Ok(answer) => {
                self.0.answered.set(self.0.answered.get() + 1);
                (Ok(answer), Fate::Taken)
            }
            Err(Failed::Other(fault)) => (Err(fault), of_sent),
            Err(Failed::Broken(Broken::Bad(bad))) => {
                (Err(Fault::new(bad.kind(), bad.to_string())), of_sent)
            }
            Err(Failed::Broken(Broken::Ended(error))) => {
                let (fault, fate) = ending::of(&error, stream, &account, ledger);
                (Err(fault), fate)
            }
        }
    }

    fn head_of(
        &self,
        core: &Core,
        request: &Outbox<'_>,
        wanted: &Wanted,
    ) -> Result<http::Request<()>, Fault> {
        let mut heads = core.heads.borrow_mut();
        heads.request(wanted.name, request.head(), self.0.is_tls)
    }

    /// Sends the body while listening, then listens to the end.
    async fn run(
        &self,
        course: Course<'_>,
        stream: u32,
        upload: Option<Upload<'_>>,
        mut answering: Answering,
    ) -> Result<Answer, Failed> {
        let Course {
            core,
            seat,
            deadlines,
        } = course;
        core.pacer.set_deadline(seat, deadlines.whole_ns);
        // It is kept to the end: a stream whose sender is gone is given up.
        let mut upload = upload;
        if let Some(upload) = &mut upload {
            let sending = core.pacer.under_way(seat, |cx| {
                if let Poll::Ready(answered) = answering.poll(cx) {
                    return Poll::Ready(answered.map(|()| true).map_err(Failed::Broken));
                }
                let sent = upload.poll(cx);
                sent.map(|sent| sent.map(|()| false).map_err(Failed::Other))
            });
            let is_answered = sending
                .await
                .unwrap_or_else(|given_up| Err(other(given_up_on_answer(given_up, false))))?;
            if is_answered {
                return Ok(answering.into_answer());
            }
        }
        let mut waits_for_first = deadlines.first_byte_timeout_ns.is_some();
        if let Some(timeout_ns) = deadlines.first_byte_timeout_ns {
            let by_ns = core.clock.now_ns().saturating_add(timeout_ns);
            core.pacer.set_deadline(seat, by_ns.min(deadlines.whole_ns));
        }
        let listening = core.pacer.under_way(seat, |cx| {
            let answered = answering.poll(cx);
            if waits_for_first && self.0.ledger.has_first_byte(stream) {
                waits_for_first = false;
                core.pacer.set_deadline(seat, deadlines.whole_ns);
            }
            answered
        });
        match listening.await {
            Ok(answered) => answered.map_err(Failed::Broken)?,
            Err(given_up) => return Err(other(given_up_on_answer(given_up, waits_for_first))),
        }
        Ok(answering.into_answer())
    }
}

fn other(fault: Fault) -> Failed {
    Failed::Other(fault)
}
