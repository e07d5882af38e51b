//! The trace of a smoke run: all requests and responses, with secrets masked.

use std::cell::RefCell;

use brunt_record::{FailureKind, NameId};
use brunt_scenario::{
    BodyText, EvalContext, MASK, Plan, RenderedRequest, Request, ResponseView, Secrets,
    is_sensitive_name,
};

use crate::http::{Response, ResponseVersion};
use crate::http2::is_sent;

/// Maximum number of exchanges kept per section.
const EXCHANGES_MAX: usize = 20;
/// Maximum number of requests on the wire kept per exchange: more than the redirects and retries of any.
const HOPS_MAX: usize = 300;

/// A section of a smoke run: the set-up, a task, or the steps of a class before and after its tasks.
#[derive(Debug, Default)]
pub struct TraceSection {
    /// Title, such as `set-up` or `buyer, task 2`.
    pub title: String,
    /// The first exchanges.
    pub exchanges: Vec<ExchangeTrace>,
    /// Number of further exchanges, which are not kept.
    pub omitted: usize,
    /// Reason why the section was interrupted, if it was.
    pub interrupted: Option<String>,
}

/// A request and its outcome, with secrets masked.
#[derive(Debug)]
pub struct ExchangeTrace {
    /// Request name, by which the report groups.
    pub name: NameId,
    /// The requests on the wire, redirects and retries included, the last one last. If the request was not sent: what
    /// was rendered of it.
    pub hops: Vec<HopTrace>,
    /// The response to the last request; `None` if none was received completely.
    pub response: Option<ResponseTrace>,
    /// The error, if the request failed.
    pub failed: Option<(FailureKind, String)>,
    /// The extracted variables, with their values as JSON.
    pub extracted: Vec<(String, String)>,
}

/// A request on the wire, with secrets masked.
#[derive(Debug)]
pub struct HopTrace {
    /// The request line and the header lines in the format of HTTP/1.1.
    pub request_head: String,
    /// The request body, without the contents of files.
    pub request_body: String,
    /// The status line, without a reason phrase, and the header lines of the response; `None` if no response was
    /// received completely.
    pub response_head: Option<String>,
}

impl HopTrace {
    /// A request as it was rendered; `version`: that of its connection.
    pub(crate) fn new(rendered: &RenderedRequest, version: ResponseVersion) -> Self {
        let (head, body) = rendered.parts();
        let head = String::from_utf8_lossy(head);
        let request_head = match version {
            ResponseVersion::Http2 => head_of_http2(&head),
            _ => head.into_owned(),
        };
        Self {
            request_head,
            request_body: String::from_utf8_lossy(body).into_owned(),
            response_head: None,
        }
    }

    /// Adds the response.
    pub(crate) fn with_response(mut self, response: Option<&Response>) -> Self {
        self.response_head = response.map(|response| {
            let (version, status) = (response.version, response.status);
            let fields = String::from_utf8_lossy(&response.fields);
            format!("{version} {status}\r\n{fields}")
        });
        self
    }
}

/// The headers of a request as HTTP/2 carries them, in the format of HTTP/1.1.
fn head_of_http2(head: &str) -> String {
    let mut lines = head.split_inclusive("\r\n");
    let first = lines.next().unwrap_or_default();
    let mut text = first.replace(" HTTP/1.1\r\n", " HTTP/2\r\n");
    for line in lines {
        let is_sent = match line.split_once(':') {
            Some((name, value)) => is_sent(name, value.trim()),
            None => true,
        };
        if is_sent {
            text.push_str(line);
        }
    }
    text
}

/// A response.
#[derive(Debug)]
pub struct ResponseTrace {
    /// Status code.
    pub status: u16,
    /// Response time, in nanoseconds.
    pub took_ns: u64,
    /// The decoded body.
    pub body: String,
    /// The checks in words, and whether each passed.
    pub checks: Vec<(String, bool)>,
}

impl ResponseTrace {
    pub(crate) fn new(
        response: &Response,
        took_ns: u64,
        request: &Request,
        scope: &mut EvalContext,
    ) -> Self {
        let body = response
            .content
            .decoded(&response.encoding)
            .unwrap_or_default();
        let text = BodyText::new(&body, response.charset);
        let shown = String::from_utf8_lossy(text.text(&body)).into_owned();
        let matches = request
            .json_query()
            .map(|query| query.run(text.json(&body)));
        let seen = ResponseView::new(response.status, &response.fields, &body, took_ns)
            .with_charset(response.charset)
            .with_text(text);
        let (seen, checks) = match matches {
            Some(Ok(matches)) => (seen.with_matches(matches), &*request.checks),
            // The error of the request already reports this one.
            Some(Err(_)) => (seen, [].as_slice()),
            None => (seen, &*request.checks),
        };
        let checks = checks.iter().map(|check| {
            let words = check.in_words(&seen, scope);
            let words = words.unwrap_or_else(|_| "a check that cannot be evaluated".to_owned());
            (words, matches!(check.fault(&seen, scope), Ok(None)))
        });
        Self {
            status: response.status,
            took_ns,
            checks: checks.collect(),
            body: shown,
        }
    }
}

/// Collects the exchanges of a smoke run.
#[derive(Debug, Default)]
pub(crate) struct TraceRecorder {
    sections: RefCell<Vec<TraceSection>>,
    /// Requests on the wire of the exchange in flight.
    hops: RefCell<Vec<HopTrace>>,
    /// The secrets of all exchanges.
    secrets: RefCell<Secrets>,
}

impl TraceRecorder {
    /// Starts a section.
    pub(crate) fn begin(&self, title: String) {
        self.sections.borrow_mut().push(TraceSection {
            title,
            ..TraceSection::default()
        });
    }

    /// Ends the section; `interrupted`: the reason, if it was interrupted.
    pub(crate) fn end(&self, interrupted: Option<String>) {
        if let Some(section) = self.sections.borrow_mut().last_mut() {
            section.interrupted = interrupted;
        }
    }

    /// Keeps a request on the wire of the exchange in flight.
    pub(crate) fn keep_hop(&self, hop: HopTrace) {
        let mut hops = self.hops.borrow_mut();
        if hops.len() < HOPS_MAX {
            hops.push(hop);
        }
    }

    /// Takes the requests on the wire of the exchange that has ended.
    pub(crate) fn take_hops(&self) -> Vec<HopTrace> {
        self.hops.take()
    }

    /// Keeps an exchange and its secrets.
    pub(crate) fn keep(&self, exchange: ExchangeTrace, own: &Secrets) {
        let mut secrets = self.secrets.borrow_mut();
        secrets.merge(own);
        for hop in &exchange.hops {
            secrets.add_fields(&hop.request_head);
            secrets.add_body(hop.request_body.as_bytes());
            if let Some(head) = &hop.response_head {
                secrets.add_fields(head);
            }
        }
        if let Some(response) = &exchange.response {
            secrets.add_body(response.body.as_bytes());
        }
        let mut sections = self.sections.borrow_mut();
        match sections.last_mut() {
            Some(section) if section.exchanges.len() < EXCHANGES_MAX => {
                section.exchanges.push(exchange);
            }
            Some(section) => section.omitted += 1,
            None => {}
        }
    }

    /// Takes the sections, with all secrets masked.
    pub(crate) fn take(&self, plan: &Plan) -> Vec<TraceSection> {
        let mut secrets = Secrets::over(&plan.secrets.known);
        secrets.merge(&self.secrets.take());
        let mut sections = self.sections.take();
        sections
            .iter_mut()
            .for_each(|section| section.mask(&secrets));
        sections
    }
}

impl TraceSection {
    fn mask(&mut self, secrets: &Secrets) {
        let mask_all = |text: &mut String| *text = secrets.mask(text);
        // Some of the bodies are cut.
        let mask = |text: &mut String| *text = secrets.mask_cut(text);
        self.interrupted.iter_mut().for_each(mask);
        for exchange in &mut self.exchanges {
            for hop in &mut exchange.hops {
                hop.request_head = secrets.mask_fields(&hop.request_head);
                mask_all(&mut hop.request_body);
                if let Some(head) = &mut hop.response_head {
                    *head = secrets.mask_fields(head);
                }
            }
            if let Some((_, text)) = &mut exchange.failed {
                mask(text);
            }
            if let Some(response) = &mut exchange.response {
                mask(&mut response.body);
                response.checks.iter_mut().for_each(|(text, _)| mask(text));
            }
            for (name, text) in &mut exchange.extracted {
                if is_sensitive_name(name) {
                    *text = format!("\"{MASK}\"");
                } else {
                    mask(text);
                }
            }
        }
    }

    /// Whether all exchanges succeeded.
    pub fn succeeded(&self) -> bool {
        let failed = |exchange: &ExchangeTrace| exchange.failed.is_some();
        self.interrupted.is_none() && !self.exchanges.iter().any(failed)
    }
}
