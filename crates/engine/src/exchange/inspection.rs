//! Inspection: whether an answer is as it has to be, and what is taken of it.

use record::FailureKind;
use scenario::{Halt, Seen};

use super::Exchange;
use crate::example;
use crate::fault::Fault;
use crate::http1::{Answer, DecodeError};

impl Exchange<'_> {
    /// Whether an answer is as it has to be; `None` where it is. What is wanted of it is taken then.
    #[inline]
    pub(super) fn look_into(
        &mut self,
        mut answer: Answer,
        bytes: &[u8],
        took_ns: u64,
    ) -> Option<Fault> {
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
}

/// Why an expression of a check or of a default gives no value.
fn words_of(halt: Halt) -> String {
    match halt {
        Halt::Failed(text) => text,
        Halt::StopUser | Halt::StopTest => "there is no row left to compare with".to_owned(),
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
