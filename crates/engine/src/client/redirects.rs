//! Redirects: the target of a redirect, and the rewritten request.

use std::borrow::Cow;

use brunt_record::FailureKind;
use brunt_scenario::{FieldChange, HeaderTemplate, RenderedRequest, is_sensitive_name};
use percent_encoding::{AsciiSet, percent_encode};
use url::Url;

use crate::net::error::RequestError;
use crate::net::origins::Origins;

/// Bytes above 127, which [`percent_encode`] encodes in any case.
const NON_ASCII: &AsciiSet = &AsciiSet::EMPTY;

/// Target URL of the redirect in a response, and the index of its origin.
pub(super) fn redirect_target(
    origins: &Origins,
    from: &Url,
    location: &[u8],
) -> Result<(Url, usize), String> {
    let location = location_text(location);
    let next = from
        .join(&location)
        .map_err(|_| format!("invalid redirect target `{location}`: must be a URL"))?;
    match origins.origin_of(&next) {
        Some(origin) => Ok((next, origin)),
        None => Err(format!(
            "cannot follow the redirect to {}: the scenario does not list this host in \
             redirect_hosts",
            next.origin().ascii_serialization()
        )),
    }
}

/// The index of the origin that the path of a request names.
pub(super) fn other_origin(origins: &Origins, url: &Url) -> Result<usize, RequestError> {
    origins.origin_of(url).ok_or_else(|| {
        let text = format!(
            "cannot send the request to {}: its path is a URL of another host, which the scenario does not list in \
             redirect_hosts",
            url.origin().ascii_serialization()
        );
        RequestError::new(FailureKind::Check, text)
    })
}

/// The text of a `Location`. If it is not UTF-8, its bytes are percent-encoded one by one, as curl and browsers do.
fn location_text(location: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(location) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => percent_encode(location, NON_ASCII).into(),
    }
}

/// The error of a redirect that is not followed.
pub(super) fn redirect_error(status: u16, text: String) -> RequestError {
    RequestError {
        code: status,
        ..RequestError::new(FailureKind::Redirect, text)
    }
}

/// Rewrites a request for a redirect: it gets the new path; for another origin (whose `Host` header is given) it loses
/// its credentials; for some statuses it becomes a GET without a body (RFC 9110, section 15.4). Returns whether it has
/// kept its body. `drops_cookies`: removes the cookies, since those of the user's jar are added later.
pub(super) fn redirect(
    rendered: &mut RenderedRequest,
    template: &HeaderTemplate,
    (url, status): (&Url, u16),
    host: Option<&str>,
    drops_cookies: bool,
) -> bool {
    let method = rendered.text(rendered.method());
    let keeps_body = !match status {
        303 => method != "HEAD",
        301 | 302 => method == "POST",
        _ => false,
    };
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let method = (!keeps_body).then_some("GET");
    rendered.rewrite(template, method, path, keeps_body, |name| {
        let name = name.to_ascii_lowercase();
        let is_of_body = name.starts_with("content-") || name == "expect";
        match host {
            _ if is_of_body && !keeps_body => FieldChange::Remove,
            _ if drops_cookies && name == "cookie" => FieldChange::Remove,
            Some(_) if is_sensitive_name(&name) => FieldChange::Remove,
            Some(host) if name == "host" => FieldChange::Set(host),
            _ => FieldChange::Keep,
        }
    });
    keeps_body
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Right values: the requests of curl 7.88, and of browsers (uppercase digits, RFC 3986, section 2.1).
    #[test]
    fn location_that_is_not_utf_8_is_percent_encoded_byte_by_byte() {
        let from = Url::parse("http://h/a/b").unwrap();
        for (location, expected) in [
            (&b"/e/\xe9"[..], "http://h/e/%E9"),
            ("/e/é".as_bytes(), "http://h/e/%C3%A9"),
            (b"/e/\xe9/\xc3\xa9?q=\xe9", "http://h/e/%E9/%C3%A9?q=%E9"),
            (b"c\xff d", "http://h/a/c%FF%20d"),
            (b"?\x80", "http://h/a/b?%80"),
            (b"//i/\xe9", "http://i/%E9"),
            (b"/%e9", "http://h/%e9"),
        ] {
            let url = from.join(&location_text(location)).unwrap();
            assert_eq!(url.as_str(), expected);
        }
    }

    const POST: &str = "POST /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\nCookie: a=b\r\n\
                        X: y\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi";

    fn post() -> RenderedRequest {
        let fields = [
            ("Host", "h"),
            ("Authorization", "Bearer t"),
            ("Cookie", "a=b"),
            ("X", "y"),
            ("Content-Length", "2"),
            ("Expect", "100-continue"),
        ];
        RenderedRequest::from_parts("POST", "/a", &fields, b"hi")
    }

    fn text(rendered: &RenderedRequest) -> String {
        String::from_utf8(rendered.bytes().to_vec()).unwrap()
    }

    fn redirected(status: u16, url: &str, host: Option<&str>) -> (String, bool) {
        let mut rendered = post();
        let url = Url::parse(url).unwrap();
        let kept = redirect(
            &mut rendered,
            &HeaderTemplate::default(),
            (&url, status),
            host,
            false,
        );
        assert_eq!(rendered.body(), if kept { &b"hi"[..] } else { b"" });
        assert_eq!(rendered.expects_continue(), kept);
        (text(&rendered), kept)
    }

    #[test]
    fn redirect_keeps_or_drops_the_body_by_its_status() {
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
    fn redirect_to_another_origin_sends_no_credentials() {
        let (request, _) = redirected(307, "https://other:8443/", Some("other:8443"));
        let expected = "POST / HTTP/1.1\r\nHost: other:8443\r\nX: y\r\nContent-Length: 2\r\n\
                        Expect: 100-continue\r\n\r\nhi";
        assert_eq!(request, expected);
    }

    #[test]
    fn request_loses_expect_and_nothing_else() {
        let mut rendered = post();
        rendered.remove_expect(&HeaderTemplate::default());
        assert_eq!(rendered.text(rendered.path()), "/a");
        let expected = POST.replace("Expect: 100-continue\r\n", "");
        assert_eq!(text(&rendered), expected);
        assert_eq!(rendered.head_bytes(), expected.len() - 2);
    }
}
