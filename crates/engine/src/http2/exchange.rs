//! An exchange of HTTP/2: one request on a stream, and its answer.

use std::task::Poll;

use crate::client::context::Core;
use crate::connections::connection::Fate;
use crate::http::outgoing_request::Outbox;
use crate::http::response_options::Wanted;
use crate::http1::Answer;
use crate::http1::connection::{Deadlines, Wire, given_up_on_answer};
use crate::net::error::Fault;
use crate::time::timers::Seat;

use super::close;
use super::connection::Connection;
use super::state::{Account, Outcome};
use super::streams::Slot;
use super::upload::Upload;

/// Who waits for an answer, and how long.
#[derive(Clone, Copy)]
pub(crate) struct Course<'a> {
    pub(crate) core: &'a Core,
    pub(crate) seat: Seat,
    pub(crate) deadlines: Deadlines,
}

impl Connection {
    /// Sends a request and takes its answer. A request that is given up resets its stream and nothing else.
    #[inline]
    pub(crate) async fn exchange(
        &self,
        course: Course<'_>,
        request: Outbox<'_>,
        wanted: Wanted,
        wire: &mut Wire,
    ) -> (Result<Answer, Fault>, Fate) {
        let Course { core, seat, .. } = course;
        core.pacer.set_deadline(seat, course.deadlines.whole_ns);
        if !self.0.session.borrow_mut().has_room(seat)
            && let Err(fault) = self.wait_for_room(course).await
        {
            return (Err(fault), Fate::Unread);
        }
        if self.is_over() {
            return (Err(self.0.over()), Fate::Unprocessed { is_read: false });
        }
        let slot = match self.open_stream(course, &request, wanted) {
            Ok(slot) => slot,
            Err(fault) => return (Err(fault), Fate::Unread),
        };
        let given_up = self.run(course, slot, request).await.err();
        let mut session = self.0.session.borrow_mut();
        let closed = session.close(slot, |seat| core.pacer.wake(seat));
        if !session.outgoing().is_empty() {
            self.0.wake_driver();
        }
        drop(session);
        let Some((account, outcome)) = closed else {
            return (Err(self.0.over()), Fate::Unread);
        };
        wire.sent_ns = wire.sent_ns.or(account.sent_ns);
        wire.first_byte_ns = wire.first_byte_ns.or(account.first_byte_ns);
        wire.last_byte_ns = account.last_byte_ns;
        wire.bytes_sent += account.bytes_sent;
        wire.bytes_received += account.bytes_received;
        self.end_of(&account, outcome, given_up)
    }

    /// Opens a stream with the head of a request.
    #[inline]
    fn open_stream(
        &self,
        course: Course<'_>,
        request: &Outbox<'_>,
        wanted: Wanted,
    ) -> Result<Slot, Fault> {
        let mut session = self.0.session.borrow_mut();
        let mut heads = course.core.heads.borrow_mut();
        let head = (wanted.name, request.head());
        let is_whole = request.body_bytes() == 0;
        let slot = session.open(&mut heads, head, is_whole, (course.seat, wanted));
        self.0.wake_driver();
        slot
    }

    /// Waits until the server lets another stream be opened.
    async fn wait_for_room(&self, course: Course<'_>) -> Result<(), Fault> {
        let Course { core, seat, .. } = course;
        let waiting = core.pacer.under_way(seat, |_| {
            if self.is_over() || self.0.session.borrow_mut().has_room(seat) {
                return Poll::Ready(());
            }
            Poll::Pending
        });
        let waited = waiting.await;
        waited.map_err(|given_up| given_up_on_answer(given_up, false))
    }

    /// Sends the body while listening, then listens until it is known what comes of the request.
    #[inline]
    async fn run(&self, course: Course<'_>, slot: Slot, request: Outbox<'_>) -> Result<(), Fault> {
        let Course {
            core,
            seat,
            deadlines,
        } = course;
        if request.body_bytes() > 0 && !self.sends_at_once(slot, &request) {
            // Rare and large: it is not to make every user larger.
            Box::pin(self.upload(course, slot, Upload::new(request))).await?;
        }
        let mut waits_for_first = deadlines.first_byte_timeout_ns.is_some();
        if let Some(timeout_ns) = deadlines.first_byte_timeout_ns {
            let by_ns = core.clock.now_ns().saturating_add(timeout_ns);
            core.pacer.set_deadline(seat, by_ns.min(deadlines.whole_ns));
        }
        let listening = core.pacer.under_way(seat, |_| {
            if self.is_settled(slot) {
                return Poll::Ready(());
            }
            if waits_for_first && self.0.session.borrow().has_first_byte(slot) {
                waits_for_first = false;
                core.pacer.set_deadline(seat, deadlines.whole_ns);
            }
            Poll::Pending
        });
        let listened = listening.await;
        listened.map_err(|given_up| given_up_on_answer(given_up, waits_for_first))
    }

    /// Whether there was room for all of the body of a small request.
    #[inline]
    fn sends_at_once(&self, slot: Slot, request: &Outbox<'_>) -> bool {
        let mut session = self.0.session.borrow_mut();
        let body = request.body_as_one();
        let body = body.filter(|body| body.len() <= session.room(slot));
        body.is_some_and(|body| {
            session.send(slot, body, true);
            true
        })
    }

    async fn upload(
        &self,
        course: Course<'_>,
        slot: Slot,
        mut upload: Upload<'_>,
    ) -> Result<(), Fault> {
        let sending = course.core.pacer.under_way(course.seat, |_| {
            if self.is_settled(slot) {
                return Poll::Ready(Ok(()));
            }
            let sent = upload.poll(&mut self.0.session.borrow_mut(), slot);
            self.0.wake_driver();
            sent
        });
        let sent = sending.await;
        sent.unwrap_or_else(|given_up| Err(given_up_on_answer(given_up, false)))
    }

    #[inline]
    fn is_settled(&self, slot: Slot) -> bool {
        self.0.session.borrow().is_settled(slot) || self.0.has_ended()
    }

    /// What comes of a request, which its user may have given up.
    #[inline]
    fn end_of(
        &self,
        account: &Account,
        outcome: Outcome,
        given_up: Option<Fault>,
    ) -> (Result<Answer, Fault>, Fate) {
        let of_sent = if account.sent_ns.is_some() {
            Fate::Read
        } else {
            Fate::Unread
        };
        if let Some(fault) = given_up {
            return (Err(fault), of_sent);
        }
        let (fault, fate) = match outcome {
            Outcome::Answered(answer) => {
                self.0.answered.set(self.0.answered.get() + 1);
                return (Ok(answer), Fate::Read);
            }
            Outcome::Bad(bad) => (Fault::new(bad.kind(), bad.to_string()), of_sent),
            Outcome::Reset(reason) => close::reset(reason),
            Outcome::Unprocessed => (self.0.over(), Fate::Unprocessed { is_read: false }),
            Outcome::Open => match &*self.0.ended.borrow() {
                Some(ended) => ended.of(account),
                None => (Fault::cut_off(), of_sent),
            },
        };
        (Err(fault), fate)
    }
}
