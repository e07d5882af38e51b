//! An exchange: one request as the user sees it, with the connections it opens and the redirects it
//! follows, from its intended start to the sample that is recorded.

use std::rc::Rc;
use std::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use record::{FailureKind, Sample};
use scenario::{Connections, Request};
use url::Url;

use crate::connection::{Connection, Deadlines, Wire};
use crate::core::Core;
use crate::dialer::Opened;
use crate::example;
use crate::fault::Fault;
use crate::http1::{Answer, Content, DecodeError, Keep, Reader};
use crate::keeper::Keeper;
use crate::outbox::{Outbox, Upload};
use crate::pacer::{GivenUp, Seat};
use crate::redirect;

/// One request under way.
pub(crate) struct Exchange<'a> {
    core: &'a Core,
    seat: Seat,
    request: &'a Request,
    keeper: &'a mut Keeper,
    upload: Option<Rc<Upload>>,
    opened: Opened,
    wire_requests: u32,
    wire: Wire,
    dispatched_ns: u64,
}

impl<'a> Exchange<'a> {
    /// Plays a request that was intended and taken up at moments of the run's clock, and records it.
    /// Returns when it was done, and whether it failed.
    #[inline]
    pub(crate) async fn play(
        core: &'a Core,
        seat: Seat,
        request: &'a Request,
        keeper: &'a mut Keeper,
        random: &mut Xoshiro256PlusPlus,
        (intended_ns, dispatched_ns): (u64, u64),
    ) -> (u64, Option<Fault>) {
        core.pacer.begin(seat, intended_ns);
        let mut exchange = Exchange {
            core,
            seat,
            request,
            keeper,
            upload: core.upload_of(request),
            opened: Opened::default(),
            wire_requests: 0,
            wire: Wire::default(),
            dispatched_ns,
        };
        let mut bytes = core.take_buffer();
        let head_bytes = core.render(request, exchange.upload.as_deref(), random, &mut bytes);
        let result = exchange.follow(&mut bytes, head_bytes).await;
        let done_ns = core.clock.now_ns();
        core.pacer.is_alive(done_ns);
        core.pacer.end(seat);
        let fault = match result {
            Ok(answer) => exchange.look_into(answer, &bytes),
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
        core.record(&sample, fault.as_ref(), &bytes);
        core.give_buffer(bytes);
        (done_ns, fault)
    }

    /// Whether an answer is as it has to be; `None` where it is.
    #[inline]
    fn look_into(&self, mut answer: Answer, bytes: &[u8]) -> Option<Fault> {
        let request = self.request;
        if !request.accepted.contains(answer.status) {
            let text = example::of_status(&request.accepted.in_words(), bytes, &answer);
            return Some(Fault {
                kind: FailureKind::Status,
                code: answer.status,
                text,
            });
        }
        let wanted = request.contains.as_deref()?;
        let fault = match answer.content.decoded(&answer.encoding) {
            Ok(content) if memchr::memmem::find(&content, wanted).is_some() => None,
            Ok(content) => {
                let text = example::of_missing(wanted, &content, bytes);
                Some(Fault::new(FailureKind::Check, text))
            }
            Err(error) => Some(undecoded(&error)),
        };
        self.core
            .give_buffer(std::mem::take(&mut answer.content.kept));
        fault
    }

    /// Sends the request and follows its redirects.
    async fn follow(&mut self, bytes: &mut Vec<u8>, head_bytes: usize) -> Result<Answer, Fault> {
        let mut request = redirect::Request { bytes, head_bytes };
        let (mut url, mut origin, mut hops) = (None, 0, 0);
        loop {
            let answer = self.send(&mut request, origin).await?;
            let Some(location) = answer
                .location
                .as_deref()
                .filter(|_| self.request.redirects > 0)
            else {
                return Ok(answer);
            };
            if hops == self.request.redirects {
                let text = format!("redirected more than {hops} times");
                return Err(refused(answer.status, text));
            }
            hops += 1;
            let (next, next_origin) = self
                .redirected(url.as_ref(), request.path(), location)
                .map_err(|text| refused(answer.status, text))?;
            let host = &self.core.target.origins()[next_origin].host_header;
            let host = (next_origin != origin).then_some(host.as_str());
            if !request.redirect(&next, answer.status, host) {
                self.upload = None;
            }
            (url, origin) = (Some(next), next_origin);
        }
    }

    /// Where an answer redirects to.
    fn redirected(
        &self,
        from: Option<&Url>,
        path: &str,
        location: &[u8],
    ) -> Result<(Url, usize), String> {
        let target = &self.core.target;
        let location = String::from_utf8_lossy(location);
        let from = match from {
            Some(url) => url.clone(),
            None => target
                .url
                .join(path)
                .map_err(|_| "the path is no URL".to_owned())?,
        };
        let next = from
            .join(&location)
            .map_err(|_| format!("the answer redirects to `{location}`, which is no URL"))?;
        match target.origin_of(&next) {
            Some(origin) => Ok((next, origin)),
            None => Err(format!(
                "the answer redirects to another host, {}, which the scenario does not name in \
                 redirect_hosts",
                next.origin().ascii_serialization()
            )),
        }
    }

    /// Sends one request on the wire, again without asking first where the server takes no question.
    async fn send(
        &mut self,
        request: &mut redirect::Request<'_>,
        origin: usize,
    ) -> Result<Answer, Fault> {
        loop {
            let answer = self
                .send_once(request.bytes, request.head_bytes, origin)
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
            let outbox = Outbox::new(bytes, head_bytes, self.upload.as_deref());
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
        let is_head = self.request.method == "HEAD";
        if self.request.contains.is_some() {
            content.kept = self.core.take_buffer();
            content.kept.clear();
            return Reader::new(is_head, |_| Keep::All, content);
        }
        let keeps = |status| {
            if status >= 400 {
                Keep::Excerpt
            } else {
                Keep::Nothing
            }
        };
        Reader::new(is_head, keeps, content)
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
            return Ok(self.keeper.take(origin));
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
            self.keeper.put(connection);
        }
    }

    async fn open(&mut self, origin: usize) -> Result<Connection, Fault> {
        let by_ns = self.deadlines().whole_ns;
        let core = self.core;
        let mut shared = core.sessions.clone();
        let sessions = if shared.is_some() {
            &mut shared
        } else {
            &mut self.keeper.sessions
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

fn refused(status: u16, text: String) -> Fault {
    Fault {
        code: status,
        ..Fault::new(FailureKind::Redirect, text)
    }
}

fn undecoded(error: &DecodeError) -> Fault {
    let kind = match error {
        DecodeError::TooLarge { .. } => FailureKind::TooLarge,
        DecodeError::Broken { .. } => FailureKind::BadHttp,
        DecodeError::Unknown(_) => FailureKind::Check,
    };
    Fault::new(kind, error.to_string())
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
