//! An exchange: one request as the user sees it, with the connections it opens and the redirects it
//! follows, from its intended start to the sample that is recorded.

mod hops;
mod inspection;

use std::rc::Rc;
use std::time::Duration;

use record::{FailureKind, Sample};
use scenario::{Connections, Halt, Rendered, Request};

use crate::belongings::Belongings;
use crate::connection::{Connection, Deadlines, Wire};
use crate::core::Core;
use crate::dialer::Opened;
use crate::fault::Fault;
use crate::http1::{Answer, Content, Keep, KeepFields, Reader};
use crate::outbox::{Outbox, Upload};
use crate::pacer::{GivenUp, Seat};
use crate::redirect;

/// One request under way.
pub(crate) struct Exchange<'a> {
    core: &'a Core,
    seat: Seat,
    request: &'a Request,
    belongings: &'a mut Belongings,
    uploads: Vec<Rc<Upload>>,
    opened: Opened,
    wire_requests: u32,
    wire: Wire,
    dispatched_ns: u64,
}

/// How a request ended.
pub(crate) enum Ended {
    /// It was answered as it should be.
    Well,
    /// It has failed.
    Failed(Fault),
    /// It was not made, since its user or the test is to stop.
    Stopped(Halt),
}

impl<'a> Exchange<'a> {
    /// Plays a request that was intended and taken up at moments of the run's clock, and records it.
    /// Returns when it was done, and how it ended.
    #[inline]
    pub(crate) async fn play(
        core: &'a Core,
        seat: Seat,
        request: &'a Request,
        belongings: &'a mut Belongings,
        (intended_ns, dispatched_ns): (u64, u64),
    ) -> (u64, Ended) {
        core.pacer.begin(seat, intended_ns);
        let uploads = core.uploads_of(request);
        let mut rendered = Rendered {
            bytes: core.take_buffer(),
            ..Rendered::default()
        };
        let rendering = core.render(request, &uploads, belongings, &mut rendered);
        let mut exchange = Exchange {
            core,
            seat,
            request,
            belongings,
            uploads,
            opened: Opened::default(),
            wire_requests: 0,
            wire: Wire::default(),
            dispatched_ns,
        };
        let result = match rendering {
            Ok(()) => exchange.follow(&mut rendered).await,
            Err(Halt::Failed(text)) => Err(Fault::new(FailureKind::Check, text)),
            Err(stop) => {
                core.pacer.end(seat);
                core.give_buffer(rendered.bytes);
                return (core.clock.now_ns(), Ended::Stopped(stop));
            }
        };
        let done_ns = core.clock.now_ns();
        core.pacer.is_alive(done_ns);
        core.pacer.end(seat);
        let took_ns = done_ns.saturating_sub(intended_ns);
        let fault = match result {
            Ok(answer) => exchange.look_into(answer, &rendered.bytes, took_ns),
            Err(fault) => Some(fault),
        };
        let sample = Sample {
            name: request.name,
            intended_ns,
            dispatched_ns,
            sent_ns: exchange.wire.sent_ns,
            first_byte_ns: exchange.wire.first_byte_ns,
            done_ns,
            connect_ns: exchange.opened.connect_ns,
            tls_ns: exchange.opened.tls_ns,
            stood_still_ns: core.pacer.stood_still_ns(dispatched_ns, done_ns),
            failure: fault.as_ref().map(|fault| fault.kind),
            wire_requests: exchange.wire_requests,
            bytes_sent: exchange.wire.bytes_sent,
            bytes_received: exchange.wire.bytes_received,
        };
        core.record(&sample, fault.as_ref(), &rendered.bytes);
        core.give_buffer(rendered.bytes);
        (done_ns, fault.map_or(Ended::Well, Ended::Failed))
    }

    /// Sends one request on the wire, again without asking first where the server takes no question.
    async fn send(
        &mut self,
        request: &mut redirect::Request<'_>,
        origin: usize,
    ) -> Result<Answer, Fault> {
        loop {
            let answer = self
                .send_once(request.bytes, request.head_bytes, request.cuts, origin)
                .await?;
            if answer.status != 417
                || !crate::http1::asks_first(&request.bytes[..request.head_bytes])
            {
                return Ok(answer);
            }
            request.ask_no_more();
        }
    }

    /// Sends one request. A connection that the server closed while it was idle is opened again, and
    /// the request sent again where no byte of an answer came.
    async fn send_once(
        &mut self,
        bytes: &[u8],
        head_bytes: usize,
        cuts: &[usize],
        origin: usize,
    ) -> Result<Answer, Fault> {
        let mut kept = self.kept_connection(origin).await?;
        if kept.as_mut().is_some_and(Connection::is_stale) {
            kept = None;
            self.core.count_reopened();
        }
        loop {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => self.open(origin).await?,
            };
            let was_idle = connection.answered > 0;
            let received = self.wire.bytes_received;
            let deadlines = self.deadlines();
            let outbox = Outbox::new(bytes, head_bytes, &self.uploads, cuts);
            let reader = self.reader();
            let exchanged = connection
                .exchange(
                    self.core,
                    self.seat,
                    outbox,
                    reader,
                    &mut self.wire,
                    deadlines,
                )
                .await;
            let is_unanswered = self.wire.bytes_received == received && is_closed(&exchanged);
            if !is_unanswered || connection.is_acknowledged() {
                self.wire_requests += 1;
            }
            if was_idle && is_unanswered {
                self.core.count_reopened();
                continue;
            }
            let keeps = exchanged.as_ref().is_ok_and(|answer| answer.keep_alive);
            self.give_back(origin, keeps.then_some(connection));
            return exchanged;
        }
    }

    fn reader(&self) -> Reader {
        let limits = &self.core.plan.network.limits;
        let mut content = Content::new(limits.body_bytes, limits.decoded_bytes);
        let is_head = &*self.request.method == "HEAD";
        let fields = if self.request.looks_into.fields {
            KeepFields::All
        } else if self.keeps_cookies() {
            KeepFields::Cookies
        } else {
            KeepFields::Nothing
        };
        if self.request.looks_into.body {
            content.kept = self.core.take_buffer();
            content.kept.clear();
            return Reader::new(is_head, |_| Keep::All, content).with_fields(fields);
        }
        let keeps = |status| {
            if status >= 400 {
                Keep::Excerpt
            } else {
                Keep::Nothing
            }
        };
        Reader::new(is_head, keeps, content).with_fields(fields)
    }

    fn deadlines(&self) -> Deadlines {
        let timeouts = &self.core.plan.network.timeouts;
        let whole = self.request.timeout.unwrap_or(timeouts.whole);
        // What brunt itself stood still is not the service's time.
        let stood_still_ns = self.core.pacer.stood_still_ns(self.dispatched_ns, u64::MAX);
        let begun_ns = self.dispatched_ns.saturating_add(stood_still_ns);
        Deadlines {
            whole_ns: begun_ns.saturating_add(nanoseconds(whole)),
            first_byte_timeout_ns: timeouts.first_byte.map(nanoseconds),
        }
    }

    /// A connection that was kept; in a shared pool, the place of one at least.
    async fn kept_connection(&mut self, origin: usize) -> Result<Option<Connection>, Fault> {
        let Some(pool) = &self.core.pool else {
            return Ok(self.belongings.keeper.take(origin));
        };
        let deadlines = self.deadlines();
        self.core.pacer.set_deadline(self.seat, deadlines.whole_ns);
        let taken = pool.take(self.core, self.seat, origin).await;
        taken.map_err(|given_up| match given_up {
            GivenUp::Aborted => Fault::cut_off(),
            GivenUp::Deadline => {
                let text = "no connection of the shared pool became free within the timeout";
                Fault::new(FailureKind::Timeout, text)
            }
        })
    }

    fn give_back(&mut self, origin: usize, connection: Option<Connection>) {
        let network = &self.core.plan.network;
        if let Some(pool) = &self.core.pool {
            pool.give_back(self.core, origin, connection);
        } else if let Some(connection) = connection
            && network.connections != Connections::PerRequest
        {
            self.belongings.keeper.put(connection);
        }
    }

    async fn open(&mut self, origin: usize) -> Result<Connection, Fault> {
        let by_ns = self.deadlines().whole_ns;
        let core = self.core;
        let mut shared = core.sessions.clone();
        let sessions = if shared.is_some() {
            &mut shared
        } else {
            &mut self.belongings.keeper.sessions
        };
        let opening = core
            .dialer
            .open(core, self.seat, origin, by_ns, sessions, &mut self.opened);
        // Rare and large: it is not to make every user larger.
        let opened = Box::pin(opening).await;
        if opened.is_err() {
            self.give_back(origin, None);
        }
        opened
    }
}

fn is_closed(exchanged: &Result<Answer, Fault>) -> bool {
    let closed = [FailureKind::Closed, FailureKind::Reset];
    exchanged
        .as_ref()
        .is_err_and(|fault| closed.contains(&fault.kind))
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
