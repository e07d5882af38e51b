//! Cookies: set by responses, kept per user and sent back (RFC 6265), within the limits of
//! browsers.

use std::cmp::Reverse;
use std::collections::VecDeque;

use cookie_store::{Cookie, CookieDomain};
use url::{Host, Url};

use super::cookie_date::cookie_date;

/// Maximum size of a cookie's name and value together, in bytes; [`ATTRIBUTE_BYTES_MAX`] is that of each attribute.
/// These are Chromium's limits. RFC 6265, section 6.1, requires at least 4,096 bytes.
const COOKIE_BYTES_MAX: usize = 4_096;
const ATTRIBUTE_BYTES_MAX: usize = 1_024;
/// Maximum number of cookies in a jar, per domain and in total: Chromium's limits. RFC 6265 requires 50 and 3,000.
const DOMAIN_COOKIES_MAX: usize = 180;
const COOKIES_MAX: usize = 3_300;
/// Maximum size of the `Set-Cookie` lines in a jar, per domain (50 cookies of 4,096 bytes and more) and in total.
const DOMAIN_BYTES_MAX: usize = 256 << 10;
const BYTES_MAX: usize = 1 << 20;

/// A user's cookies.
#[derive(Debug, Default)]
pub(crate) struct CookieJar {
    domains: Vec<Domain>,
    cookies: usize,
    bytes: usize,
    /// Number of cookies ever added.
    kept: u64,
}

/// The cookies of a domain.
#[derive(Debug)]
struct Domain {
    name: String,
    /// Cookies in order of creation, the oldest first.
    entries: VecDeque<Entry>,
    bytes: usize,
}

/// A cookie in the jar.
#[derive(Debug)]
struct Entry {
    /// The cookie, its name and value as [`symbols_of`] returns them.
    cookie: Cookie<'static>,
    bytes: usize,
    /// Creation order among all cookies ever added.
    number: u64,
}

impl CookieJar {
    /// Stores the cookies that a response from a URL sets; `fields` are header lines. Returns the number of cookies
    /// dropped because of the limits: cookies that are too large, and the oldest ones of a full jar.
    pub(crate) fn take(&mut self, fields: &[u8], url: &Url) -> u64 {
        let mut dropped = 0;
        for line in fields.split(|byte| *byte == b'\n') {
            let Some(colon) = memchr::memchr(b':', line) else {
                continue;
            };
            let (name, value) = line.split_at(colon);
            if name.eq_ignore_ascii_case(b"set-cookie") {
                dropped += self.set(value[1..].trim_ascii(), url);
            }
        }
        dropped
    }

    /// Stores a cookie. Returns the number of cookies dropped.
    fn set(&mut self, line: &[u8], url: &Url) -> u64 {
        let is_control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        // Such a cookie is ignored (RFC 6265bis, section 5.6), and could not be sent over HTTP/2.
        if line.iter().any(is_control) {
            return 0;
        }
        if memchr::memchr(b';', line).unwrap_or(line.len()) > COOKIE_BYTES_MAX {
            return 1;
        }
        let line = parsable(line);
        // A cookie that this URL must not set is ignored, as in browsers.
        let Some(cookie) = Cookie::parse(line.as_str(), url)
            .ok()
            .and_then(|cookie| allowed(cookie.into_owned(), url))
        else {
            return 0;
        };
        if self.has_secure_version_of(&cookie, url) {
            return 0;
        }
        match self.place(&cookie) {
            Some((at, place)) if cookie.is_expired() => self.remove(at, place),
            Some((at, place)) => self.update(at, place, cookie, line.len()),
            None if cookie.is_expired() => {}
            None => self.add(cookie, line.len()),
        }
        self.evict()
    }

    /// Whether it would replace or hide a secure cookie, although the connection is not secure (RFC 6265bis,
    /// section 5.7, step 12).
    fn has_secure_version_of(&self, cookie: &Cookie, url: &Url) -> bool {
        let is_hidden = |known: &Cookie| {
            known.name() == cookie.name()
                && known.secure() == Some(true)
                && is_below(&cookie.path, &known.path)
                && have_common_hosts(&domain_of(known), &domain_of(cookie))
        };
        let mut all = self.domains.iter().flat_map(|domain| &domain.entries);
        !is_secure(url) && all.any(|entry| is_hidden(&entry.cookie))
    }

    fn add(&mut self, cookie: Cookie<'static>, bytes: usize) {
        let name = domain_of(&cookie);
        let entry = Entry {
            cookie,
            bytes,
            number: self.kept,
        };
        self.kept += 1;
        self.cookies += 1;
        self.bytes += bytes;
        let known = self.domains.iter_mut().find(|known| known.name == name);
        if let Some(domain) = known {
            domain.bytes += bytes;
            domain.entries.push_back(entry);
        } else {
            self.domains.push(Domain {
                name,
                bytes,
                entries: VecDeque::from([entry]),
            });
        }
    }

    /// Replaces a cookie. Its creation order stays the same (RFC 6265, section 5.3).
    fn update(&mut self, at: usize, place: usize, cookie: Cookie<'static>, bytes: usize) {
        let domain = &mut self.domains[at];
        let known = &mut domain.entries[place];
        domain.bytes = domain.bytes - known.bytes + bytes;
        self.bytes = self.bytes - known.bytes + bytes;
        (known.cookie, known.bytes) = (cookie, bytes);
    }

    /// The place of the cookie with the same name, domain and path, which a new one replaces.
    fn place(&self, cookie: &Cookie) -> Option<(usize, usize)> {
        let domain = domain_of(cookie);
        let at = self.domains.iter().position(|known| known.name == domain)?;
        let mut entries = self.domains[at].entries.iter();
        let place = entries.position(|known| {
            let known = &known.cookie;
            // A cookie of a host alone is another than that of a domain (RFC 6265bis, section 5.7, step 22).
            known.name() == cookie.name()
                && *known.path == *cookie.path
                && known.domain == cookie.domain
        })?;
        Some((at, place))
    }

    fn remove(&mut self, at: usize, place: usize) {
        let domain = &mut self.domains[at];
        let Some(entry) = domain.entries.remove(place) else {
            return;
        };
        domain.bytes -= entry.bytes;
        self.bytes -= entry.bytes;
        self.cookies -= 1;
        if domain.entries.is_empty() {
            self.domains.remove(at);
        }
    }

    /// Removes cookies until the limits hold: expired ones first, then the oldest. Returns the number of the latter.
    fn evict(&mut self) -> u64 {
        if self.over().is_some() {
            self.remove_expired();
        }
        let mut evicted = 0;
        while let Some(at) = self.over() {
            self.remove(at, 0);
            evicted += 1;
        }
        evicted
    }

    /// The domain whose oldest cookie must be removed; `None` if all limits hold.
    fn over(&self) -> Option<usize> {
        let is_over = |domain: &Domain| {
            domain.entries.len() > DOMAIN_COOKIES_MAX || domain.bytes > DOMAIN_BYTES_MAX
        };
        if let Some(at) = self.domains.iter().position(is_over) {
            return Some(at);
        }
        if self.cookies <= COOKIES_MAX && self.bytes <= BYTES_MAX {
            return None;
        }
        let oldest = |domain: &Domain| domain.entries.front().map(|entry| entry.number);
        let domains = self.domains.iter().enumerate();
        domains
            .min_by_key(|(_, domain)| oldest(domain))
            .map(|(at, _)| at)
    }

    fn remove_expired(&mut self) {
        for at in (0..self.domains.len()).rev() {
            for place in (0..self.domains[at].entries.len()).rev() {
                if self.domains[at].entries[place].cookie.is_expired() {
                    self.remove(at, place);
                }
            }
        }
    }

    /// Values of all cookies, as text.
    pub(crate) fn values(&self) -> impl Iterator<Item = String> {
        let all = self.domains.iter().flat_map(|domain| &domain.entries);
        all.map(|entry| {
            let mut value = Vec::new();
            push_bytes_of(entry.cookie.value(), &mut value);
            String::from_utf8_lossy(&value).into_owned()
        })
    }

    /// Value of the `Cookie` header for a URL; `None` if no cookie applies. Cookies with longer paths come first, and of
    /// the same length those that were created first (RFC 6265, section 5.4).
    pub(crate) fn header_for(&self, url: &Url) -> Option<Vec<u8>> {
        let domains = self.domains.iter();
        let all = domains.flat_map(|domain| &domain.entries);
        let applies = |entry: &&Entry| !entry.cookie.is_expired() && entry.cookie.matches(url);
        let mut matching: Vec<&Entry> = all.filter(applies).collect();
        matching.sort_unstable_by_key(|entry| (Reverse(entry.cookie.path.len()), entry.number));
        let mut header = Vec::new();
        for entry in matching {
            if !header.is_empty() {
                header.extend_from_slice(b"; ");
            }
            push_bytes_of(entry.cookie.name(), &mut header);
            header.push(b'=');
            push_bytes_of(entry.cookie.value(), &mut header);
        }
        (!header.is_empty()).then_some(header)
    }
}

/// A cookie that a response from the URL may set; `None` if browsers ignore it.
fn allowed(mut cookie: Cookie<'static>, url: &Url) -> Option<Cookie<'static>> {
    let has_secure = cookie.secure() == Some(true);
    if has_secure && !is_secure(url) {
        return None;
    }
    let begins = |prefix: &str| {
        let start = cookie.name().get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    // RFC 6265bis, section 4.1.3.
    let is_of_host = cookie.domain().is_none() && cookie.path() == Some("/");
    if begins("__Secure-") && !has_secure || begins("__Host-") && !(has_secure && is_of_host) {
        return None;
    }
    let of_suffix = match &cookie.domain {
        CookieDomain::Suffix(domain) => psl::suffix_str(domain) == Some(domain),
        _ => false,
    };
    if of_suffix {
        // All sites below a public suffix such as `co.uk` would get it (RFC 6265, section 5.3, step 5).
        if !cookie.domain.host_is_identical(url) {
            return None;
        }
        cookie.domain = CookieDomain::host_only(url).ok()?;
    }
    Some(cookie)
}

/// Whether secure cookies are sent to a URL. As in browsers and curl, loopback is secure.
fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

fn domain_of(cookie: &Cookie) -> String {
    String::from(&cookie.domain)
}

/// Whether one of two domains is within the other.
fn have_common_hosts(one: &str, other: &str) -> bool {
    let is_within = |inner: &str, outer: &str| {
        let below = inner.strip_suffix(outer);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    };
    is_within(one, other) || is_within(other, one)
}

/// Whether a path matches the path of a cookie (RFC 6265, section 5.1.4).
fn is_below(path: &str, of_cookie: &str) -> bool {
    let rest = path.strip_prefix(of_cookie);
    rest.is_some_and(|rest| rest.is_empty() || of_cookie.ends_with('/') || rest.starts_with('/'))
}

/// A `Set-Cookie` line in a form that the parser reads: name and value as symbols, attributes over the limit removed,
/// and dates in the form of RFC 9110.
fn parsable(line: &[u8]) -> String {
    let mut parts = line.split(|byte| *byte == b';');
    let mut text = symbols_of(parts.next().unwrap_or_default());
    for part in parts.filter(|part| part.len() <= ATTRIBUTE_BYTES_MAX) {
        let part = String::from_utf8_lossy(part);
        let (name, value) = part.split_once('=').unwrap_or((&part, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "expires" => {
                if let Some(date) = cookie_date(value) {
                    text.push_str("; Expires=");
                    text.push_str(&date);
                }
            }
            // Not a number: ignored (RFC 6265, section 5.2.2).
            "max-age" if value.trim().trim_start_matches('-').is_empty() => {}
            _ => {
                text.push(';');
                text.push_str(&part);
            }
        }
    }
    text
}

/// First character of the private use area, whose characters stand for bytes.
const SYMBOLS: u32 = 0xe000;

/// Text whose characters stand for bytes, which have no charset in cookies: bytes above 127 are characters of the private
/// use area, which no parser changes.
fn symbols_of(bytes: &[u8]) -> String {
    let symbol = |byte: &u8| {
        let other = || char::from_u32(SYMBOLS + u32::from(*byte));
        let own = byte.is_ascii().then(|| char::from(*byte));
        own.or_else(other).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    bytes.iter().map(symbol).collect()
}

/// Appends the bytes of which [`symbols_of`] returned this text.
fn push_bytes_of(symbols: &str, into: &mut Vec<u8>) {
    if symbols.is_ascii() {
        into.extend_from_slice(symbols.as_bytes());
    } else {
        let byte = |symbol: char| u32::from(symbol).to_le_bytes()[0];
        into.extend(symbols.chars().map(byte));
    }
}

/// Whether header lines contain a `Set-Cookie`.
pub(crate) fn sets_any(fields: &[u8]) -> bool {
    let lines = fields.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| line.get(..11))
        .any(|begin| begin.eq_ignore_ascii_case(b"set-cookie:"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn cookie_is_sent_to_its_domain_and_path_only() {
        let mut jar = CookieJar::default();
        let fields = b"Content-Type: text/html\r\nSet-Cookie: id=1; Path=/\r\nset-cookie: a=b; Path=/shop\r\n\
                       Set-Cookie: other=x; Domain=example.com\r\n";
        assert!(sets_any(fields) && !sets_any(b"Content-Type: x\r\n"));
        jar.take(fields, &url("http://shop.test:8080/login"));
        let line = |to: &str| {
            let line = jar.header_for(&url(to)).unwrap_or_default();
            String::from_utf8(line).unwrap()
        };
        assert_eq!(line("http://shop.test:8080/"), "id=1");
        assert_eq!(line("http://shop.test:8080/shop/basket"), "a=b; id=1");
        assert_eq!(line("https://shop.test/shop"), "a=b; id=1");
        assert_eq!(line("https://www.shop.test/"), "");
        assert_eq!(line("http://example.com/"), "");
    }

    /// The `Cookie` header for a URL; empty if there is none.
    fn sent(jar: &CookieJar, url: &Url) -> String {
        String::from_utf8(jar.header_for(url).unwrap_or_default()).unwrap()
    }

    fn set(jar: &mut CookieJar, line: &str, url: &Url) -> u64 {
        jar.take(format!("Set-Cookie: {line}\r\n").as_bytes(), url)
    }

    fn names(jar: &CookieJar, url: &Url) -> std::collections::BTreeSet<String> {
        let line = sent(jar, url);
        let pairs = line.split("; ").filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn domain_over_its_limit_loses_its_oldest_cookie() {
        let mut jar = CookieJar::default();
        let here = url("http://shop.test/");
        for number in 0..DOMAIN_COOKIES_MAX {
            assert_eq!(set(&mut jar, &format!("c{number}=v"), &here), 0);
        }
        // A new value does not change the age of a cookie.
        assert_eq!(set(&mut jar, "c0=w", &here), 0);
        assert_eq!(set(&mut jar, "last=v", &here), 1);
        let names = names(&jar, &here);
        assert_eq!(names.len(), DOMAIN_COOKIES_MAX);
        assert!(!names.contains("c0") && names.contains("c1") && names.contains("last"));
        // An expired cookie frees its space.
        assert_eq!(set(&mut jar, "c1=; Max-Age=0", &here), 0);
        assert_eq!(set(&mut jar, "more=v", &here), 0);
    }

    #[test]
    fn expired_cookie_is_evicted_before_the_oldest() {
        let mut jar = CookieJar::default();
        let here = url("http://shop.test/");
        for number in 1..DOMAIN_COOKIES_MAX {
            set(&mut jar, &format!("c{number}=v"), &here);
        }
        set(&mut jar, "short=v; Max-Age=1", &here);
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        assert_eq!(set(&mut jar, "last=v", &here), 0);
        let names = names(&jar, &here);
        assert!(names.contains("c1") && names.contains("last") && !names.contains("short"));
    }

    #[test]
    fn jar_is_bounded_in_bytes_per_domain_and_in_total() {
        let mut jar = CookieJar::default();
        let value = "v".repeat(4_000);
        let mut dropped = 0;
        for host in 0..10 {
            let here = url(&format!("http://h{host}.test/"));
            for number in 0..300 {
                dropped += set(&mut jar, &format!("c{number}={value}"), &here);
            }
            assert!(
                jar.domains
                    .iter()
                    .all(|domain| domain.bytes <= DOMAIN_BYTES_MAX)
            );
        }
        assert!(jar.bytes <= BYTES_MAX && jar.bytes > BYTES_MAX - 5_000);
        // RFC 6265, section 6.1, requires 50 cookies per domain.
        let last = jar.domains.iter().map(|domain| domain.entries.len()).max();
        assert!(last.is_some_and(|last| last >= 50), "{last:?}");
        let kept: usize = jar.domains.iter().map(|domain| domain.entries.len()).sum();
        assert_eq!(dropped + kept as u64, 3_000);
        assert_eq!(jar.values().count(), kept);
    }

    #[test]
    fn jar_is_bounded_in_number_of_cookies() {
        let mut jar = CookieJar::default();
        let mut dropped = 0;
        for host in 0..20 {
            let here = url(&format!("http://h{host}.test/"));
            for number in 0..180 {
                dropped += set(&mut jar, &format!("c{number}=v"), &here);
            }
        }
        assert_eq!(dropped, 20 * 180 - COOKIES_MAX as u64);
        assert_eq!(jar.values().count(), COOKIES_MAX);
        assert!(names(&jar, &url("http://h0.test/")).is_empty());
    }

    #[test]
    fn oversized_cookie_is_dropped_and_oversized_attribute_is_ignored() {
        let mut jar = CookieJar::default();
        let here = url("http://shop.test/");
        let pair = |bytes: usize| format!("c={}", "v".repeat(bytes - 2));
        assert_eq!(set(&mut jar, &pair(4_096), &here), 0);
        assert_eq!(set(&mut jar, &pair(4_097), &here), 1);
        let long = format!("d=v; Path=/{}", "p".repeat(1_100));
        assert_eq!(set(&mut jar, &long, &here), 0);
        assert_eq!(names(&jar, &here).len(), 2);
    }

    #[test]
    fn later_response_updates_and_expires_a_cookie() {
        let mut jar = CookieJar::default();
        let here = url("http://shop.test/");
        jar.take(b"Set-Cookie: id=1\r\n", &here);
        jar.take(b"Set-Cookie: id=2\r\n", &here);
        assert_eq!(sent(&jar, &here), "id=2");
        jar.take(b"Set-Cookie: id=; Max-Age=0\r\n", &here);
        assert_eq!(jar.header_for(&here), None);
    }

    /// RFC 6265, section 5.4, step 2. A hash table made the order random.
    #[test]
    fn cookies_are_sent_with_longer_paths_first_and_older_ones_before_newer_ones() {
        let mut jar = CookieJar::default();
        let here = url("http://a.shop.test/app/x");
        for line in [
            "e=1; Path=/",
            "d=1; Path=/; Domain=shop.test",
            "SID=root; Path=/",
            "c=1; Path=/app",
            "b=1; Path=/app; Domain=shop.test",
            "SID=app; Path=/app",
            "a=1; Path=/app/",
            "f=1; Path=/",
        ] {
            set(&mut jar, line, &here);
        }
        // A new value does not change the age; an expired cookie is created again.
        set(&mut jar, "e=2; Path=/", &here);
        set(&mut jar, "d=; Path=/; Domain=shop.test; Max-Age=0", &here);
        set(&mut jar, "d=2; Path=/; Domain=shop.test", &here);
        let expected = "a=1; c=1; b=1; SID=app; e=2; SID=root; f=1; d=2";
        assert_eq!(sent(&jar, &here), expected);
    }

    /// Browsers and curl keep both.
    #[test]
    fn cookie_of_a_host_does_not_replace_that_of_a_domain() {
        let mut jar = CookieJar::default();
        let here = url("http://shop.test/");
        set(&mut jar, "a=1", &here);
        set(&mut jar, "a=2; Domain=shop.test", &here);
        assert_eq!(sent(&jar, &here), "a=1; a=2");
        assert_eq!(sent(&jar, &url("http://www.shop.test/")), "a=2");
        set(&mut jar, "a=; Max-Age=0", &here);
        assert_eq!(sent(&jar, &here), "a=2");
    }

    /// RFC 6265bis, section 4.1.3; curl decides the same.
    #[test]
    fn cookie_with_a_prefix_is_kept_only_if_it_is_what_the_prefix_promises() {
        for (line, from, is_kept) in [
            ("__Secure-a=1; Secure", "https://shop.test/", true),
            (
                "__Secure-a=1; Secure; Domain=shop.test",
                "https://a.shop.test/",
                true,
            ),
            ("__Secure-a=1", "https://shop.test/", false),
            ("__secure-a=1", "https://shop.test/", false),
            ("__Secure-a=1; Secure", "http://shop.test/", false),
            ("__Secure-a=1; Secure", "http://127.0.0.1:8000/", true),
            ("__Secure-a=1; Secure", "http://localhost/", true),
            ("__Host-a=1; Secure; Path=/", "https://shop.test/", true),
            ("__Host-a=1; Secure; Path=/", "https://shop.test/b/c", true),
            ("__Host-a=1; Path=/", "https://shop.test/", false),
            ("__Host-a=1; Secure", "https://shop.test/", false),
            ("__Host-a=1; Secure; Path=/b", "https://shop.test/b", false),
            (
                "__Host-a=1; Secure; Path=/; Domain=shop.test",
                "https://shop.test/",
                false,
            ),
            ("__HOST-a=1; Path=/", "https://shop.test/", false),
            ("__Host-a=1; Secure; Path=/", "http://shop.test/", false),
            ("_Host-a=1", "http://shop.test/", true),
            ("__Host=1", "http://shop.test/", true),
        ] {
            let (mut jar, from) = (CookieJar::default(), url(from));
            assert_eq!(set(&mut jar, line, &from), 0);
            assert_eq!(jar.header_for(&from).is_some(), is_kept, "{line} {from}");
        }
    }

    /// RFC 6265, section 5.3, step 5, with the public suffix list.
    #[test]
    fn cookie_of_a_public_suffix_is_refused_unless_the_suffix_is_the_host() {
        for (domain, from, to, is_sent) in [
            ("co.uk", "shop.co.uk", "shop.co.uk", false),
            (".co.uk", "shop.co.uk", "other.co.uk", false),
            ("com", "shop.com", "shop.com", false),
            ("github.io", "me.github.io", "me.github.io", false),
            ("test", "shop.test", "shop.test", false),
            ("shop.co.uk", "a.shop.co.uk", "b.shop.co.uk", true),
            ("github.io", "github.io", "github.io", true),
            ("github.io", "github.io", "me.github.io", false),
            ("localhost", "localhost", "localhost", true),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1", true),
            ("0.0.1", "127.0.0.1", "127.0.0.1", false),
            ("a.shop.test", "shop.test", "a.shop.test", false),
            (
                "svc.cluster.local",
                "a.svc.cluster.local",
                "b.svc.cluster.local",
                true,
            ),
            ("", "shop.test", "shop.test", true),
        ] {
            let mut jar = CookieJar::default();
            let at = |host: &str| url(&format!("http://{host}/"));
            set(&mut jar, &format!("a=1; Domain={domain}"), &at(from));
            let line = jar.header_for(&at(to));
            assert_eq!(line.is_some(), is_sent, "{domain} {from} {to}");
        }
    }

    /// RFC 6265bis, section 5.7; browsers and curl do the same.
    #[test]
    fn insecure_response_neither_sets_nor_replaces_secure_cookies() {
        let (secure, insecure) = (url("https://shop.test/a/b"), url("http://shop.test/a/b"));
        let mut jar = CookieJar::default();
        set(&mut jar, "a=1; Secure", &insecure);
        assert_eq!(sent(&jar, &secure), "");
        set(&mut jar, "a=2; Secure; Path=/a", &secure);
        for line in [
            "a=3; Path=/a",
            "a=3; Path=/a/b",
            "a=3; Domain=shop.test; Path=/a",
            "a=; Max-Age=0; Path=/a",
        ] {
            set(&mut jar, line, &insecure);
            assert_eq!(sent(&jar, &secure), "a=2", "{line}");
            assert_eq!(sent(&jar, &insecure), "", "{line}");
        }
        set(&mut jar, "a=4; Path=/", &insecure);
        set(&mut jar, "b=1", &insecure);
        assert_eq!(sent(&jar, &secure), "a=2; b=1; a=4");
        set(&mut jar, "a=5; Path=/a", &secure);
        assert_eq!(sent(&jar, &insecure), "a=5; b=1; a=4");
    }

    /// Octets without a charset (RFC 6265, section 5.2). Both names and values end in bytes that are spaces in Unicode.
    #[test]
    fn bytes_of_a_cookie_are_sent_back_as_they_were_set() {
        let here = url("http://shop.test/");
        for pair in [
            &b"n=caf\xe9"[..],
            b"n=Voil\xc3\xa0",
            b"n=a\xa0\x85",
            b"\xe9\xa0=\xff\xfe\x80",
            b"n=\"a b\"",
            b"n=a=b==",
            b"n=",
            b"n={\"a\": [1,2]}",
            b"n=%e9%zz",
            b"n=a\tb",
        ] {
            let mut jar = CookieJar::default();
            let line = [
                &b"A: \xff\r\nSet-Cookie: "[..],
                pair,
                b" ; Path=/\r\nB: c\r\n",
            ]
            .concat();
            assert_eq!(jar.take(&line, &here), 0);
            assert_eq!(jar.header_for(&here).as_deref(), Some(pair));
        }
        let mut jar = CookieJar::default();
        jar.take(b"Set-Cookie: n=a\xe9b\r\n", &here);
        let values: Vec<String> = jar.values().collect();
        assert_eq!(values, ["a\u{fffd}b"]);
        // RFC 6265bis, section 5.6, step 1.
        for line in ["n=a\u{1}b", "n\u{7f}=a", "n=a; Path=/\0"] {
            let mut jar = CookieJar::default();
            set(&mut jar, line, &here);
            assert_eq!(sent(&jar, &here), "", "{line:?}");
        }
    }

    #[test]
    fn cookie_that_expired_in_the_past_is_removed_whatever_the_form_of_its_date() {
        let here = url("http://shop.test/");
        for expires in [
            "Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "expires=Thu, 1 Jan 1970 0:00:00 GMT",
            "Expires=Thu, 01-Jan-70 00:00:00 UTC",
            "Expires=1970-Jan-01 00:00:00",
            "Max-Age=0",
            "Max-Age=-1",
            "Max-Age=0; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            let mut jar = CookieJar::default();
            set(&mut jar, "a=1", &here);
            set(&mut jar, &format!("a=; {expires}"), &here);
            assert_eq!(sent(&jar, &here), "", "{expires}");
        }
        for attribute in [
            "Expires=0",
            "Expires=-1",
            "Max-Age=",
            "Max-Age=1.5; Expires=never",
            "Expires=Fri, 31 Dec 9999 23:59:59 GMT",
            "Max-Age=99999999999999999999",
        ] {
            let mut jar = CookieJar::default();
            set(&mut jar, &format!("a=1; {attribute}"), &here);
            assert_eq!(sent(&jar, &here), "a=1", "{attribute}");
        }
    }

    proptest! {
        #[test]
        fn header_of_any_cookies_can_be_sent(
            lines in prop::collection::vec(
                "(__Host-|__Secure-|)[a-c\u{80}-\u{ff}]{0,3}=?[ -~\t\u{1}\u{80}-\u{ff}]{0,8}(; ?(Path|Domain|Max-Age|Expires|Secure)=?[ -~]{0,12}){0,3}",
                0..8,
            ),
        ) {
            let mut jar = CookieJar::default();
            let here = url("https://a.shop.test/b/c");
            let bytes = |line: &String| line.chars().map(|letter| u32::from(letter).to_le_bytes()[0]).collect::<Vec<u8>>();
            for line in &lines {
                let field = [&b"Set-Cookie: "[..], &bytes(line), b"\r\n"].concat();
                jar.take(&field, &here);
            }
            let header = jar.header_for(&here).unwrap_or_default();
            prop_assert!(!header.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'));
            // Every pair is one that was set.
            for pair in header.split(|byte| *byte == b';').filter(|pair| !pair.is_empty()) {
                let is_set = |line: &String| {
                    let bytes = bytes(line);
                    let own = bytes.split(|byte| *byte == b';').next().unwrap_or_default();
                    let without_spaces = |text: &[u8]| text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>();
                    without_spaces(own) == without_spaces(pair)
                };
                prop_assert!(lines.iter().any(is_set), "{:?}", pair.escape_ascii().to_string());
            }
        }
    }
}
