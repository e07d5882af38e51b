//! The trace of a smoke run: all requests and responses, with secrets masked.

use std::cell::RefCell;

use brunt_record::{FailureKind, NameId};
use brunt_scenario::{
    BodyText, EvalContext, MASK, Plan, Request, ResponseView, Secrets, is_sensitive_name,
};

use crate::http::Response;

/// Maximum number of exchanges kept per section.
const EXCHANGES_MAX: usize = 20;

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
    /// The request line and the header lines in HTTP/1.1 format.
    pub request_head: String,
    /// The request body, without the contents of files.
    pub request_body: String,
    /// The response; `None` if none was received completely.
    pub response: Option<ResponseTrace>,
    /// The error, if the request failed.
    pub failed: Option<(FailureKind, String)>,
    /// The extracted variables, with their values as JSON.
    pub extracted: Vec<(String, String)>,
}

/// A response.
#[derive(Debug)]
pub struct ResponseTrace {
    /// Status code.
    pub status: u16,
    /// Response time, in nanoseconds.
    pub took_ns: u64,
    /// Header fields, one per line.
    pub fields: String,
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
            fields: String::from_utf8_lossy(&response.fields).into_owned(),
            body: shown,
        }
    }
}

/// Collects the exchanges of a smoke run.
#[derive(Debug, Default)]
pub(crate) struct TraceRecorder {
    sections: RefCell<Vec<TraceSection>>,
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

    /// Keeps an exchange and its secrets.
    pub(crate) fn keep(&self, exchange: ExchangeTrace, own: &Secrets) {
        let mut secrets = self.secrets.borrow_mut();
        secrets.merge(own);
        if let Some(response) = &exchange.response {
            secrets.add_fields(&response.fields);
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
            exchange.request_head = secrets.mask_fields(&exchange.request_head);
            mask_all(&mut exchange.request_body);
            if let Some((_, text)) = &mut exchange.failed {
                mask(text);
            }
            if let Some(response) = &mut exchange.response {
                response.fields = secrets.mask_fields(&response.fields);
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
