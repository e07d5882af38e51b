//! Cookies: set by responses, kept per user and sent back (RFC 6265), within the limits of
//! browsers.

use std::collections::VecDeque;

use cookie_store::{Cookie, CookieStore, StoreAction};
use url::Url;

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
    store: CookieStore,
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

/// A cookie in the store.
#[derive(Debug)]
struct Entry {
    path: String,
    name: String,
    bytes: usize,
    /// Creation order among all cookies ever added.
    number: u64,
    may_expire: bool,
}

impl CookieJar {
    /// Stores the cookies that a response from a URL sets; `fields` are header lines. Returns the number of cookies
    /// dropped because of the limits: cookies that are too large, and the oldest ones of a full jar.
    pub(crate) fn take(&mut self, fields: &[u8], url: &Url) -> u64 {
        let mut dropped = 0;
        for line in String::from_utf8_lossy(fields).split("\r\n") {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            if name.eq_ignore_ascii_case("set-cookie") {
                dropped += self.set(value.trim(), url);
            }
        }
        dropped
    }

    /// Stores a cookie. Returns the number of cookies dropped.
    fn set(&mut self, line: &str, url: &Url) -> u64 {
        let pair = line.split(';').next().unwrap_or_default();
        if pair.len() > COOKIE_BYTES_MAX {
            return 1;
        }
        let line = without_long_attributes(line);
        // A cookie that this URL must not set is ignored, as in browsers.
        let Ok(cookie) = Cookie::parse(line.as_str(), url) else {
            return 0;
        };
        let cookie = cookie.into_owned();
        let entry = Entry {
            path: String::from(&cookie.path),
            name: cookie.name().to_owned(),
            bytes: line.len(),
            number: self.kept,
            may_expire: cookie.is_persistent(),
        };
        let domain = String::from(&cookie.domain);
        match self.store.insert(cookie, url) {
            Ok(StoreAction::Inserted) => self.add(domain, entry),
            Ok(StoreAction::UpdatedExisting) => self.update(&domain, &entry),
            Ok(StoreAction::ExpiredExisting) => self.forget(&domain, &entry),
            Err(_) => return 0,
        }
        self.evict()
    }

    fn add(&mut self, name: String, entry: Entry) {
        self.kept += 1;
        self.cookies += 1;
        self.bytes += entry.bytes;
        let known = self.domains.iter_mut().find(|known| known.name == name);
        if let Some(domain) = known {
            domain.bytes += entry.bytes;
            domain.entries.push_back(entry);
        } else {
            self.domains.push(Domain {
                name,
                bytes: entry.bytes,
                entries: VecDeque::from([entry]),
            });
        }
    }

    /// Updates the value of a cookie. Its creation order stays the same (RFC 6265, section 5.3).
    fn update(&mut self, domain: &str, entry: &Entry) {
        let Some((at, place)) = self.place(domain, entry) else {
            return;
        };
        let domain = &mut self.domains[at];
        let known = &mut domain.entries[place];
        domain.bytes = domain.bytes - known.bytes + entry.bytes;
        self.bytes = self.bytes - known.bytes + entry.bytes;
        (known.bytes, known.may_expire) = (entry.bytes, entry.may_expire);
    }

    /// Removes a cookie that the server has expired.
    fn forget(&mut self, domain: &str, entry: &Entry) {
        if let Some((at, place)) = self.place(domain, entry) {
            self.remove(at, place);
        }
    }

    fn place(&self, domain: &str, entry: &Entry) -> Option<(usize, usize)> {
        let at = self.domains.iter().position(|known| known.name == domain)?;
        let mut entries = self.domains[at].entries.iter();
        let place =
            entries.position(|known| known.name == entry.name && known.path == entry.path)?;
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
        self.store.remove(&domain.name, &entry.path, &entry.name);
        if domain.entries.is_empty() {
            self.domains.swap_remove(at);
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
        let mut expired = Vec::new();
        for domain in &self.domains {
            for entry in domain.entries.iter().filter(|entry| entry.may_expire) {
                let known = self.store.get(&domain.name, &entry.path, &entry.name);
                if known.is_none() {
                    expired.push(entry.number);
                }
            }
        }
        for number in expired {
            let place = |domain: &Domain| {
                let mut entries = domain.entries.iter();
                entries.position(|entry| entry.number == number)
            };
            let mut domains = self.domains.iter().enumerate();
            if let Some((at, place)) = domains.find_map(|(at, known)| Some((at, place(known)?))) {
                self.remove(at, place);
            }
        }
    }

    /// Values of all cookies.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.store.iter_any().map(|cookie| cookie.value())
    }

    /// Value of the `Cookie` header for a URL; `None` if no cookie applies.
    pub(crate) fn header_for(&self, url: &Url) -> Option<String> {
        let mut header = String::new();
        for (name, value) in self.store.get_request_values(url) {
            if !header.is_empty() {
                header.push_str("; ");
            }
            header.push_str(name);
            header.push('=');
            header.push_str(value);
        }
        (!header.is_empty()).then_some(header)
    }
}

/// Removes from a `Set-Cookie` line the attributes that exceed the limit.
fn without_long_attributes(line: &str) -> String {
    let mut parts = line.split(';');
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts.filter(|part| part.len() <= ATTRIBUTE_BYTES_MAX) {
        kept.push(';');
        kept.push_str(part);
    }
    kept
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
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn cookie_is_sent_to_its_domain_and_path_only() {
        let mut jar = CookieJar::default();
        let fields = b"Content-Type: text/html\r\nSet-Cookie: id=1; Path=/\r\nset-cookie: a=b; Path=/shop\r\n\
                       Set-Cookie: s=t; Secure\r\nSet-Cookie: other=x; Domain=example.com\r\n";
        assert!(sets_any(fields) && !sets_any(b"Content-Type: x\r\n"));
        jar.take(fields, &url("http://shop.test:8080/login"));
        let line = |to: &str| {
            let line = jar.header_for(&url(to));
            let line = line.unwrap_or_default();
            let mut pairs: Vec<String> = line.split("; ").map(str::to_owned).collect();
            pairs.sort();
            pairs.join("; ")
        };
        assert_eq!(line("http://shop.test:8080/"), "id=1");
        assert_eq!(line("http://shop.test:8080/shop/basket"), "a=b; id=1");
        assert_eq!(line("https://shop.test/shop"), "a=b; id=1; s=t");
        assert_eq!(line("http://example.com/"), "");
    }

    fn set(jar: &mut CookieJar, line: &str, url: &Url) -> u64 {
        jar.take(format!("Set-Cookie: {line}\r\n").as_bytes(), url)
    }

    fn names(jar: &CookieJar, url: &Url) -> std::collections::BTreeSet<String> {
        let pairs = jar.store.get_request_values(url);
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
        assert_eq!(jar.store.iter_any().count(), kept);
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
        assert_eq!(jar.store.iter_any().count(), COOKIES_MAX);
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
        assert_eq!(jar.header_for(&here).unwrap(), "id=2");
        jar.take(b"Set-Cookie: id=; Max-Age=0\r\n", &here);
        assert_eq!(jar.header_for(&here), None);
    }
}
