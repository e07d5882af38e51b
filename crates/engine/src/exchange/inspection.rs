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
                let unmet = self.check(&seen).or_else(|| self.extract(&seen));
                unmet.map(|unmet| Fault {
                    text: example::of_check(&unmet.text, &body, bytes),
                    ..unmet
                })
            }
            Err(error) => Some(undecoded(&error)),
        };
        self.core
            .give_buffer(std::mem::take(&mut answer.content.kept));
        fault
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
        kind: FailureKind::Check,
        code: number,
        text,
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

fn undecoded(error: &DecodeError) -> Fault {
    let kind = match error {
        DecodeError::TooLarge { .. } => FailureKind::TooLarge,
        DecodeError::Broken { .. } => FailureKind::BadHttp,
        DecodeError::Unknown(_) => FailureKind::Check,
    };
    Fault::new(kind, error.to_string())
}
