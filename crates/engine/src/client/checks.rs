//! Checks and extractions: whether a response meets the checks of the scenario, and the variables set from it.

use std::borrow::Cow;
use std::pin::pin;

use brunt_record::FailureKind;
use brunt_scenario::{
    BodyText, EvalError, JsonMatches, JsonQuery, JsonTooLarge, Request, ResponseView,
};

use super::context::WorkerContext;
use super::parser_thread;
use super::session::UserSession;
use crate::http::{DecodeError, Response, ResponseBody};
use crate::net::error::{RejectedResponse, RequestError};
use crate::time::timers::TimerSlot;

/// Decoded size, in bytes, above which the parser thread decodes and parses a body.
const LARGE_BYTES: u64 = 256 << 10;

/// The outcome of a check.
pub(super) enum CheckOutcome {
    /// All checks were run. Contains the first error, if there is one.
    Done(Option<RequestError>),
    /// The body is large; nothing was checked.
    IsLarge(Box<Response>),
}

/// A large body after decoding, with the values that the request's JSON paths match.
struct Parsed {
    body: Vec<u8>,
    text: BodyText,
    matches: Option<Result<JsonMatches, JsonTooLarge>>,
}

/// Number of bytes of a checked body that are kept for a failure example, long enough to find secrets by their names.
const EVIDENCE_BYTES: usize = 16 << 10;

/// Checks the response to a user's request.
pub(super) struct ResponseCheck<'a> {
    pub(super) context: &'a WorkerContext,
    pub(super) slot: TimerSlot,
    pub(super) request: &'a Request,
    pub(super) session: &'a mut UserSession,
    /// Present if an extraction reads it.
    pub(super) place: Option<&'a ResponsePlace>,
}

/// The URL of a response, and the user's cookies for it.
#[derive(Debug)]
pub(super) struct ResponsePlace {
    pub(super) url: String,
    /// As a `Cookie` header sends them.
    pub(super) cookies: Vec<u8>,
}

impl ResponseCheck<'_> {
    /// Checks a response and, if all checks pass, runs the extractions.
    #[inline]
    pub(super) fn run(&mut self, mut response: Response, took_ns: u64) -> CheckOutcome {
        let request = self.request;
        if !request.accepted.contains(response.status) {
            let text = format!(
                "status {}, accepted {}",
                response.status,
                request.accepted.in_words()
            );
            return CheckOutcome::Done(Some(RequestError {
                code: response.status,
                response: Some(Box::new(RejectedResponse {
                    status: response.status,
                    fields: response.fields,
                    content: response.content.kept,
                })),
                ..RequestError::new(FailureKind::Status, text)
            }));
        }
        if request.checks.is_empty() && request.extracts.is_empty() {
            return CheckOutcome::Done(None);
        }
        let decoded = response
            .content
            .decoded_within(&response.encoding, LARGE_BYTES);
        if matches!(decoded, Err(DecodeError::TooLarge { .. })) {
            drop(decoded);
            return CheckOutcome::IsLarge(Box::new(response));
        }
        let error = match decoded {
            Ok(body) => {
                let seen = ResponseView::new(response.status, &response.fields, &body, took_ns)
                    .with_charset(response.charset);
                self.check_decoded(&placed(seen, self.place), &body)
            }
            Err(error) => Some(decode_error(&error)),
        };
        self.context
            .give_buffer(std::mem::take(&mut response.content.kept));
        CheckOutcome::Done(error)
    }

    /// Same as [`Self::run`] for a large body: the parser thread decodes and parses it while other users continue.
    pub(super) async fn run_large(
        &mut self,
        mut response: Response,
        took_ns: u64,
    ) -> Option<RequestError> {
        let query = self.request.json_query();
        let content = std::mem::take(&mut response.content);
        let encoding = std::mem::take(&mut response.encoding);
        let charset = response.charset;
        let parse = move || {
            let body = decoded(content, &encoding)?;
            let text = BodyText::new(&body, charset);
            let matches = query.map(|query| {
                let _reserved = parser_thread::reserve(JsonQuery::memory_max(body.len()));
                query.run(text.json(&body))
            });
            Ok::<_, DecodeError>(Parsed {
                body,
                text,
                matches,
            })
        };
        let parsing = match self.context.parser.run(parse) {
            Ok(parsing) => parsing,
            Err(error) => return Some(parser_error(&error.to_string())),
        };
        let parsing = pin!(parsing);
        let parsing = self.context.net.timers.until_aborted(self.slot, parsing);
        let Parsed {
            body,
            text,
            matches,
        } = match parsing.await {
            Ok(Ok(Ok(parsed))) => parsed,
            Ok(Ok(Err(error))) => return Some(decode_error(&error)),
            Ok(Err(_)) => return Some(parser_error("the parser panicked")),
            Err(_) => {
                let text = "the run ended before the response was parsed";
                return Some(RequestError::new(FailureKind::Aborted, text));
            }
        };
        let seen = ResponseView::new(response.status, &response.fields, &body, took_ns)
            .with_charset(response.charset)
            .with_text(text);
        let seen = match matches {
            Some(Ok(matches)) => seen.with_matches(matches),
            Some(Err(error)) => {
                return Some(RequestError::new(
                    FailureKind::ResponseTooLarge,
                    error.to_string(),
                ));
            }
            None => seen,
        };
        self.check_decoded(&placed(seen, self.place), &body)
    }

    /// Runs the checks and the extractions on a decoded response. Returns the first error.
    #[inline]
    fn check_decoded(&mut self, seen: &ResponseView, body: &[u8]) -> Option<RequestError> {
        let unmet = self.check(seen).or_else(|| self.extract(seen));
        unmet.map(|unmet| RequestError {
            response: Some(Box::new(RejectedResponse {
                status: seen.status(),
                fields: seen.fields().to_vec(),
                content: body[..body.len().min(EVIDENCE_BYTES)].to_vec(),
            })),
            ..unmet
        })
    }

    /// Runs the checks. Returns the first one that fails; the error code is its number, counted from 1.
    fn check(&mut self, seen: &ResponseView) -> Option<RequestError> {
        let mut scope = self.session.scope(&self.context.shared_data);
        for (number, check) in (1u16..).zip(&self.request.checks) {
            match check.fault(seen, &mut scope) {
                Ok(None) => {}
                Ok(Some(text)) => return Some(check_error(number, text)),
                Err(halt) => return Some(evaluation_error(number, halt)),
            }
        }
        None
    }

    /// Sets the extracted variables. Returns an error if a value is missing.
    fn extract(&mut self, seen: &ResponseView) -> Option<RequestError> {
        for extract in &self.request.extracts {
            let value = extract.value(seen, &mut self.session.scope(&self.context.shared_data));
            match value {
                Ok(Ok(value)) => self.session.state.variables[extract.variable.index()] = value,
                Ok(Err(missing)) => return Some(check_error(0, missing)),
                Err(halt) => return Some(evaluation_error(0, halt)),
            }
        }
        None
    }
}

/// A response with its URL and cookies, if an extraction reads them.
fn placed<'a>(seen: ResponseView<'a>, place: Option<&'a ResponsePlace>) -> ResponseView<'a> {
    match place {
        Some(place) => seen.with_place(&place.url, &place.cookies),
        None => seen,
    }
}

/// The error of the check with this number.
fn check_error(number: u16, text: String) -> RequestError {
    RequestError {
        code: number,
        ..RequestError::new(FailureKind::Check, text)
    }
}

/// The error of a check, or of a default value, whose expression cannot be evaluated.
fn evaluation_error(number: u16, halt: EvalError) -> RequestError {
    match halt {
        EvalError::Failed(text) => check_error(number, text),
        EvalError::Unreadable(text) => RequestError::new(FailureKind::UnreadableFile, text),
        EvalError::StopUser | EvalError::StopTest => check_error(
            number,
            "the data source has no rows left to compare with".to_owned(),
        ),
    }
}

/// Decodes a body. It is copied only if it is encoded.
fn decoded(content: ResponseBody, encodings: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let decoded = match content.decoded(encodings)? {
        Cow::Owned(body) => Some(body),
        Cow::Borrowed(_) => None,
    };
    Ok(decoded.unwrap_or(content.kept))
}

fn parser_error(reason: &str) -> RequestError {
    let text = format!("cannot parse a large response: {reason}");
    RequestError::new(FailureKind::Client, text)
}

fn decode_error(error: &DecodeError) -> RequestError {
    let kind = match error {
        DecodeError::TooLarge { .. } => FailureKind::ResponseTooLarge,
        DecodeError::Broken { .. } => FailureKind::ProtocolError,
        DecodeError::Unknown(_) => FailureKind::Check,
    };
    RequestError::new(kind, error.to_string())
}
