//! Differential test of `brunt import curl`: what brunt sends of an imported command is what curl sends.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use brunt_testbed::{Request, Response, Routes, Server};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

use crate::brunt::Brunt;

/// Number of generated commands.
const COMMANDS: usize = 120;
/// Number of commands that are imported together.
const BATCH: usize = 12;

/// Environment variables that imports read the secrets of the commands from.
const SECRETS: [(&str, &str); 5] = [
    ("PASSWORD", "hunter2:x"),
    ("AUTHORIZATION", "abc.def-123"),
    ("COOKIE", "sid=abc; theme=dark"),
    ("ACCESS_TOKEN", "t+1/2="),
    ("X_API_KEY", "key-0123456789"),
];

const PATHS: [&str; 8] = [
    "",
    "/a/b.json",
    "/a%20b/%C3%A9",
    "/a/../b/./c",
    "/x;v=1/y:z@w",
    "/~user/(1)*!'",
    "/a/%2e%2e/b",
    "//double/",
];

const QUERIES: [&str; 9] = [
    "",
    "?",
    "?q=1&q=2",
    "?q=a+b%20c%2B",
    "?a=1&b",
    "?a=b=c&d=/?:@",
    "?f\\[name\\]=x&ids\\[\\]=1",
    "?access_token=t%2B1%2F2%3D&b=2",
    "?%C3%A9=%c3#fragment",
];

const HEADERS: [&[&str]; 14] = [
    &[],
    &["-H", "X-A: 1"],
    &["-H", "X-A: 1", "-H", "X-A: 2", "-H", "x-a: 3"],
    &["-H", "X-Empty;", "-H", "X-Gone:"],
    &["-H", "Accept: application/json, text/*;q=0.5"],
    &["-H", "Content-Type: application/json"],
    &["-H", "Cache-Control: no-cache", "-H", "Range: bytes=0-9"],
    &["-A", "agent/1.0 (x; y)", "-e", "http://from.test/;auto"],
    &["-b", "sid=abc; theme=dark"],
    &["-H", "Authorization: Bearer abc.def-123"],
    &["-u", "ann:hunter2:x"],
    &["-H", "X-Api-Key: key-0123456789", "--compressed"],
    &["--oauth2-bearer", "abc.def-123"],
    &["-H", "X-Braces: {{ a }} {% b %} \"c\" 'd' \\e"],
];

const BODIES: [&[&str]; 23] = [
    &[],
    &[],
    &["-X", "DELETE", "-r", "5-"],
    &["-X", "PURGE"],
    &["-X", "OPTIONS"],
    &["-I"],
    &["-G", "-d", "a=1", "--data-urlencode", "b=x y&z"],
    &["--url-query", "u=v w", "--url-query", "+raw=%20"],
    &["-d", "user=ann&note=a+b"],
    &["-d", "a=1", "-d", "a=2", "--data-raw", "@b"],
    &["-d", "hello world"],
    &[
        "-d",
        "<a>{{ x }}</a>",
        "-H",
        "Content-Type: text/xml; charset=utf-8",
    ],
    &["--data-raw", "n=caf%E9"],
    &["--data-urlencode", "q=a b&é~*", "--data-urlencode", "=x y"],
    &["-d", "{\"a\": [1, 1.5, true], \"s\": \"{{ x }}\"}"],
    &["--json", "{\"a\":", "--json", "{\"deep\": [{}]}}"],
    &[
        "--json",
        "{\"big\":18446744073709551615,\"f\":1.50,\"e\":1E2}",
    ],
    &["-d", "{\"open\":", "-X", "PUT"],
    &["-d", ""],
    &["-T", "file.txt"],
    &[
        "-F",
        "a=1",
        "-F",
        "b=x y;type=text/plain",
        "-F",
        "f=@file.txt",
    ],
    &[
        "-F",
        "f=@file.txt;type=image/png;filename=\"p q.png\"",
        "--form-string",
        "g=@h;i",
    ],
    &[
        "--data-binary",
        "@file.txt",
        "-H",
        "Content-Type: text/plain",
    ],
];

/// The recorded requests of a server, in the order of their arrival.
struct Recorder {
    server: Server,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Recorder {
    fn start() -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&requests);
        let routes = Routes::new().otherwise_rule(move |request| {
            into.lock().expect("no panic").push(request.clone());
            Response::ok("ok")
        });
        Self {
            server: Server::start(routes).expect("a server"),
            requests,
        }
    }

    /// The requests since the last call, by the first segment of their paths.
    fn take(&self) -> BTreeMap<String, Vec<Sent>> {
        let mut sent: BTreeMap<String, Vec<Sent>> = BTreeMap::new();
        for request in self.requests.lock().expect("no panic").drain(..) {
            let marker = request.target.split(['/', '?']).nth(1).unwrap_or_default();
            sent.entry(marker.to_owned())
                .or_default()
                .push(Sent::from(&request));
        }
        sent
    }
}

/// The parts of a request that are compared.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    method: String,
    target: String,
    /// Fields in a fixed order, without those that differ by design.
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    json: Option<Value>,
}

impl From<&Request> for Sent {
    fn from(request: &Request) -> Self {
        let mut body = request.body.clone();
        let mut fields = Vec::new();
        for (name, value) in &request.headers {
            let name = name.to_ascii_lowercase();
            let mut value = value.clone();
            // The name of the client, and how a body is framed, even one that is empty.
            let is_own = name == "user-agent" && value.starts_with(['c', 'b']);
            if is_own || matches!(name.as_str(), "content-length" | "host" | "expect") {
                continue;
            }
            if let Some((kind, boundary)) = value.split_once("; boundary=") {
                body = String::from_utf8_lossy(&body)
                    .replace(boundary, "BOUNDARY")
                    .into_bytes();
                let length = kind.len();
                value.truncate(length);
            }
            fields.push((name, value));
        }
        // The order of fields of one name matters.
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        // The same bytes in other letters: `%c3` and `%C3`.
        let mut parts = request.target.split('%');
        let mut target = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (digits, rest) = part.split_at(part.len().min(2));
            target += &format!("%{}{rest}", digits.to_ascii_uppercase());
        }
        // Values of JSON are written again without spaces.
        let is_json = matches!(body.first(), Some(b'{' | b'['));
        let json = is_json
            .then(|| serde_json::from_slice(&body).ok())
            .flatten();
        Self {
            method: request.method.clone(),
            target,
            fields,
            body: if json.is_some() { Vec::new() } else { body },
            json,
        }
    }
}

/// The arguments of a command, whose path begins with a segment of its own.
fn generated(random: &mut Xoshiro256PlusPlus, number: usize, url: &str) -> Vec<String> {
    // Digits would be an ID, which requests of one name share.
    let letter = |digit: usize| char::from(b'a' + u8::try_from(digit % 26).expect("a letter"));
    let marker: String = ['q', letter(number / 26), letter(number)].iter().collect();
    let path = PATHS.choose(random).expect("paths");
    let query = QUERIES.choose(random).expect("queries");
    let mut arguments = vec![format!("{url}/{marker}{path}{query}")];
    let headers: &[&str] = HEADERS.choose(random).expect("headers");
    // Each body is used, however the rest is drawn.
    let body = BODIES[number % BODIES.len()];
    // A form sends a type of its own, and two types are two lines.
    let has_type = |words: &[&str]| words.iter().any(|word| word.starts_with("Content-Type"));
    let is_form = body.first() == Some(&"-F");
    let fits = !has_type(headers) || !has_type(body) && !is_form;
    for words in [if fits { headers } else { &[] }, body] {
        let at = random.random_range(0..=1) * arguments.len();
        let words = words.iter().map(|word| (*word).to_owned());
        arguments.splice(at..at, words);
    }
    arguments
}

/// Words in the quotes of bash.
fn quoted(words: &[String]) -> String {
    let quoted = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', "'\\''")));
    format!("curl {}", quoted.collect::<Vec<_>>().join(" "))
}

/// Runs curl. Its version decides what is right.
fn run_curl(folder: &std::path::Path, arguments: &[String]) {
    let ended = Command::new("curl")
        .args(["-q", "-sS", "-o", "/dev/null", "--noproxy", "*"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("curl starts");
    assert!(ended.status.success(), "{arguments:?} {ended:?}");
}

/// Imports commands, edits the scenario, and sends each of its tasks once.
fn run_import(brunt: &Brunt, commands: &str, edit: impl Fn(String) -> String) -> String {
    std::fs::write(brunt.path("commands.txt"), commands).expect("a file");
    let input = std::fs::File::open(brunt.path("commands.txt")).expect("a file");
    let imported = brunt
        .command_of(&["import", "--force", "curl", "-"])
        .stdin(input)
        .output()
        .expect("brunt starts");
    assert!(imported.status.success(), "{commands}\n{imported:?}");
    let text = std::fs::read_to_string(brunt.path("brunt.toml")).expect("a scenario");
    std::fs::write(brunt.path("brunt.toml"), edit(text)).expect("a file");
    let tried = brunt
        .command_of(&["check", "--try", "--seed", "1"])
        .envs(SECRETS)
        .output()
        .expect("brunt starts");
    assert!(tried.status.success(), "{commands}\n{tried:?}");
    String::from_utf8_lossy(&imported.stderr).into_owned()
}

#[test]
fn imported_curl_commands_send_what_curl_sends() {
    if Command::new("curl").arg("--version").output().is_err() {
        let reason = "curl is not installed";
        return brunt_testbed::skip("imported_curl_commands_send_what_curl_sends", reason);
    }
    let recorder = Recorder::start();
    let brunt = Brunt::new(&[]);
    std::fs::write(brunt.path("file.txt"), "line 1\nline 2 é\n").expect("a file");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let url = recorder.server.url();
    let commands: Vec<Vec<String>> = (0..COMMANDS)
        .map(|number| generated(&mut random, number, &url))
        .collect();
    let mut compared = 0;
    for batch in commands.chunks(BATCH) {
        for arguments in batch {
            run_curl(brunt.folder.path(), arguments);
        }
        let expected = recorder.take();
        assert_eq!(
            expected.len(),
            batch.len(),
            "a command sent no request of its own: {batch:?} {:?}",
            expected.keys()
        );
        let lines: Vec<String> = batch.iter().map(|words| quoted(words)).collect();
        run_import(&brunt, &lines.join("\n"), |text| text);
        let sent = recorder.take();
        for (marker, expected) in &expected {
            let command = lines
                .iter()
                .find(|line| line.contains(&format!("/{marker}")));
            assert_eq!(sent.get(marker), Some(expected), "{command:?}");
            compared += 1;
        }
        assert_eq!(sent.len(), expected.len());
    }
    assert_eq!(compared, COMMANDS);
}

/// Negative control: the comparison finds each part of a request that an import would lose.
#[test]
fn comparison_with_curl_finds_what_an_import_loses() {
    if Command::new("curl").arg("--version").output().is_err() {
        let reason = "curl is not installed";
        return brunt_testbed::skip("comparison_with_curl_finds_what_an_import_loses", reason);
    }
    let recorder = Recorder::start();
    let brunt = Brunt::new(&[]);
    let url = format!("{}/qaa/a?b=1%2F2", recorder.server.url());
    let words = [
        &url,
        "-X",
        "PUT",
        "-H",
        "X-A: 1",
        "-H",
        "X-A: 2",
        "-d",
        "n=caf%E9",
        "-b",
        "sid=abc; theme=dark",
    ];
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    run_curl(brunt.folder.path(), &words);
    let expected = recorder.take();
    let edits: [(&str, &str, bool); 8] = [
        ("", "", true),
        ("put", "post", false),
        ("1%2F2", "1/2", false),
        ("\"1\", \"2\"", "\"2\", \"1\"", false),
        ("[\"1\", \"2\"]", "\"2\"", false),
        ("caf%E9", "caf%C3%A9", false),
        ("x-www-form-urlencoded", "json", false),
        ("{{ env.COOKIE }}", "{{ env.COOKIE }};", false),
    ];
    for (from, to, is_equal) in edits {
        run_import(&brunt, &quoted(&words), |text| {
            assert!(text.contains(from), "{from} {text}");
            text.replacen(from, to, 1)
        });
        assert_eq!(recorder.take() == expected, is_equal, "{from}");
    }
}
