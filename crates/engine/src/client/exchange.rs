//! An exchange: one request as the user sees it, with the connections it opens and the redirects it
//! follows, from its intended start to the sample that is recorded.

mod checks;
mod redirects;

use std::rc::Rc;
use std::time::Duration;

use brunt_record::{FailureKind, Sample};
use brunt_scenario::{Connections, Halt, Rendered, Request, Secrets};

use crate::client::context::Core;
use crate::client::failure_example;
use crate::client::rewrite;
use crate::client::session::Belongings;
use crate::connections::connection::{Fate, Link};
use crate::connections::connector::Opened;
use crate::http::outgoing_request::{Outbox, Upload};
use crate::http::response_options::Wanted;
use crate::http1::connection::{Deadlines, Wire};
use crate::http1::{Answer, Content, Keep, KeepFields};
use crate::http2::Course;
use crate::net::error::Fault;
use crate::time::timers::{GivenUp, Seat};
use crate::worker::smoke_run::{Heard, Rehearsed};
use checks::Inspected;

/// Where a server does not process a request, it is sent again so often.
const REFUSALS_MAX: u32 = 3;

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
    /// Returns when it was done, and how it ended; `tells`: a fault's text is to be shown.
    #[inline]
    pub(crate) async fn play(
        core: &'a Core,
        seat: Seat,
        request: &'a Request,
        belongings: &'a mut Belongings,
        (intended_ns, dispatched_ns): (u64, u64),
        tells: bool,
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
            Err(Halt::Unreadable(text)) => Err(Fault::new(FailureKind::UnreadableFile, text)),
            Err(stop) => {
                core.pacer.end(seat);
                core.give_buffer(rendered.bytes);
                return (core.clock.now_ns(), Ended::Stopped(stop));
            }
        };
        // An answer is done with its last byte: what brunt does with it then is not the service's time.
        let last_byte_ns = exchange.wire.last_byte_ns.filter(|_| result.is_ok());
        let done_ns = last_byte_ns.unwrap_or_else(|| core.clock.now_ns());
        core.pacer.is_alive(done_ns);
        core.pacer.end(seat);
        let took_ns = done_ns.saturating_sub(intended_ns);
        let heard = exchange.heard(&result, took_ns);
        let mut fault = match result {
            Ok(answer) => match exchange.look_into(answer, took_ns) {
                Inspected::Done(fault) => fault,
                // Rare: what it takes is not to make every user larger.
                Inspected::IsLarge(answer) => {
                    Box::pin(exchange.look_into_large(*answer, took_ns)).await
                }
            },
            Err(fault) => Some(fault),
        };
        if let Some(script) = &core.script {
            let secrets = exchange.secrets(fault.as_ref(), &rendered.bytes);
            script.keep(
                exchange.rehearsed(&rendered.bytes, heard, fault.as_ref()),
                &secrets,
            );
        }
        let moments = (intended_ns, dispatched_ns, done_ns);
        let sample = exchange.sample(moments, fault.as_ref());
        core.record(&sample, fault.as_ref(), |fault| {
            exchange.example(fault, &rendered.bytes)
        });
        if let Some(fault) = fault.as_mut().filter(|_| tells) {
            fault.text = exchange.text_of(fault, &rendered.bytes);
        }
        core.give_buffer(rendered.bytes);
        (done_ns, fault.map_or(Ended::Well, Ended::Failed))
    }

    /// What is recorded of it.
    #[inline]
    fn sample(
        &self,
        (intended_ns, dispatched_ns, done_ns): (u64, u64, u64),
        fault: Option<&Fault>,
    ) -> Sample {
        Sample {
            name: self.request.name,
            intended_ns,
            dispatched_ns,
            sent_ns: self.wire.sent_ns,
            first_byte_ns: self.wire.first_byte_ns,
            done_ns,
            connect_ns: self.opened.connect_ns,
            tls_ns: self.opened.tls_ns,
            stood_still_ns: self.core.pacer.stood_still_ns(dispatched_ns, done_ns),
            failure: fault.as_ref().map(|fault| fault.kind),
            wire_requests: self.wire_requests,
            bytes_sent: self.wire.bytes_sent,
            bytes_received: self.wire.bytes_received,
        }
    }

    /// What is secret of it; `bytes` is the request as it was sent last.
    fn secrets(&self, fault: Option<&Fault>, bytes: &[u8]) -> Secrets {
        let evidence = fault.and_then(|fault| fault.evidence.as_deref());
        failure_example::secrets_of_exchange(
            self.core,
            self.belongings,
            (self.request, bytes),
            evidence,
        )
    }

    /// A failure with the line of its request, without secrets.
    fn example(&self, fault: &Fault, bytes: &[u8]) -> String {
        failure_example::of(fault, bytes, &self.secrets(Some(fault), bytes))
    }

    /// What failed, without secrets.
    fn text_of(&self, fault: &Fault, bytes: &[u8]) -> String {
        failure_example::text_of(fault, &self.secrets(Some(fault), bytes))
    }

    /// What was heard, where this is a rehearsal.
    #[inline]
    fn heard(&mut self, result: &Result<Answer, Fault>, took_ns: u64) -> Option<Heard> {
        self.core.script.as_ref()?;
        let answer = result.as_ref().ok()?;
        Some(Heard::of(
            answer,
            took_ns,
            self.request,
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
            failed: fault.map(|fault| (fault.kind, self.text_of(fault, bytes))),
            extracted: extracted.collect(),
        }
    }

    /// Sends one request on the wire, again without asking first where the server takes no question.
    async fn send(
        &mut self,
        request: &mut rewrite::Request<'_>,
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

    /// Sends one request. It is sent again only if the server had closed the idle connection before the first byte of
    /// the request was written, or says that it has not processed it: a load generator must not hide what a service
    /// does.
    async fn send_once(
        &mut self,
        bytes: &[u8],
        head_bytes: usize,
        cuts: &[usize],
        origin: usize,
    ) -> Result<Answer, Fault> {
        let mut kept = self.kept_connection(origin).await?;
        if kept.as_mut().is_some_and(Link::is_stale)
            && let Some(stale) = kept.take()
        {
            kept = self.another(stale).await?;
        }
        let (mut refusals, mut was_closed) = (0, false);
        loop {
            let mut link = match kept.take() {
                Some(link) => link,
                None => self.open(origin).await?,
            };
            let was_idle = link.was_used();
            let course = Course {
                core: self.core,
                seat: self.seat,
                deadlines: self.deadlines(),
            };
            let outbox = Outbox::new(bytes, head_bytes, &self.uploads, cuts);
            let wanted = self.wanted();
            let exchange = link.exchange(course, outbox, wanted, &mut self.wire);
            let (exchanged, fate) = exchange.await;
            if fate.is_read() {
                self.wire_requests += 1;
            }
            let again = match fate {
                Fate::ClosedBefore => was_idle && !std::mem::replace(&mut was_closed, true),
                Fate::Unprocessed { .. } => {
                    refusals += 1;
                    refusals <= REFUSALS_MAX
                }
                Fate::Read | Fate::Unread => false,
            };
            if again {
                self.core.count_retry(self.request.name);
                kept = self.another(link).await?;
                continue;
            }
            let keeps = link.is_kept(&exchanged);
            self.give_back(link, keeps);
            return exchanged;
        }
    }

    /// A connection in the place of one that did not serve; `None` where one is to be opened.
    async fn another(&mut self, mut link: Link) -> Result<Option<Link>, Fault> {
        let is_stale = link.is_stale();
        let origin = link.origin();
        match link {
            Link::Http1(_) => self.core.count_reopened(),
            // The stream was refused, and the connection is as good as before.
            Link::Http2(_) if self.core.pool.is_none() && !is_stale => return Ok(Some(link)),
            Link::Http2(_) => {
                if self.core.pool.is_none() {
                    self.core.count_reopened();
                }
                self.give_back(link, false);
                return self.kept_connection(origin).await;
            }
        }
        Ok(None)
    }

    fn wanted(&self) -> Wanted {
        let limits = &self.core.plan.network.limits;
        let mut content = Content::new(limits.body_bytes, limits.decoded_bytes);
        let keeps_all = self.core.script.is_some();
        let fields = if self.request.looks_into.fields || keeps_all {
            KeepFields::All
        } else if self.keeps_cookies() || self.request.looks_into.body {
            KeepFields::Cookies
        } else {
            KeepFields::CookiesOfErrors
        };
        let keeps = if self.request.looks_into.body || keeps_all {
            content.kept = self.core.take_buffer();
            content.kept.clear();
            |_| Keep::All
        } else {
            |status| {
                if status >= 400 {
                    Keep::Excerpt
                } else {
                    Keep::Nothing
                }
            }
        };
        Wanted {
            name: self.request.name,
            to_head: &*self.request.method == "HEAD",
            keeps,
            content,
            fields,
        }
    }

    fn deadlines(&self) -> Deadlines {
        let timeouts = &self.core.plan.network.timeouts;
        let whole = self.request.timeout.unwrap_or(timeouts.total);
        // What brunt itself stood still is not the service's time.
        let stood_still_ns = self.core.pacer.stood_still_ns(self.dispatched_ns, u64::MAX);
        let begun_ns = self.dispatched_ns.saturating_add(stood_still_ns);
        Deadlines {
            whole_ns: begun_ns.saturating_add(nanoseconds(whole)),
            first_byte_timeout_ns: timeouts.first_byte.map(nanoseconds),
        }
    }

    /// A connection that was kept; in a shared pool, the place of one at least.
    async fn kept_connection(&mut self, origin: usize) -> Result<Option<Link>, Fault> {
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

    fn give_back(&mut self, link: Link, keeps: bool) {
        if let Some(pool) = &self.core.pool {
            pool.give_back(self.core, link, keeps);
        } else if keeps && self.core.plan.network.connections != Connections::PerRequest {
            self.belongings.keeper.put(link);
        }
    }

    async fn open(&mut self, origin: usize) -> Result<Link, Fault> {
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
        if let Some(pool) = &core.pool {
            match &opened {
                Ok(link) => pool.share(core, link),
                Err(_) => pool.give_up(core, origin),
            }
        }
        opened
    }
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
