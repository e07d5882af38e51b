//! Cookies: what answers set, kept for a user and sent again where they belong (RFC 6265).

use cookie_store::CookieStore;
use url::Url;

/// A user's cookies.
#[derive(Debug, Default)]
pub(crate) struct Jar(CookieStore);

impl Jar {
    /// Takes the cookies that an answer of a URL sets; `fields` are lines of its head.
    pub(crate) fn take(&mut self, fields: &[u8], url: &Url) {
        for line in String::from_utf8_lossy(fields).split("\r\n") {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            if name.eq_ignore_ascii_case("set-cookie") {
                // One that this URL may not set is none, as a browser has it.
                self.0.parse(value.trim(), url).ok();
            }
        }
    }

    /// The line that sends a URL its cookies; `None` where it has none.
    pub(crate) fn line_for(&self, url: &Url) -> Option<String> {
        let mut line = String::new();
        for (name, value) in self.0.get_request_values(url) {
            line.push_str(if line.is_empty() { "Cookie: " } else { "; " });
            line.push_str(name);
            line.push('=');
            line.push_str(value);
        }
        if line.is_empty() {
            return None;
        }
        line.push_str("\r\n");
        Some(line)
    }
}

/// Whether lines of a head set a cookie.
pub(crate) fn sets_any(fields: &[u8]) -> bool {
    let lines = fields.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| line.get(..11))
        .any(|begin| begin.eq_ignore_ascii_case(b"set-cookie:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn cookies_go_where_they_belong() {
        let mut jar = Jar::default();
        let fields = b"Content-Type: text/html\r\nSet-Cookie: id=1; Path=/\r\nset-cookie: a=b; Path=/shop\r\n\
                       Set-Cookie: s=t; Secure\r\nSet-Cookie: other=x; Domain=example.com\r\n";
        assert!(sets_any(fields) && !sets_any(b"Content-Type: x\r\n"));
        jar.take(fields, &url("http://shop.test:8080/login"));
        let line = |to: &str| {
            let line = jar.line_for(&url(to));
            let line = line.unwrap_or_default();
            let pairs = line.trim_start_matches("Cookie: ").trim_end();
            let mut pairs: Vec<String> = pairs.split("; ").map(str::to_owned).collect();
            pairs.sort();
            pairs.join("; ")
        };
        assert_eq!(line("http://shop.test:8080/"), "id=1");
        assert_eq!(line("http://shop.test:8080/shop/basket"), "a=b; id=1");
        assert_eq!(line("https://shop.test/shop"), "a=b; id=1; s=t");
        assert_eq!(line("http://example.com/"), "");
    }

    #[test]
    fn a_cookie_is_changed_and_ended_by_later_answers() {
        let mut jar = Jar::default();
        let here = url("http://shop.test/");
        jar.take(b"Set-Cookie: id=1\r\n", &here);
        jar.take(b"Set-Cookie: id=2\r\n", &here);
        assert_eq!(jar.line_for(&here).unwrap(), "Cookie: id=2\r\n");
        jar.take(b"Set-Cookie: id=; Max-Age=0\r\n", &here);
        assert_eq!(jar.line_for(&here), None);
    }
}
