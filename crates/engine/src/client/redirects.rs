//! Redirects: where a response leads, and the request rewritten for it.

use brunt_record::FailureKind;
use brunt_scenario::is_sensitive_name;
use url::Url;

use crate::net::error::RequestError;
use crate::net::origins::Origins;

/// Where a response to a request redirects to, and the origin of that.
pub(super) fn redirect_target(
    origins: &Origins,
    from: &Url,
    location: &[u8],
) -> Result<(Url, usize), String> {
    let location = String::from_utf8_lossy(location);
    let next = from
        .join(&location)
        .map_err(|_| format!("the answer redirects to `{location}`, which is no URL"))?;
    match origins.origin_of(&next) {
        Some(origin) => Ok((next, origin)),
        None => Err(format!(
            "the answer redirects to another host, {}, which the scenario does not name in \
             redirect_hosts",
            next.origin().ascii_serialization()
        )),
    }
}

/// A redirect that is not followed.
pub(super) fn redirect_error(status: u16, text: String) -> RequestError {
    RequestError {
        code: status,
        ..RequestError::new(FailureKind::Redirect, text)
    }
}

/// A request as HTTP/1.1 writes it.
pub(super) struct RequestText<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    pub(super) head_bytes: usize,
    /// Where files are inserted, each at an index of the bytes.
    pub(super) cuts: &'a mut Vec<usize>,
}

impl RequestText<'_> {
    /// Rewrites it for its redirect: another path, for another origin (whose `Host` header is given)
    /// without credentials, and for some statuses a GET without a body (RFC 9110, section 15.4).
    /// Returns whether it has kept its body. `drops_cookies`: those of the user's jar are added again later.
    pub(super) fn redirect(
        &mut self,
        url: &Url,
        status: u16,
        host: Option<&str>,
        drops_cookies: bool,
    ) -> bool {
        let old = std::mem::take(self.bytes);
        let head = String::from_utf8_lossy(&old[..self.head_bytes]);
        let mut lines = head.trim_end().split("\r\n");
        let method = lines.next().unwrap_or_default().split(' ').next();
        let method = method.unwrap_or_default();
        let keeps_body = !match status {
            303 => method != "HEAD",
            301 | 302 => method == "POST",
            _ => false,
        };
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let method = if keeps_body { method } else { "GET" };
        let mut new = format!("{method} {path} HTTP/1.1\r\n");
        for line in lines {
            let name = line.split(':').next().unwrap_or_default();
            let name = name.to_ascii_lowercase();
            let is_of_body = name.starts_with("content-") || name == "expect";
            match host {
                _ if is_of_body && !keeps_body => {}
                _ if drops_cookies && name == "cookie" => {}
                Some(_) if is_sensitive_name(&name) => {}
                Some(host) if name == "host" => new.push_str(&format!("Host: {host}\r\n")),
                _ => new.push_str(&format!("{line}\r\n")),
            }
        }
        new.push_str("\r\n");
        *self.bytes = new.into_bytes();
        let body = &old[self.head_bytes..];
        self.move_body(self.bytes.len());
        if keeps_body {
            self.bytes.extend_from_slice(body);
        } else {
            self.cuts.clear();
        }
        keeps_body
    }

    /// The headers have another length.
    fn move_body(&mut self, head_bytes: usize) {
        for cut in self.cuts.iter_mut() {
            *cut = *cut - self.head_bytes + head_bytes;
        }
        self.head_bytes = head_bytes;
    }

    /// Adds a line to its headers.
    pub(super) fn add_line(&mut self, line: &[u8]) {
        let end = self.head_bytes - 2;
        self.bytes.splice(end..end, line.iter().copied());
        self.move_body(self.head_bytes + line.len());
    }

    /// Removes `Expect`.
    pub(super) fn remove_expect(&mut self) {
        let head = String::from_utf8_lossy(&self.bytes[..self.head_bytes]).into_owned();
        let asking = "Expect: 100-continue\r\n";
        if let Some(at) = head.find(asking) {
            self.bytes.drain(at..at + asking.len());
            self.move_body(self.head_bytes - asking.len());
        }
    }

    /// Its path and query.
    pub(super) fn path(&self) -> &str {
        let end = memchr::memchr(b'\r', self.bytes).unwrap_or(self.bytes.len());
        let path = self.bytes[..end].split(|byte| *byte == b' ').nth(1);
        std::str::from_utf8(path.unwrap_or_default()).unwrap_or("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: &str = "POST /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\nCookie: a=b\r\n\
                        X: y\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi";

    fn redirected(status: u16, url: &str, host: Option<&str>) -> (String, bool) {
        let mut bytes = POST.as_bytes().to_vec();
        let head_bytes = bytes.len() - 2;
        let bytes_of = &mut bytes;
        let mut cuts = vec![bytes_of.len()];
        let mut request = RequestText {
            bytes: bytes_of,
            head_bytes,
            cuts: &mut cuts,
        };
        let kept = request.redirect(&Url::parse(url).unwrap(), status, host, false);
        assert_eq!(request.head_bytes, bytes.len() - if kept { 2 } else { 0 });
        assert_eq!(cuts, if kept { vec![bytes.len()] } else { vec![] });
        (String::from_utf8(bytes).unwrap(), kept)
    }

    #[test]
    fn a_redirect_keeps_or_drops_the_body_by_its_status() {
        let kept = POST.replace("/a", "/b?c=d");
        let dropped = "GET /b?c=d HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\nCookie: a=b\r\n\
                       X: y\r\n\r\n";
        for (status, expected, keeps) in [
            (301, dropped, false),
            (302, dropped, false),
            (303, dropped, false),
            (307, kept.as_str(), true),
            (308, kept.as_str(), true),
        ] {
            let found = redirected(status, "http://h/b?c=d#e", None);
            assert_eq!(found, (expected.to_owned(), keeps), "{status}");
        }
    }

    #[test]
    fn another_origin_gets_no_credentials() {
        let (request, _) = redirected(307, "https://other:8443/", Some("other:8443"));
        let expected = "POST / HTTP/1.1\r\nHost: other:8443\r\nX: y\r\nContent-Length: 2\r\n\
                        Expect: 100-continue\r\n\r\nhi";
        assert_eq!(request, expected);
    }

    #[test]
    fn removed_expect_leaves_the_rest() {
        let mut bytes = POST.as_bytes().to_vec();
        let head_bytes = bytes.len() - 2;
        let mut cuts = vec![bytes.len()];
        let mut request = RequestText {
            bytes: &mut bytes,
            head_bytes,
            cuts: &mut cuts,
        };
        request.remove_expect();
        assert_eq!(request.path(), "/a");
        let head_bytes = request.head_bytes;
        assert_eq!(cuts, [bytes.len()]);
        let expected = POST.replace("Expect: 100-continue\r\n", "");
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        assert_eq!(head_bytes, expected.len() - 2);
    }
}
