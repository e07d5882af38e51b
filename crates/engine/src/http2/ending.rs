//! Endings: what it means for a request that its stream or its connection ended.

use h2::Reason;
use record::FailureKind;

use super::ledger::{Account, Ended, Ledger};
use crate::fault::Fault;
use crate::link::Fate;

/// What becomes of the request of a stream that ended with an error.
pub(super) fn of(
    error: &h2::Error,
    stream: u32,
    account: &Account,
    ledger: &Ledger,
) -> (Fault, Fate) {
    let fault = fault_of(error, account, ledger);
    let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    let is_unsent = account.sent_ns.is_none();
    if is_unsent || ledger.is_unprocessed(stream) || error.is_remote() && is_refused {
        return (fault, Fate::Refused);
    }
    let closed = [FailureKind::Closed, FailureKind::Reset];
    let fate =
        if error.is_reset() || account.first_byte_ns.is_some() || !closed.contains(&fault.kind) {
            Fate::Taken
        } else {
            Fate::Lost {
                acknowledged: ledger.is_acknowledged(),
            }
        };
    (fault, fate)
}

/// Why no stream could be opened.
pub(super) fn unopened(error: &h2::Error, ledger: &Ledger) -> Fault {
    fault_of(error, &Account::default(), ledger)
}

fn fault_of(error: &h2::Error, account: &Account, ledger: &Ledger) -> Fault {
    if ledger.speaks_http1() {
        let text = "the server answered in HTTP/1.x: it does not know HTTP/2 beforehand; write http = \"1.1\"";
        return Fault::new(FailureKind::BadHttp, text);
    }
    if error.is_library() {
        let text = format!("what came is not as HTTP/2 has it: {error}");
        return Fault::new(FailureKind::BadHttp, text);
    }
    if error.is_reset() {
        let reason = error.reason().unwrap_or(Reason::NO_ERROR);
        let text = format!("the server reset the stream: {}", name_of(reason));
        return Fault::new(FailureKind::Reset, text);
    }
    let text = closed_when(account, ledger);
    ledger.ended(|ended| match ended {
        Some(Ended::Broken(fault)) => fault.clone(),
        Some(Ended::Closed) => Fault::new(FailureKind::Closed, text),
        None => match error.get_io() {
            Some(error) if ledger.goodbye().is_none() => Fault::of(error),
            _ => Fault::new(FailureKind::Closed, text),
        },
    })
}

fn closed_when(account: &Account, ledger: &Ledger) -> String {
    let mut text = match account.bytes_received {
        0 => "the server closed the connection without an answer".to_owned(),
        bytes => format!("the server closed the connection after {bytes} bytes of the answer"),
    };
    if let Some(reason) = ledger.goodbye() {
        text.push_str(&format!(" (GOAWAY: {})", name_of(Reason::from(reason))));
    }
    text
}

/// The name of a reason, as RFC 9113 has it.
fn name_of(reason: Reason) -> String {
    format!("{reason:?}")
}
