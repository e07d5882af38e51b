//! An exchange: one request as the user sees it, with the connections it opens and the redirects it
//! follows, from its intended start to the sample that is recorded.

use std::rc::Rc;
use std::time::Duration;

use record::{FailureKind, Sample};
use scenario::{Connections, Halt, Rendered, Request, Seen};
use url::Url;

use crate::belongings::Belongings;
use crate::connection::{Connection, Deadlines, Wire};
use crate::cookies;
use crate::core::Core;
use crate::dialer::Opened;
use crate::example;
use crate::fault::Fault;
use crate::http1::{Answer, Content, DecodeError, Keep, KeepFields, Reader};
use crate::outbox::{Outbox, Upload};
use crate::pacer::{GivenUp, Seat};
use crate::redirect;
use crate::rehearsal::{Heard, Rehearsed};

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
        let heard = exchange.heard(&result, took_ns);
        let fault = match result {
            Ok(answer) => exchange.look_into(answer, &rendered.bytes, took_ns),
            Err(fault) => Some(fault),
        };
        if let Some(script) = &core.script {
            script.keep(exchange.rehearsed(&rendered.bytes, heard, fault.as_ref()));
        }
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

    /// What was heard, where this is a rehearsal.
    #[inline]
    fn heard(&mut self, result: &Result<Answer, Fault>, took_ns: u64) -> Option<Heard> {
        self.core.script.as_ref()?;
        let answer = result.as_ref().ok()?;
        Some(Heard::of(
            answer,
            took_ns,
            &self.request.checks,
            &mut self.belongings.scope(self.core),
        ))
    }

    fn rehearsed(&self, bytes: &[u8], heard: Option<Heard>, fault: Option<&Fault>) -> Rehearsed {
        let slots = self
            .request
            .extracts
            .iter()
            .map(|extract| extract.slot.index());
        let extracted = slots.filter(|_| fault.is_none()).map(|slot| {
            let name = self.core.plan.variables[slot].clone();
            let value = self.belongings.life.variables[slot].to_json();
            (name, value.to_string())
        });
        Rehearsed {
            name: self.request.name,
            request: String::from_utf8_lossy(bytes).into_owned(),
            heard,
            failed: fault.map(|fault| (fault.kind, fault.text.clone())),
            extracted: extracted.collect(),
        }
    }

    /// Whether an answer is as it has to be; `None` where it is. What is wanted of it is taken then.
    #[inline]
    fn look_into(&mut self, mut answer: Answer, bytes: &[u8], took_ns: u64) -> Option<Fault> {
        let request = self.request;
        if !request.accepted.contains(answer.status) {
            let text = example::of_status(&request.accepted.in_words(), bytes, &answer);
            return Some(Fault {
                kind: FailureKind::Status,
                code: answer.status,
                text,
            });
        }
        if request.checks.is_empty() && request.extracts.is_empty() {
            return None;
        }
        let fault = match answer.content.decoded(&answer.encoding) {
            Ok(body) => {
                let seen = Seen::new(answer.status, &answer.fields, &body, took_ns);
                let text = self.check(&seen).or_else(|| self.extract(&seen));
                text.map(|(number, text)| Fault {
                    kind: FailureKind::Check,
                    code: number,
                    text: example::of_check(&text, &body, bytes),
                })
            }
            Err(error) => Some(undecoded(&error)),
        };
        self.core
            .give_buffer(std::mem::take(&mut answer.content.kept));
        fault
    }

    /// The number of the first check that does not hold, from 1, and what is wrong.
    fn check(&mut self, seen: &Seen) -> Option<(u16, String)> {
        let mut scope = self.belongings.scope(self.core);
        for (number, check) in (1u16..).zip(&self.request.checks) {
            match check.fault(seen, &mut scope) {
                Ok(None) => {}
                Ok(Some(text)) => return Some((number, text)),
                Err(halt) => return Some((number, words_of(halt))),
            }
        }
        None
    }

    /// Takes what is wanted of an answer; what is missing, where something is.
    fn extract(&mut self, seen: &Seen) -> Option<(u16, String)> {
        for extract in &self.request.extracts {
            let value = extract.value(seen, &mut self.belongings.scope(self.core));
            match value {
                Ok(Ok(value)) => self.belongings.life.variables[extract.slot.index()] = value,
                Ok(Err(missing)) => return Some((0, missing)),
                Err(halt) => return Some((0, words_of(halt))),
            }
        }
        None
    }

    /// Sends the request and follows its redirects.
    async fn follow(&mut self, rendered: &mut Rendered) -> Result<Answer, Fault> {
        let mut request = redirect::Request {
            bytes: &mut rendered.bytes,
            head_bytes: rendered.head_bytes,
            cuts: &mut rendered.cuts,
        };
        let (mut origin, _) = self.core.target.host(self.request.host);
        let (mut url, mut hops) = (None, 0);
        let keeps_cookies = self.keeps_cookies();
        loop {
            if keeps_cookies && self.belongings.life.jar.is_some() {
                self.send_cookies(&mut request, url.as_ref());
            }
            let answer = self.send(&mut request, origin).await?;
            if keeps_cookies && cookies::sets_any(&answer.fields) {
                self.take_cookies(&answer, &request, url.as_ref());
            }
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
            if !request.redirect(&next, answer.status, host, keeps_cookies) {
                self.uploads.clear();
            }
            (url, origin) = (Some(next), next_origin);
        }
    }

    fn keeps_cookies(&self) -> bool {
        !self.core.plan.network.no_cookies && !self.request.says_cookies
    }

    /// Where a request goes: where it was redirected to, or the path of its host.
    fn url_of(&self, path: &str, redirected: Option<&Url>) -> Option<Url> {
        match redirected {
            Some(url) => Some(url.clone()),
            None => self.core.target.host(self.request.host).1.join(path).ok(),
        }
    }

    fn send_cookies(&self, request: &mut redirect::Request, redirected: Option<&Url>) {
        let url = self.url_of(request.path(), redirected);
        let jar = self.belongings.life.jar.as_ref();
        if let Some(line) = jar.zip(url).and_then(|(jar, url)| jar.line_for(&url)) {
            request.add_line(line.as_bytes());
        }
    }

    fn take_cookies(
        &mut self,
        answer: &Answer,
        request: &redirect::Request,
        redirected: Option<&Url>,
    ) {
        if let Some(url) = self.url_of(request.path(), redirected) {
            let jar = self.belongings.life.jar.get_or_insert_default();
            jar.take(&answer.fields, &url);
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
                .host(self.request.host)
                .1
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
        let keeps_all = self.core.script.is_some();
        let fields = if self.request.looks_into.fields || keeps_all {
            KeepFields::All
        } else if self.keeps_cookies() {
            KeepFields::Cookies
        } else {
            KeepFields::Nothing
        };
        if self.request.looks_into.body || keeps_all {
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

/// Why an expression of a check or of a default gives no value.
fn words_of(halt: Halt) -> String {
    match halt {
        Halt::Failed(text) => text,
        Halt::StopUser | Halt::StopTest => "there is no row left to compare with".to_owned(),
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
