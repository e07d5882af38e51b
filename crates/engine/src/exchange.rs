//! An exchange: one request as the user sees it, with the connections it opens and the redirects it
//! follows, from its intended start to the sample that is recorded.

use std::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use record::{FailureKind, Sample};
use scenario::Request;
use url::Url;

use crate::connection::{Connection, Wire};
use crate::core::Core;
use crate::example;
use crate::fault::Fault;
use crate::http1::{Answer, Reader};
use crate::pacer::Seat;

/// One request under way.
pub(crate) struct Exchange<'a> {
    core: &'a Core,
    seat: Seat,
    request: &'a Request,
    /// The user's connection, kept from request to request.
    connection: &'a mut Option<Connection>,
    connect_ns: Option<u64>,
    wire_requests: u32,
    wire: Wire,
    deadline_ns: u64,
}

impl<'a> Exchange<'a> {
    /// Plays a request that was intended and taken up at moments of the run's clock, and records it.
    /// Returns when it was done, and whether it failed.
    #[inline]
    pub(crate) async fn play(
        core: &'a Core,
        seat: Seat,
        request: &'a Request,
        connection: &'a mut Option<Connection>,
        random: &mut Xoshiro256PlusPlus,
        (intended_ns, dispatched_ns): (u64, u64),
    ) -> (u64, Option<Fault>) {
        let timeout = request.timeout.unwrap_or(core.plan.whole_timeout);
        let deadline_ns = dispatched_ns.saturating_add(nanoseconds(timeout));
        core.pacer.begin(seat, intended_ns);
        let mut exchange = Exchange {
            core,
            seat,
            request,
            connection,
            connect_ns: None,
            wire_requests: 0,
            wire: Wire::default(),
            deadline_ns,
        };
        let mut bytes = core.take_buffer();
        core.render(request, random, &mut bytes);
        let result = exchange.follow(&mut bytes).await;
        let done_ns = core.clock.now_ns();
        core.pacer.end(seat);
        let fault = match result {
            Ok(answer) if request.accepted.contains(answer.status) => None,
            Ok(answer) => Some(not_accepted(request, &bytes, &answer)),
            Err(fault) => {
                *exchange.connection = None;
                Some(fault)
            }
        };
        let sample = Sample {
            name: request.name,
            intended_ns,
            dispatched_ns,
            sent_ns: exchange.wire.sent_ns,
            first_byte_ns: exchange.wire.first_byte_ns,
            done_ns,
            connect_ns: exchange.connect_ns,
            failure: fault.as_ref().map(|fault| fault.kind),
            wire_requests: exchange.wire_requests,
            bytes_sent: exchange.wire.bytes_sent,
            bytes_received: exchange.wire.bytes_received,
        };
        core.record(&sample, fault.as_ref(), &bytes);
        core.give_buffer(bytes);
        (done_ns, fault)
    }

    /// Sends the request and follows its redirects.
    async fn follow(&mut self, bytes: &mut Vec<u8>) -> Result<Answer, Fault> {
        let mut url: Option<Url> = None;
        let mut hops = 0;
        loop {
            let answer = self.send(bytes).await?;
            let Some(location) = answer
                .location
                .as_deref()
                .filter(|_| self.request.redirects > 0)
            else {
                return Ok(answer);
            };
            if hops == self.request.redirects {
                let text = format!("redirected more than {hops} times");
                return Err(Fault {
                    code: answer.status,
                    ..Fault::new(FailureKind::Redirect, text)
                });
            }
            hops += 1;
            let next = self.redirected(url.as_ref(), bytes, location, answer.status)?;
            redirect_request(bytes, &next, answer.status);
            url = Some(next);
        }
    }

    fn redirected(
        &self,
        url: Option<&Url>,
        bytes: &[u8],
        location: &[u8],
        status: u16,
    ) -> Result<Url, Fault> {
        let base = &self.core.target.url;
        let refuse = |text: String| Fault {
            code: status,
            ..Fault::new(FailureKind::Redirect, text)
        };
        let location = String::from_utf8_lossy(location);
        let from = match url {
            Some(url) => url.clone(),
            None => base
                .join(request_path(bytes))
                .map_err(|_| refuse("the path is no URL".into()))?,
        };
        let next = from.join(&location).map_err(|_| {
            refuse(format!(
                "the answer redirects to `{location}`, which is no URL"
            ))
        })?;
        if next.origin() == base.origin() {
            Ok(next)
        } else {
            let text = format!(
                "the answer redirects to another host, {}",
                next.origin().ascii_serialization()
            );
            Err(refuse(text))
        }
    }

    /// Sends one request on the wire. A connection that the server closed while it was idle is opened
    /// again, and the request sent again where no byte of an answer came.
    async fn send(&mut self, bytes: &[u8]) -> Result<Answer, Fault> {
        if self.connection.as_ref().is_some_and(Connection::is_stale) {
            *self.connection = None;
            self.core.count_reopened();
        }
        loop {
            if self.connection.is_none() {
                *self.connection = Some(self.open().await?);
            }
            let Some(connection) = self.connection.as_mut() else {
                continue;
            };
            self.core.pacer.set_deadline(self.seat, self.deadline_ns);
            let was_idle = connection.answered > 0;
            let received = self.wire.bytes_received;
            let is_head = self.request.method == "HEAD";
            let reader = Reader::new(is_head, |status| status >= 400);
            let exchanged = connection
                .exchange(self.core, self.seat, bytes, reader, &mut self.wire)
                .await;
            match exchanged {
                Err(fault)
                    if was_idle
                        && self.wire.bytes_received == received
                        && matches!(fault.kind, FailureKind::Closed | FailureKind::Reset) =>
                {
                    *self.connection = None;
                    self.core.count_reopened();
                }
                other => {
                    self.wire_requests += 1;
                    if !other.as_ref().is_ok_and(|answer| answer.keep_alive) {
                        *self.connection = None;
                    }
                    return other;
                }
            }
        }
    }

    async fn open(&mut self) -> Result<Connection, Fault> {
        let core = self.core;
        let begun_ns = core.clock.now_ns();
        let connect_by_ns = begun_ns.saturating_add(nanoseconds(core.plan.connect_timeout));
        core.pacer
            .set_deadline(self.seat, connect_by_ns.min(self.deadline_ns));
        let connection = Connection::open(core, self.seat, core.target.addresses[0]).await?;
        let took_ns = core.clock.now_ns() - begun_ns;
        self.connect_ns = Some(self.connect_ns.unwrap_or(0) + took_ns);
        core.count_connection();
        Ok(connection)
    }
}

fn not_accepted(request: &Request, bytes: &[u8], answer: &Answer) -> Fault {
    let kind = FailureKind::Status;
    let text = example::of_status(&request.accepted.in_words(), bytes, answer);
    Fault {
        kind,
        code: answer.status,
        text,
    }
}

/// Rewrites a request for its redirect: another path, and for some statuses a GET without a body
/// (RFC 9110, section 15.4).
fn redirect_request(bytes: &mut Vec<u8>, url: &Url, status: u16) {
    let text = std::mem::take(bytes);
    let line_end = find(&text, b"\r\n").unwrap_or(text.len());
    let method = text[..line_end]
        .split(|byte| *byte == b' ')
        .next()
        .unwrap_or_default();
    let becomes_get = match status {
        303 => method != b"HEAD",
        301 | 302 => method == b"POST",
        _ => false,
    };
    let query = url
        .query()
        .map_or(String::new(), |query| format!("?{query}"));
    bytes.extend_from_slice(if becomes_get { b"GET" } else { method });
    bytes.extend_from_slice(format!(" {}{query} HTTP/1.1", url.path()).as_bytes());
    if !becomes_get {
        bytes.extend_from_slice(&text[line_end..]);
        return;
    }
    let head_end = find(&text, b"\r\n\r\n").unwrap_or(text.len());
    for line in String::from_utf8_lossy(&text[line_end..head_end]).split("\r\n") {
        if !line.is_empty() && !line.to_ascii_lowercase().starts_with("content-") {
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(line.as_bytes());
        }
    }
    bytes.extend_from_slice(b"\r\n\r\n");
}

fn request_path(bytes: &[u8]) -> &str {
    let line = &bytes[..find(bytes, b"\r\n").unwrap_or(bytes.len())];
    let path = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    std::str::from_utf8(path).unwrap_or("/")
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_keeps_or_drops_the_body_by_its_status() {
        let post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: x\r\nContent-Length: 2\r\n\r\nhi";
        let url = Url::parse("http://h/b?c=d").unwrap();
        let kept =
            "POST /b?c=d HTTP/1.1\r\nHost: h\r\nContent-Type: x\r\nContent-Length: 2\r\n\r\nhi";
        let dropped = "GET /b?c=d HTTP/1.1\r\nHost: h\r\n\r\n";
        for (status, expected) in [
            (301, dropped),
            (302, dropped),
            (303, dropped),
            (307, kept),
            (308, kept),
        ] {
            let mut bytes = post.as_bytes().to_vec();
            redirect_request(&mut bytes, &url, status);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{status}");
        }
    }
}
