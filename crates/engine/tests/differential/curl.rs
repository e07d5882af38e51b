//! 100 generated requests through brunt and through curl.

use std::fmt::Write;
use std::ops::RangeInclusive;
use std::process::Command;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::recording::{RecordingServer, header_lines, response, target};
use crate::test_run::TestRun;

const REQUESTS: u32 = 100;

/// The `User-Agent` of both.
const AGENT: &str = "differential test";

/// A request in the forms of both.
struct Generated {
    /// Keys of a step, without braces.
    step: String,
    /// Arguments of curl after the URL.
    arguments: Vec<String>,
    headers: Vec<(&'static str, String)>,
    path: String,
}

fn one_of<'a>(choices: &[&'a str], random: &mut Xoshiro256PlusPlus) -> &'a str {
    choices.choose(random).unwrap()
}

/// A text of characters, each of which has a meaning somewhere.
fn text(alphabet: &str, lengths: RangeInclusive<usize>, random: &mut Xoshiro256PlusPlus) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let length = random.random_range(lengths);
    (0..length)
        .map(|_| *letters.choose(random).unwrap())
        .collect()
}

/// A text as a TOML string.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// The path and the query after a first segment. Both send what RFC 3986 allows as it is; other characters are encoded in
/// other ways.
fn path(first: &str, random: &mut Xoshiro256PlusPlus) -> String {
    let mut path = first.to_owned();
    for _ in 0..random.random_range(0..3) {
        // curl would remove a segment of dots.
        let segment = text("abzAZ09-._~!$&'()*+,;=:@%", 0..=6, random);
        write!(path, "/x{segment}").unwrap();
    }
    if random.random_bool(0.5) {
        let query = text("abz09-._~!$&'()*+,;=:@%/?", 0..=12, random);
        write!(path, "?{query}").unwrap();
    }
    path.replace('%', one_of(&["%20", "%c3%A9", "%2F", "%"], random))
}

impl Generated {
    fn new(random: &mut Xoshiro256PlusPlus) -> Self {
        // curl repeats a method of its option -X after any redirect, which browsers and brunt do not.
        let (method, first) = if random.random_bool(0.4) {
            let status = one_of(&["301", "302", "303", "307", "308"], random);
            let method = one_of(&["get", "post", "head"], random);
            (method, format!("/redirect/{status}"))
        } else {
            const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];
            let first = one_of(&["/echo", "/echo", "/set"], random);
            (one_of(&METHODS, random), first.to_owned())
        };
        let path = path(&first, random);
        let mut generated = Self {
            step: format!("{method} = {}", quoted(&path)),
            arguments: Vec::new(),
            headers: Vec::new(),
            path,
        };
        match method {
            "head" => generated.arguments.push("--head".to_owned()),
            "get" | "post" => {}
            other => generated.add_option("-X", &other.to_ascii_uppercase()),
        }
        generated.add_body(method, random);
        generated.draw_headers(random);
        generated.add_headers();
        generated
    }

    /// Adds a body and its type.
    fn add_body(&mut self, method: &str, random: &mut Xoshiro256PlusPlus) {
        let is_redirected = self.path.starts_with("/redirect");
        if method == "post" && (is_redirected || random.random_bool(0.4)) {
            // Not with spaces, which curl encodes as `+`.
            let one = text("aé&=%+/\"\n", 0..=9, random);
            let two = text("bß~*._-", 0..=9, random);
            let fields = format!("\"a b\" = {}, c = {}", quoted(&one), quoted(&two));
            self.add_keys(&format!("form = {{ {fields} }}"));
            // curl encodes the value, but not the name.
            self.add_option("--data-urlencode", &format!("a%20b={one}"));
            self.add_option("--data-urlencode", &format!("c={two}"));
        } else if matches!(method, "post" | "put" | "patch") {
            let body = text("[]\"\\é\n\t a@&=%", 0..=20, random);
            self.add_keys(&format!("text = {}", quoted(&body)));
            self.add_option("--data-raw", &body);
            self.headers
                .push(("Content-Type", "text/x; charset=utf-8".to_owned()));
        }
    }

    fn draw_headers(&mut self, random: &mut Xoshiro256PlusPlus) {
        if random.random_bool(0.5) {
            let value = text("aé ß\"\\\t;,=:'z", 0..=9, random);
            self.headers.push(("X-Text", value.trim().to_owned()));
        }
        if random.random_bool(0.2) {
            let value = "text/html;q=0.9, */*".to_owned();
            self.headers.push(("Accept", value));
        }
        if random.random_bool(0.2) {
            self.headers.push(("Host", "www.example.org:81".to_owned()));
        }
        if random.random_bool(0.3) {
            let (user, password) = (text("aé@", 1..=4, random), text("pé: ", 1..=4, random));
            let (typed_user, typed_password) = (quoted(&user), quoted(&password));
            let auth = format!("user = {typed_user}, password = {typed_password}");
            self.add_keys(&format!("auth = {{ {auth} }}"));
            self.add_option("-u", &format!("{user}:{password}"));
        }
    }

    fn add_headers(&mut self) {
        let headers = std::mem::take(&mut self.headers);
        for (name, value) in &headers {
            // curl removes a header without a value, and sends an empty one for a semicolon.
            let line = if value.is_empty() {
                format!("{name};")
            } else {
                format!("{name}: {value}")
            };
            self.add_option("-H", &line);
        }
        let typed = headers
            .iter()
            .map(|(name, value)| format!("{name} = {}", quoted(value)));
        let typed: Vec<String> = typed.collect();
        self.add_keys(&format!("headers = {{ {} }}", typed.join(", ")));
    }

    fn add_keys(&mut self, keys: &str) {
        write!(self.step, ", {keys}").unwrap();
    }

    fn add_option(&mut self, option: &str, value: &str) {
        let words = [option, value].map(str::to_owned);
        self.arguments.extend(words);
    }
}

/// Sets cookies, redirects, and accepts everything.
fn respond(request: &[u8]) -> Vec<u8> {
    let target = target(request);
    if target.starts_with("/set") {
        let cookies: [&[u8]; 4] = [
            b"Set-Cookie: aa=1; Path=/",
            b"Set-Cookie: bb=caf\xe9; Path=/echo",
            // Each has another path: of the same length, curl 7.88 sends the newest first, against RFC 6265.
            b"Set-Cookie: cc=\"x y\"; Path=/set",
            b"Set-Cookie: __Host-d=1; Path=/",
        ];
        return response(200, &cookies, b"");
    }
    let status = target
        .strip_prefix("/redirect/")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let Some(status) = status else {
        return response(200, &[], b"");
    };
    let locations: [&[&[u8]]; 5] = [
        &[b"Location: /echo/a?b=c#d"],
        &[b"Location: echo"],
        &[b"Location: ../echo/./e"],
        &[b"Location: /echo/caf\xe9/\xc3\xa9"],
        &[b"Location: /echo/1", b"Location: /echo/2"],
    ];
    response(status, locations[target.len() % locations.len()], b"")
}

/// The requests that brunt sends.
fn sent_by_brunt(server: &RecordingServer, requests: &[Generated]) -> Vec<Vec<u8>> {
    let steps = requests
        .iter()
        .map(|request| format!("{{ {} }}", request.step));
    let steps: Vec<String> = steps.collect();
    let task = format!("[[users.u.tasks]]\nsteps = [\n{}\n]", steps.join(",\n"));
    let mut test_run = TestRun::new(&server.url(), 1, "1m", "0s", &task)
        .with(&format!("[headers]\nUser-Agent = \"{AGENT}\""));
    test_run.scenario.push_str("iterations = 1\n");
    let record = test_run.run();
    assert_eq!(record.timeline.failures(), []);
    server.take()
}

/// The requests that curl sends; `None` if it is not installed.
fn sent_by_curl(server: &RecordingServer, requests: &[Generated]) -> Option<Vec<Vec<u8>>> {
    const OPTIONS: &str = "-s -o /dev/null --globoff -L -b cookies -A";
    let mut curl = Command::new("curl");
    // Without a user's .curlrc.
    curl.arg("-q");
    for (number, request) in requests.iter().enumerate() {
        if number > 0 {
            curl.arg("--next");
        }
        curl.args(OPTIONS.split(' ')).arg(AGENT);
        curl.arg(format!("{}{}", server.url(), request.path))
            .args(&request.arguments);
    }
    // No proxy, and no file of cookies.
    curl.env_clear().current_dir(env!("CARGO_TARGET_TMPDIR"));
    let Ok(output) = curl.output() else {
        brunt_testbed::skip("requests against curl", "curl is not installed");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    Some(server.take())
}

/// A request in a form that does not depend on the order of its headers, nor on the case of the digits in
/// percent-encoded bytes.
fn normal(request: &[u8]) -> (String, Vec<String>, Vec<u8>) {
    let line = request.split(|byte| *byte == b'\r').next().unwrap();
    let line = String::from_utf8_lossy(line).to_ascii_lowercase();
    let lines = header_lines(request);
    let mut lines: Vec<String> = lines.map(|line| line.escape_ascii().to_string()).collect();
    lines.sort();
    let end = request.windows(4).position(|end| end == b"\r\n\r\n");
    let body = end.map_or(&[][..], |end| &request[end..]);
    (line, lines, body.to_vec())
}

fn differences(ours: &[Vec<u8>], theirs: &[Vec<u8>]) -> Vec<String> {
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().zip(theirs);
    let differing = pairs.filter(|(ours, theirs)| normal(ours) != normal(theirs));
    let shown = differing.map(|(ours, theirs)| {
        let (ours, theirs) = (ours.escape_ascii(), theirs.escape_ascii());
        format!("brunt {ours}\ncurl  {theirs}\n")
    });
    shown.collect()
}

#[test]
fn generated_requests_are_those_of_curl() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(22);
    let requests: Vec<Generated> = (0..REQUESTS).map(|_| Generated::new(&mut random)).collect();
    let server = RecordingServer::start(respond);
    let Some(theirs) = sent_by_curl(&server, &requests) else {
        return;
    };
    let ours = sent_by_brunt(&server, &requests);
    let found = differences(&ours, &theirs);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let redirected = ours.len() - requests.len();
    assert!(redirected > 20, "only {redirected} redirects");
    let has_several = |request: &&Vec<u8>| normal(request).1.join("\n").contains("; aa=");
    let cookies = ours.iter().filter(has_several).count();
    assert!(cookies > 20, "only {cookies} requests with several cookies");
    // Negative control: a byte anywhere in a request makes a difference.
    for (number, request) in ours.iter().enumerate() {
        for at in [6, request.len() / 2, request.len() - 5] {
            let mut changed = ours.clone();
            changed[number][at] ^= 2;
            let found = differences(&changed, &theirs);
            assert_eq!(found.len(), 1, "{}", request.escape_ascii());
        }
    }
}
