//! A dialogue: requests on a session, and what becomes of them as a server says something. For tests and the fuzzer.

use brunt_record::NameId;

use super::request_headers::RequestHeads;
use super::state::{Outcome, Session};
use super::streams::Slot;
use crate::http::response_options::Wanted;
use crate::http1::{Content, Keep, KeepFields};
use crate::time::timers::Seat;

const HEAD: &[u8] = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

/// Larger contents are too large.
const CONTENT_BYTES_MAX: u64 = 16 << 20;

/// Requests on a session.
pub struct Dialogue {
    pub(super) session: Session,
    heads: RequestHeads,
    pub(super) slots: Vec<Slot>,
}

impl Dialogue {
    /// So many requests are made, on streams 1, 3, …
    pub fn of(requests: u32) -> Self {
        let mut dialogue = Self {
            session: Session::new(false),
            heads: RequestHeads::default(),
            slots: Vec::new(),
        };
        (0..requests).for_each(|_| dialogue.ask(HEAD));
        dialogue
    }

    /// Another request with a head of HTTP/1.1, which is sent at once.
    pub fn ask(&mut self, head: &[u8]) {
        let wanted = Wanted {
            name: NameId(0),
            to_head: false,
            keeps: |_| Keep::All,
            content: Content::new(CONTENT_BYTES_MAX, CONTENT_BYTES_MAX),
            fields: KeepFields::All,
        };
        let by = (Seat::of(0), wanted);
        let opened = self
            .session
            .open(&mut self.heads, (NameId(0), head), true, by);
        // One that HTTP/2 cannot carry is none.
        self.slots.extend(opened.ok());
        let all = self.session.outgoing().len();
        self.session.wrote(all, 1, |_| {});
    }

    /// The server says something.
    ///
    /// # Errors
    /// What of it HTTP/2 does not know.
    pub fn hear(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let heard = self.session.hear(bytes, 2, |_| {});
        heard.map_err(|breach| breach.what)
    }

    /// What is said to the server next.
    pub fn says(&self) -> &[u8] {
        self.session.outgoing()
    }

    /// Ends a request; whether it was answered with 200.
    pub fn ends_well(&mut self) -> bool {
        let closed = self
            .slots
            .pop()
            .and_then(|slot| self.session.close(slot, |_| {}));
        matches!(closed, Some((_, Outcome::Answered(answer))) if answer.status == 200)
    }

    /// What became of each request, all of which end.
    pub fn outcomes(&mut self) -> Vec<String> {
        let slots = std::mem::take(&mut self.slots);
        let outcomes = slots.into_iter().map(|slot| {
            let closed = self.session.close(slot, |_| {});
            closed.map_or_else(|| "closed".to_owned(), |(_, outcome)| told(&outcome))
        });
        outcomes.collect()
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(answer) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (fields, content) = (text(&answer.fields), text(&answer.content.kept));
            format!("{} {fields}{content}", answer.status)
        }
        Outcome::Bad(bad) => format!("bad: {bad}"),
        Outcome::Reset(reason) => format!("reset: {reason}"),
        Outcome::Unprocessed => "unprocessed".to_owned(),
        Outcome::Open => "open".to_owned(),
    }
}
