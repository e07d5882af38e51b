//! The cookie jar compared with the one of Python, which the library requests uses: both send the same cookies.

use std::io::Write;
use std::process::{Command, Stdio};

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use url::Url;

use super::cookies::CookieJar;

/// The jar of Python, except that it would also send the cookies of a host to its subdomains.
const PYTHON: &str = "\
import email.message, http.cookiejar, json, sys, urllib.request
class Response:
    def __init__(self, line):
        self.headers = email.message.Message()
        self.headers['Set-Cookie'] = line
    def info(self):
        return self.headers
def sent(case):
    policy = http.cookiejar.DefaultCookiePolicy(
        strict_ns_domain=http.cookiejar.DefaultCookiePolicy.DomainStrictNonDomain)
    jar = http.cookiejar.CookieJar(policy)
    for url, line in case['set']:
        jar.extract_cookies(Response(line), urllib.request.Request(url))
    def header(url):
        request = urllib.request.Request(url)
        jar.add_cookie_header(request)
        return request.get_header('Cookie', '')
    return [header(url) for url in case['urls']]
print(json.dumps([sent(case) for case in json.load(sys.stdin)]))
";

const CASES: usize = 400;

const ORIGINS: [&str; 4] = [
    "http://shop.example.org",
    "https://shop.example.org",
    "http://a.shop.example.org:8080",
    "http://other.example.net",
];
const PATHS: [&str; 6] = ["/", "/a", "/a/", "/a/b", "/a/b/c?d=e", "/ab"];

/// Responses that set cookies, and the URLs of later requests.
#[derive(Debug, Clone)]
struct Case {
    /// URL and `Set-Cookie` line.
    set: Vec<(String, String)>,
    urls: Vec<String>,
}

fn one_of<'a>(choices: &[&'a str], random: &mut Xoshiro256PlusPlus) -> &'a str {
    choices.choose(random).unwrap()
}

fn url(random: &mut Xoshiro256PlusPlus) -> String {
    format!("{}{}", one_of(&ORIGINS, random), one_of(&PATHS, random))
}

impl Case {
    fn new(random: &mut Xoshiro256PlusPlus) -> Self {
        let lines = random.random_range(1..=8);
        let set = (0..lines).map(|number| {
            let url = url(random);
            let line = line(number, &url, random);
            (url, line)
        });
        let set = set.collect();
        let urls = (0..6).map(|_| url(random)).collect();
        Self { set, urls }
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "set": self.set, "urls": self.urls })
    }

    /// The cookies that the jar of brunt sends to each URL.
    fn sent(&self) -> Vec<String> {
        let mut jar = CookieJar::default();
        for (url, line) in &self.set {
            let fields = format!("Set-Cookie: {line}\r\n");
            jar.take(fields.as_bytes(), &Url::parse(url).unwrap());
        }
        let urls = self.urls.iter().map(|url| Url::parse(url).unwrap());
        let sent = urls.map(|url| jar.header_for(&url).unwrap_or_default());
        sent.map(|line| String::from_utf8(line).unwrap()).collect()
    }
}

/// A line whose value is unique within its case.
fn line(number: usize, url: &str, random: &mut Xoshiro256PlusPlus) -> String {
    let path = one_of(
        &[
            "",
            "; Path=/",
            "; path=/a",
            "; Path=/a/",
            "; Path=/a/b",
            "; Path=",
        ],
        random,
    );
    let domain = one_of(
        &[
            "",
            "",
            "; Domain=shop.example.org",
            "; domain=.shop.example.org",
            "; Domain=EXAMPLE.org",
            "; Domain=other.example.net",
            "; Domain=a.shop.example.org",
        ],
        random,
    );
    let lifetime = one_of(
        &[
            "",
            "",
            "",
            "; Max-Age=0",
            "; Max-Age=1000",
            "; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "; expires=Thu, 01-Jan-1970 00:00:00 GMT",
            "; Expires=Fri, 31 Dec 2100 23:59:59 GMT",
        ],
        random,
    );
    let flags = if url.starts_with("https") {
        one_of(&["", "; Secure", "; HttpOnly; secure"], random)
    } else {
        one_of(&["", "; HttpOnly", "; SameSite=Lax"], random)
    };
    // In Python, any host can remove the cookies of another one.
    let is_foreign = url.contains("other") != domain.contains("other");
    let is_past = lifetime.contains("1970") || lifetime.contains("Age=0");
    let domain = if is_past && is_foreign { "" } else { domain };
    // Python lets an insecure response replace a secure cookie, which browsers do not.
    let names = if flags.to_lowercase().contains("secure") {
        &["s", "t"][..]
    } else {
        &["a", "b", "c"]
    };
    let name = one_of(names, random);
    format!("{name}=v{number}{domain}{path}{lifetime}{flags}")
}

/// The cookies that the jar of Python sends; `None` if there is no Python.
fn sent_by_python(cases: &[Case]) -> Option<Vec<Vec<String>>> {
    let child = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        brunt_testbed::skip(
            "the cookie jar against Python's",
            "python3 is not installed",
        );
        return None;
    };
    let cases: Vec<_> = cases.iter().map(Case::to_json).collect();
    let input = serde_json::to_vec(&cases).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Cookies in an order that does not depend on the jar: Python's sorts them by their paths, but not by their age.
fn sorted(line: &str) -> Vec<&str> {
    let mut pairs: Vec<&str> = line.split("; ").collect();
    pairs.sort_unstable();
    pairs
}

/// The URLs of a case to which the two jars send other cookies.
fn differences(ours: &[String], theirs: &[String]) -> usize {
    let pairs = ours.iter().zip(theirs);
    pairs
        .filter(|(ours, theirs)| sorted(ours) != sorted(theirs))
        .count()
}

#[test]
fn jar_sends_the_same_cookies_as_the_jar_of_python() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let cases: Vec<Case> = (0..CASES).map(|_| Case::new(&mut random)).collect();
    let Some(theirs) = sent_by_python(&cases) else {
        return;
    };
    let mut sent = 0;
    for (case, theirs) in cases.iter().zip(&theirs) {
        let ours = case.sent();
        assert_eq!(
            differences(&ours, theirs),
            0,
            "{case:#?}\n{ours:#?}\n{theirs:#?}"
        );
        sent += ours.iter().filter(|line| line.contains("; ")).count();
    }
    assert!(sent > CASES / 4, "only {sent} requests had several cookies");
    // Negative controls: a jar that ignored any of these attributes would be found out.
    for attribute in ["path=", "domain=", "max-age=", "expires=", "secure"] {
        let found = cases
            .iter()
            .zip(&theirs)
            .map(|(case, theirs)| differences(&without(case, attribute).sent(), theirs));
        let found: usize = found.sum();
        assert!(found > 10, "{attribute}: only {found} differences");
    }
}

/// The case without an attribute.
fn without(case: &Case, attribute: &str) -> Case {
    let mut case = case.clone();
    for (_, line) in &mut case.set {
        let parts = line.split("; ");
        let kept = parts.filter(|part| !part.to_ascii_lowercase().starts_with(attribute));
        *line = kept.collect::<Vec<_>>().join("; ");
    }
    case
}
