//! Endings: what it means for a request that its stream or its connection ended.

use brunt_record::FailureKind;

use super::error_code::Reason;
use super::recv::Breach;
use super::state::Account;
use crate::connections::connection::Fate;
use crate::net::error::Fault;

/// How a connection ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) how: How,
    /// Whether the server's system had all that was sent.
    pub(super) is_acknowledged: bool,
    /// Whether the server answered in the words of HTTP/1.x.
    pub(super) speaks_http1: bool,
    /// Why the server went away, where it said so.
    pub(super) goodbye: Option<Reason>,
}

#[derive(Debug)]
pub(super) enum How {
    /// The server closed it.
    Closed,
    Broken(Fault),
    Breach(Breach),
}

impl Ended {
    /// What becomes of a request that was under way.
    pub(super) fn of(&self, account: &Account) -> (Fault, Fate) {
        let fault = self.fault(account.bytes_received);
        let fate = if account.sent_ns.is_none() {
            Fate::Unprocessed { is_read: false }
        } else if account.first_byte_ns.is_none()
            && fault.kind == FailureKind::Closed
            && !self.is_acknowledged
        {
            Fate::Unread
        } else {
            Fate::Read
        };
        (fault, fate)
    }

    /// Why it ended, for a request of whose answer so many bytes came.
    pub(super) fn fault(&self, bytes_received: u64) -> Fault {
        if self.speaks_http1 {
            let text = "the server answered in HTTP/1.x: it does not know HTTP/2 beforehand; write http = \"1.1\"";
            return Fault::new(FailureKind::BadHttp, text);
        }
        match &self.how {
            How::Broken(fault) => fault.clone(),
            How::Closed => closed(bytes_received, self.goodbye),
            How::Breach(breach) => {
                let text = format!("what came is not as HTTP/2 has it: {}", breach.what);
                Fault::new(FailureKind::BadHttp, text)
            }
        }
    }
}

/// The connection was closed.
pub(super) fn closed(bytes_received: u64, goodbye: Option<Reason>) -> Fault {
    let mut text = match bytes_received {
        0 => "the server closed the connection without an answer".to_owned(),
        bytes => format!("the server closed the connection after {bytes} bytes of the answer"),
    };
    if let Some(reason) = goodbye {
        text.push_str(&format!(" (GOAWAY: {reason})"));
    }
    Fault::new(FailureKind::Closed, text)
}

/// The server reset the stream.
pub(super) fn reset(reason: Reason) -> (Fault, Fate) {
    let text = format!("the server reset the stream: {reason}");
    let fate = if reason == Reason::REFUSED_STREAM {
        Fate::Unprocessed { is_read: true }
    } else {
        Fate::Read
    };
    (Fault::new(FailureKind::Reset, text), fate)
}
