//! A test harness: requests on the state of a connection without a socket, for tests, the fuzzer and benches.

use brunt_record::NameId;
use brunt_scenario::{HeaderTemplate, RenderedRequest};

use super::request_headers::HeaderEncoder;
use super::state::{ConnectionState, Outcome};
use super::streams::StreamSlot;
use crate::http::response::ResponseOptions;
use crate::http::{BodyCapture, HeaderCapture, ResponseBody};
use crate::time::timers::TimerSlot;

/// Maximum size of a body, in bytes.
const CONTENT_BYTES_MAX: u64 = 16 << 20;

/// Requests on the state of a connection, and their outcomes after frames of a server.
pub struct Http2Harness {
    pub(super) state: ConnectionState,
    headers: HeaderEncoder,
    template: HeaderTemplate,
    pub(super) slots: Vec<StreamSlot>,
}

impl Http2Harness {
    /// Creates a connection with a number of requests, on streams 1, 3, …
    pub fn with_requests(requests: u32) -> Self {
        let request = RenderedRequest::from_parts("GET", "/a", &[("Host", "h")], b"");
        let mut harness = Self {
            state: ConnectionState::new(false),
            headers: HeaderEncoder::default(),
            template: HeaderTemplate::default(),
            slots: Vec::new(),
        };
        (0..requests).for_each(|_| harness.send(&request));
        harness
    }

    /// Sends another request.
    pub fn send(&mut self, request: &RenderedRequest) {
        let options = ResponseOptions {
            name: NameId(0),
            to_head: false,
            body_capture: |_| BodyCapture::All,
            content: ResponseBody::new(CONTENT_BYTES_MAX, CONTENT_BYTES_MAX),
            header_capture: HeaderCapture::All,
        };
        let by = (TimerSlot::new(0), options);
        let request = (NameId(0), request, &self.template);
        let opened = self.state.open(&mut self.headers, request, true, by);
        // HTTP/2 may not be able to carry it.
        self.slots.extend(opened.ok());
        let all = self.state.outgoing().len();
        self.state.wrote(all, 1, |_| {});
    }

    /// Receives bytes from the server.
    ///
    /// # Errors
    ///
    /// Returns the text of a connection error.
    pub fn recv(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        let received = self.state.recv(bytes, 2, |_| {});
        received.map_err(|connection_error| connection_error.what)
    }

    /// The bytes to send.
    pub fn outgoing(&self) -> &[u8] {
        self.state.outgoing()
    }

    /// Closes the last request. Returns whether its response is complete and has status 200.
    pub fn finish_last(&mut self) -> bool {
        let closed = self
            .slots
            .pop()
            .and_then(|slot| self.state.close(slot, |_| {}));
        matches!(closed, Some((_, Outcome::Complete(response))) if response.status == 200)
    }

    /// Closes all requests and returns their outcomes.
    pub fn outcomes(&mut self) -> Vec<String> {
        let slots = std::mem::take(&mut self.slots);
        let outcomes = slots.into_iter().map(|slot| {
            let closed = self.state.close(slot, |_| {});
            closed.map_or_else(|| "closed".to_owned(), |(_, outcome)| describe(&outcome))
        });
        outcomes.collect()
    }
}

fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Complete(response) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (fields, content) = (text(&response.fields), text(&response.content.kept));
            format!("{} {fields}{content}", response.status)
        }
        Outcome::Malformed(error) => format!("bad: {error}"),
        Outcome::Reset(reason) => format!("reset: {reason}"),
        Outcome::Unprocessed => "unprocessed".to_owned(),
        Outcome::Open => "open".to_owned(),
    }
}
