//! Inspection: whether an answer is as it has to be, and what is taken of it.

use std::borrow::Cow;
use std::pin::pin;

use brunt_record::FailureKind;
use brunt_scenario::{Halt, JsonMatches, JsonQuery, JsonTooLarge, Seen};

use super::Exchange;
use crate::client::failure_example::Evidence;
use crate::client::parser_thread;
use crate::http1::{Answer, Content, DecodeError};
use crate::net::error::Fault;

/// A body of more bytes, decoded, is decoded and parsed by the parser thread.
const LARGE_BYTES: u64 = 256 << 10;

/// What came of an inspection.
pub(super) enum Inspected {
    /// What is wrong with the answer; `None` if nothing is.
    Done(Option<Fault>),
    /// The body is large: nothing was looked into.
    IsLarge(Box<Answer>),
}

/// A large body, decoded, and what the paths of its request find in it.
struct Parsed {
    body: Vec<u8>,
    matches: Option<Result<JsonMatches, JsonTooLarge>>,
}

/// Of a body that was looked into, so much is kept for an example: secrets are found in it by their names.
const EVIDENCE_BYTES: usize = 16 << 10;

impl Exchange<'_> {
    /// Whether an answer is as it has to be. What is wanted of it is taken then.
    #[inline]
    pub(super) fn look_into(&mut self, mut answer: Answer, took_ns: u64) -> Inspected {
        let request = self.request;
        if !request.accepted.contains(answer.status) {
            let text = format!(
                "status {}, accepted {}",
                answer.status,
                request.accepted.in_words()
            );
            return Inspected::Done(Some(Fault {
                code: answer.status,
                evidence: Some(Box::new(Evidence {
                    status: answer.status,
                    fields: answer.fields,
                    content: answer.content.kept,
                })),
                ..Fault::new(FailureKind::Status, text)
            }));
        }
        if request.checks.is_empty() && request.extracts.is_empty() {
            return Inspected::Done(None);
        }
        let decoded = answer.content.decoded_within(&answer.encoding, LARGE_BYTES);
        if matches!(decoded, Err(DecodeError::TooLarge { .. })) {
            drop(decoded);
            return Inspected::IsLarge(Box::new(answer));
        }
        let fault = match decoded {
            Ok(body) => {
                let seen = Seen::new(answer.status, &answer.fields, &body, took_ns);
                self.judge(&seen, &body)
            }
            Err(error) => Some(undecoded(&error)),
        };
        self.core
            .give_buffer(std::mem::take(&mut answer.content.kept));
        Inspected::Done(fault)
    }

    /// The same for a large body, which the parser thread decodes and parses while other users go on.
    pub(super) async fn look_into_large(
        &mut self,
        mut answer: Answer,
        took_ns: u64,
    ) -> Option<Fault> {
        let query = JsonQuery::new(self.request);
        let content = std::mem::take(&mut answer.content);
        let encoding = std::mem::take(&mut answer.encoding);
        let parse = move || {
            let body = decoded(content, &encoding)?;
            let matches = query.map(|query| {
                let _reserved = parser_thread::reserve(JsonQuery::memory_max(body.len()));
                query.run(&body)
            });
            Ok::<_, DecodeError>(Parsed { body, matches })
        };
        let parsing = match self.core.parser.run(parse) {
            Ok(parsing) => parsing,
            Err(error) => return Some(unparsed(&error.to_string())),
        };
        let parsing = pin!(parsing);
        let parsing = self.core.pacer.unless_aborted(self.seat, parsing);
        let Parsed { body, matches } = match parsing.await {
            Ok(Ok(Ok(parsed))) => parsed,
            Ok(Ok(Err(error))) => return Some(undecoded(&error)),
            Ok(Err(_)) => return Some(unparsed("it panicked")),
            Err(_) => {
                let text = "the run ended before the response was parsed";
                return Some(Fault::new(FailureKind::Aborted, text));
            }
        };
        let seen = Seen::new(answer.status, &answer.fields, &body, took_ns);
        let seen = match matches {
            Some(Ok(matches)) => seen.with_matches(matches),
            Some(Err(error)) => {
                return Some(Fault::new(FailureKind::ResponseTooLarge, error.to_string()));
            }
            None => seen,
        };
        self.judge(&seen, &body)
    }

    /// What is wrong with a decoded answer; `None` if nothing is.
    #[inline]
    fn judge(&mut self, seen: &Seen, body: &[u8]) -> Option<Fault> {
        let unmet = self.check(seen).or_else(|| self.extract(seen));
        unmet.map(|unmet| Fault {
            evidence: Some(Box::new(Evidence {
                status: seen.status(),
                fields: seen.fields().to_vec(),
                content: body[..body.len().min(EVIDENCE_BYTES)].to_vec(),
            })),
            ..unmet
        })
    }

    /// What is wrong with the first check that does not hold; the code is its number, from 1.
    fn check(&mut self, seen: &Seen) -> Option<Fault> {
        let mut scope = self.belongings.scope(self.core);
        for (number, check) in (1u16..).zip(&self.request.checks) {
            match check.fault(seen, &mut scope) {
                Ok(None) => {}
                Ok(Some(text)) => return Some(unmet(number, text)),
                Err(halt) => return Some(halted(number, halt)),
            }
        }
        None
    }

    /// Takes what is wanted of an answer; what is missing, where something is.
    fn extract(&mut self, seen: &Seen) -> Option<Fault> {
        for extract in &self.request.extracts {
            let value = extract.value(seen, &mut self.belongings.scope(self.core));
            match value {
                Ok(Ok(value)) => self.belongings.life.variables[extract.slot.index()] = value,
                Ok(Err(missing)) => return Some(unmet(0, missing)),
                Err(halt) => return Some(halted(0, halt)),
            }
        }
        None
    }
}

/// A check, by its number, that does not hold.
fn unmet(number: u16, text: String) -> Fault {
    Fault {
        code: number,
        ..Fault::new(FailureKind::Check, text)
    }
}

/// A check or a default whose expression gives no value.
fn halted(number: u16, halt: Halt) -> Fault {
    match halt {
        Halt::Failed(text) => unmet(number, text),
        Halt::Unreadable(text) => Fault::new(FailureKind::UnreadableFile, text),
        Halt::StopUser | Halt::StopTest => {
            unmet(number, "there is no row left to compare with".to_owned())
        }
    }
}

/// A content, decoded; it is not copied if it was not encoded.
fn decoded(content: Content, encodings: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let decoded = match content.decoded(encodings)? {
        Cow::Owned(body) => Some(body),
        Cow::Borrowed(_) => None,
    };
    Ok(decoded.unwrap_or(content.kept))
}

fn unparsed(reason: &str) -> Fault {
    let text = format!("the thread that parses large responses failed: {reason}");
    Fault::new(FailureKind::Client, text)
}

fn undecoded(error: &DecodeError) -> Fault {
    let kind = match error {
        DecodeError::TooLarge { .. } => FailureKind::ResponseTooLarge,
        DecodeError::Broken { .. } => FailureKind::ProtocolError,
        DecodeError::Unknown(_) => FailureKind::Check,
    };
    Fault::new(kind, error.to_string())
}
