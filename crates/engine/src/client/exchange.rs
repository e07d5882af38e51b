//! An exchange: one request as the user sees it, with connection setup and redirects, from its intended start to the
//! recorded sample.

use brunt_record::{FailureKind, Sample};
use brunt_scenario::{EvalError, RenderedRequest, Request, Secrets};
use url::Url;

use super::checks::{CheckOutcome, ResponseCheck, ResponsePlace};
use super::context::WorkerContext;
use super::cookies;
use super::failure_example;
use super::redirects::{other_origin, redirect, redirect_error, redirect_target};
use super::request_sender::RequestSender;
use super::session::UserSession;
use super::trace::{ExchangeTrace, HopTrace, ResponseTrace, TraceRecorder};
use crate::connections::connector::ConnectTimings;
use crate::http::request_context::RequestTimings;
use crate::http::{Response, ResponseVersion};
use crate::net::error::RequestError;
use crate::time::timers::TimerSlot;

/// One request in flight.
pub(crate) struct Exchange<'a> {
    sender: RequestSender<'a>,
    /// Present if an extraction reads it.
    place: Option<Box<ResponsePlace>>,
}

/// The outcome of an exchange.
pub(crate) enum ExchangeOutcome {
    /// The response passed all checks.
    Succeeded,
    /// The request failed.
    Failed(RequestError),
    /// The request was not sent, because its user or the test is about to stop.
    Stopped(EvalError),
}

impl<'a> Exchange<'a> {
    /// Runs and records the exchange of a request, given its intended start and its dispatch time. Returns when it was
    /// done, and its outcome. `shows_error`: the outcome contains the text of an error.
    #[inline]
    pub(crate) async fn run(
        context: &'a WorkerContext,
        slot: TimerSlot,
        request: &'a Request,
        session: &'a mut UserSession,
        (intended_ns, dispatched_ns): (u64, u64),
        shows_error: bool,
    ) -> (u64, ExchangeOutcome) {
        let net = &context.net;
        net.timers.start_request(slot, intended_ns);
        let uploads = context.uploads_of(request);
        let mut rendered = context.take_request();
        let rendering = context.render(request, &uploads, session, &mut rendered);
        let mut exchange = Exchange {
            place: None,
            sender: RequestSender {
                context,
                slot,
                request,
                session,
                uploads,
                dispatched_ns,
                connect_timings: ConnectTimings::default(),
                timings: RequestTimings::default(),
                wire_requests: 0,
            },
        };
        let result = match rendering {
            Ok(()) => exchange.send_and_follow(&mut rendered).await,
            Err(EvalError::Failed(text)) => Err(RequestError::new(FailureKind::Check, text)),
            Err(EvalError::Unreadable(text)) => {
                Err(RequestError::new(FailureKind::UnreadableFile, text))
            }
            Err(stop) => {
                net.timers.end_request(slot);
                context.give_request(rendered);
                return (net.clock.now_ns(), ExchangeOutcome::Stopped(stop));
            }
        };
        // A response is done with its last byte; what brunt does afterwards is not part of the response time.
        let last_byte_ns = exchange.sender.timings.last_byte_ns;
        let last_byte_ns = last_byte_ns.filter(|_| result.is_ok());
        let done_ns = last_byte_ns.unwrap_or_else(|| net.clock.now_ns());
        net.timers.observe(done_ns);
        net.timers.end_request(slot);
        let took_ns = done_ns.saturating_sub(intended_ns);
        let response_trace = exchange.response_trace(&result, took_ns);
        let mut error = match result {
            Ok(response) => exchange.check(response, took_ns).await,
            Err(error) => Some(error),
        };
        if let Some(trace) = &context.trace {
            let secrets = exchange.secrets(error.as_ref(), &rendered);
            let exchange = exchange.trace(&rendered, response_trace, error.as_ref());
            trace.keep(exchange, &secrets);
        }
        let sample = exchange.sample((intended_ns, done_ns), error.as_ref());
        context.record(&sample, error.as_ref(), |error| {
            let line = rendered.method_and_path();
            failure_example::of(error, &line, &exchange.secrets(Some(error), &rendered))
        });
        if let Some(error) = error.as_mut().filter(|_| shows_error) {
            error.text = exchange.text_of(error, &rendered);
        }
        context.give_request(rendered);
        let outcome = error.map_or(ExchangeOutcome::Succeeded, ExchangeOutcome::Failed);
        (done_ns, outcome)
    }

    /// Checks a response and runs the extractions. Returns the first error.
    #[inline]
    async fn check(&mut self, response: Response, took_ns: u64) -> Option<RequestError> {
        let mut check = ResponseCheck {
            context: self.sender.context,
            slot: self.sender.slot,
            request: self.sender.request,
            session: self.sender.session,
            place: self.place.as_deref(),
        };
        match check.run(response, took_ns) {
            CheckOutcome::Done(error) => error,
            // Rare: boxed, so that it does not make every user larger.
            CheckOutcome::IsLarge(response) => Box::pin(check.run_large(*response, took_ns)).await,
        }
    }

    /// The sample to record.
    #[inline]
    fn sample(&self, (intended_ns, done_ns): (u64, u64), error: Option<&RequestError>) -> Sample {
        let RequestSender {
            context,
            request,
            dispatched_ns,
            ref connect_timings,
            ref timings,
            wire_requests,
            ..
        } = self.sender;
        let stall = context.net.timers.stall();
        Sample {
            name: request.name,
            intended_ns,
            dispatched_ns,
            sent_ns: timings.sent_ns,
            first_byte_ns: timings.first_byte_ns,
            done_ns,
            connect_ns: connect_timings.connect_ns,
            tls_ns: connect_timings.tls_ns,
            generator_stall_ns: stall.stalled_ns(dispatched_ns, done_ns),
            failure: error.map(|error| error.kind),
            wire_requests,
            bytes_sent: timings.bytes_sent,
            bytes_received: timings.bytes_received,
        }
    }

    /// The secrets of the exchange; `rendered` is the request as it was last sent.
    fn secrets(&self, error: Option<&RequestError>, rendered: &RenderedRequest) -> Secrets {
        let response = error.and_then(|error| error.response.as_deref());
        let RequestSender {
            context, request, ..
        } = self.sender;
        let sent = (request, rendered);
        failure_example::secrets_of_exchange(&context.plan, self.sender.session, sent, response)
    }

    /// The error with the start of the response body, secrets masked.
    fn text_of(&self, error: &RequestError, rendered: &RenderedRequest) -> String {
        failure_example::text_of(error, &self.secrets(Some(error), rendered))
    }

    /// The trace of the response, in a smoke run.
    #[inline]
    fn response_trace(
        &mut self,
        result: &Result<Response, RequestError>,
        took_ns: u64,
    ) -> Option<ResponseTrace> {
        let context = self.sender.context;
        context.trace.as_ref()?;
        let response = result.as_ref().ok()?;
        let mut scope = self.sender.session.scope(&context.shared_data);
        let trace = ResponseTrace::new(response, took_ns, self.sender.request, &mut scope);
        Some(trace)
    }

    fn trace(
        &self,
        rendered: &RenderedRequest,
        response: Option<ResponseTrace>,
        error: Option<&RequestError>,
    ) -> ExchangeTrace {
        let extracts = self.sender.request.extracts.iter();
        let slots = extracts.map(|extract| extract.variable.index());
        let extracted = slots.filter(|_| error.is_none()).map(|slot| {
            let name = self.sender.context.plan.variables[slot].clone();
            let value = self.sender.session.state.variables[slot].json_text();
            (name, value)
        });
        let trace = self.sender.context.trace.as_ref();
        let mut hops = trace.map_or_else(Vec::new, TraceRecorder::take_hops);
        if hops.is_empty() {
            hops.push(HopTrace::new(rendered, ResponseVersion::Http11));
        }
        ExchangeTrace {
            name: self.sender.request.name,
            hops,
            response,
            failed: error.map(|error| (error.kind, self.text_of(error, rendered))),
            extracted: extracted.collect(),
        }
    }

    /// Sends the request and follows its redirects.
    async fn send_and_follow(
        &mut self,
        rendered: &mut RenderedRequest,
    ) -> Result<Response, RequestError> {
        let request = self.sender.request;
        let redirects_max = request.redirects;
        let origins = &self.sender.context.net.origins;
        let (mut origin, _) = origins.host(request.host);
        let (mut url, mut redirects) = (None, 0);
        let keeps_cookies = self.sender.keeps_cookies();
        if let Some(named) = rendered.take_other_url() {
            origin = other_origin(origins, &named)?;
            let host = &origins.all()[origin].host_header;
            // 307: it keeps its method and its body.
            redirect(rendered, &request.headers, (&named, 307), Some(host), false);
            url = Some(*named);
        }
        loop {
            if keeps_cookies && self.sender.session.state.jar.is_some() {
                self.send_cookies(rendered, url.as_ref());
            }
            let response = self.sender.send(rendered, origin).await?;
            if keeps_cookies && cookies::sets_any(&response.fields) {
                self.take_cookies(&response, rendered, url.as_ref());
            }
            let Some(location) = response.location.as_deref().filter(|_| redirects_max > 0) else {
                if request.response_needs.url {
                    self.place = Some(Box::new(self.place_of(rendered, url.as_ref())));
                }
                return Ok(response);
            };
            if redirects == redirects_max {
                let text = format!("cannot follow more than {redirects} redirects");
                return Err(redirect_error(response.status, text));
            }
            redirects += 1;
            let (next, next_origin) = self
                .redirect_target_of(rendered, url.as_ref(), location)
                .map_err(|text| redirect_error(response.status, text))?;
            let host = &origins.all()[next_origin].host_header;
            let host = (next_origin != origin).then_some(host.as_str());
            let target = (&next, response.status);
            if !redirect(rendered, &request.headers, target, host, keeps_cookies) {
                self.sender.uploads.clear();
            }
            (url, origin) = (Some(next), next_origin);
        }
    }

    /// The URL of a response, and the user's cookies for it.
    fn place_of(&self, rendered: &RenderedRequest, redirected: Option<&Url>) -> ResponsePlace {
        let jar = self.sender.session.state.jar.as_ref();
        let cookie_url = self.cookie_url(rendered, redirected);
        let cookies = jar.and_then(|jar| jar.header_for(&cookie_url));
        ResponsePlace {
            url: self.url_of(rendered, redirected).into(),
            cookies: cookies.unwrap_or_default(),
        }
    }

    fn redirect_target_of(
        &self,
        rendered: &RenderedRequest,
        redirected: Option<&Url>,
        location: &[u8],
    ) -> Result<(Url, usize), String> {
        let from = self.url_of(rendered, redirected);
        redirect_target(&self.sender.context.net.origins, &from, location)
    }

    /// The URL of a request: the target of the last redirect, or the path on its host.
    fn url_of(&self, rendered: &RenderedRequest, redirected: Option<&Url>) -> Url {
        let origins = &self.sender.context.net.origins;
        if let Some(url) = redirected {
            return url.clone();
        }
        let (_, host) = origins.host(self.sender.request.host);
        let target = rendered.text(rendered.path());
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*target, None),
        };
        // Not joined: a path that begins with `//` would name another host.
        let mut url = host.clone();
        url.set_path(path);
        url.set_query(query);
        url
    }

    /// The URL to which the cookies of a request belong. Like curl, it has the host of the `Host` header if the scenario
    /// sets that.
    fn cookie_url(&self, rendered: &RenderedRequest, redirected: Option<&Url>) -> Url {
        let mut url = self.url_of(rendered, redirected);
        if self.sender.request.host_header.is_some() {
            let host = String::from_utf8_lossy(rendered.host());
            let named = Url::parse(&format!("{}://{host}", url.scheme())).ok();
            // A value that is not a host changes nothing.
            if let Some(host) = named.as_ref().and_then(Url::host_str) {
                url.set_host(Some(host)).ok();
            }
        }
        url
    }

    fn send_cookies(&self, rendered: &mut RenderedRequest, redirected: Option<&Url>) {
        let url = self.cookie_url(rendered, redirected);
        let jar = self.sender.session.state.jar.as_ref();
        if let Some(value) = jar.and_then(|jar| jar.header_for(&url)) {
            rendered.add_field(&self.sender.request.headers, "Cookie", &value);
        }
    }

    fn take_cookies(
        &mut self,
        response: &Response,
        rendered: &RenderedRequest,
        redirected: Option<&Url>,
    ) {
        let url = self.cookie_url(rendered, redirected);
        let jar = self.sender.session.state.jar.get_or_insert_default();
        let dropped = jar.take(&response.fields, &url);
        if dropped > 0 {
            self.sender.context.count_cookies_dropped(dropped);
        }
    }
}
