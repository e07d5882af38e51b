//! Large JSON bodies: parsed while other users go on, within bounded memory.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use brunt_record::{FailureKind, RunRecord, Second};
use brunt_testbed::{Answer, Routes, Server, wait_until};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Play, failures, total};

const BOUND: Duration = Duration::from_secs(50);

/// Records of 140 bytes or so, whose last has an `id` of its own.
fn records(bytes: usize) -> Vec<u8> {
    let record = "{\"number\":1234567,\"name\":\"a name of a product that is as long as they are in a shop\",\
                  \"tags\":[\"first\",\"second\"],\"price\":12.5},";
    let mut body = b"[".to_vec();
    while body.len() < bytes {
        body.extend_from_slice(record.as_bytes());
    }
    body.extend_from_slice(b"{\"id\":7}]");
    body
}

fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// The request line; the header section is read to its end.
fn request_line(from: &mut BufReader<&TcpStream>) -> String {
    let mut lines = from.lines().map(Result::unwrap);
    let line = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    line
}

/// A service that sends a large body, and with it how many small requests others made while the body was parsed.
struct LargeService {
    url: String,
    thread: JoinHandle<(u64, String)>,
}

impl LargeService {
    fn start(body: Vec<u8>, small: impl Fn() -> u64 + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut requests = BufReader::new(&stream);
            request_line(&mut requests);
            let response = ok(&body);
            let (last, before) = response.split_last().unwrap();
            (&stream).write_all(before).unwrap();
            // The client reads whatever is there in the time of so many other requests.
            let sent = small();
            wait_until(BOUND, "small requests", || {
                (small() > sent + 500).then_some(())
            });
            let sent = small();
            (&stream).write_all(&[*last]).unwrap();
            let after = request_line(&mut requests);
            let meanwhile = small() - sent;
            (&stream).write_all(&ok(b"x")).unwrap();
            request_line(&mut requests);
            (meanwhile, after)
        });
        Self { url, thread }
    }
}

/// Ten users get small responses, and one gets a large one, of which it takes an id.
fn played(path: &str, body: Vec<u8>) -> (RunRecord, u64, String) {
    let server = Server::start(Routes::new().at("/small", Answer::ok("x"))).unwrap();
    let server = std::sync::Arc::new(server);
    let counted = server.clone();
    let large = LargeService::start(body, move || counted.counts().requests);
    let tasks = format!(
        "host = \"{}\"\n[[users.u.tasks]]\nsteps = [\
         {{ get = \"/large\", timeout = \"60s\", extract = {{ id = \"{path}\" }} }},\
         {{ get = \"/after/{{{{ id }}}}\" }}, {{ stop_test = true }}]\n\
         [users.small]\nfixed_count = 10\nwait = \"1ms\"\n[[users.small.tasks]]\nget = \"/small\"",
        large.url
    );
    let record = Play::new(&server.url(), 11, "1m", "0s", &tasks).run();
    let (meanwhile, after) = large.thread.join().unwrap();
    (record, meanwhile, after)
}

#[test]
fn large_json_body_is_parsed_while_other_users_go_on() {
    // A machine under load may keep the core from its CPU for so long that it has stood still.
    let goes_on = (0..5).any(|_| {
        let (record, meanwhile, after) = played("$..id", records(14_000_000));
        assert_eq!(record.timeline.failures(), []);
        assert_eq!(after, "GET /after/7 HTTP/1.1");
        // One request of each may have been on its way.
        assert!(meanwhile > 50, "{meanwhile}");
        total(&record, |second| second.generator_stall_ms) == 0
    });
    assert!(goes_on);
}

/// One user asks once, with these lines of its task.
fn asked_once(server: &Server, task: &str) -> RunRecord {
    let task = format!("[[users.u.tasks]]\nget = \"/\"\ntimeout = \"60s\"\n{task}");
    Play::new(&server.url(), 1, "100ms", "1h", &task).run()
}

fn served(answer: Answer) -> Server {
    Server::start(Routes::new().at("/", answer)).unwrap()
}

#[test]
fn json_that_takes_too_much_memory_is_too_large_and_says_what_to_write() {
    let body = format!("[{}{{\"id\":7}}]", "1,".repeat(7_000_000));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    for answer in [
        Answer::ok(body),
        Answer::ok(bomb).header("Content-Encoding", "gzip"),
    ] {
        let server = served(answer);
        let record = asked_once(&server, "extract = { id = \"$..id\" }");
        assert_eq!(failures(&record, FailureKind::ResponseTooLarge), 1);
        let example = record.timeline.failures()[0].example.clone().unwrap();
        let says = "takes over 256 MiB of memory when it is parsed; paths of names and indexes";
        assert!(example.contains(says), "{example}");
        // What is followed is found all the same.
        let record = asked_once(&server, "extract = { id = \"$[7000000].id\" }");
        assert_eq!(record.timeline.failures(), []);
    }
}

#[test]
fn large_body_is_checked_as_a_small_one_is() {
    let server = served(Answer::ok(records(300_000)));
    for (check, fault) in [
        ("json = { \"$[-1].id\" = 7 }", None),
        (
            "json = { \"$..id\" = { count = 1 }, \"$[0].price\" = 12.5 }",
            None,
        ),
        ("contains = \"{\\\"id\\\":7}\"", None),
        (
            "json = { \"$[-1].id\" = 8 }",
            Some("$[-1].id is 8` failed, but it is 7"),
        ),
        ("json = { \"$..none\" = 1 }", Some("but there is none")),
        ("size = 7", Some("but it has 30")),
    ] {
        let record = asked_once(&server, &format!("check = {{ {check} }}"));
        let example = record.timeline.failures().first();
        let example = example.and_then(|failure| failure.example.clone());
        match fault {
            None => assert_eq!(example, None, "{check}"),
            Some(fault) => assert!(
                example.as_ref().is_some_and(|it| it.contains(fault)),
                "{example:?}"
            ),
        }
        assert_eq!(total(&record, Second::requests), 1);
    }
    let broken = served(Answer::ok([records(300_000), b"]".to_vec()].concat()));
    let record = asked_once(&broken, "check = { json = { \"$..id\" = 7 } }");
    let example = record.timeline.failures()[0].example.clone().unwrap();
    assert!(example.contains("it is no JSON"), "{example}");
}

/// What is being parsed is not waited for.
#[test]
fn run_that_is_cut_off_ends_while_a_body_is_parsed() {
    let server = served(Answer::ok(records(14_000_000)));
    let task = "[[users.u.tasks]]\nget = \"/\"\nextract = { id = \"$..id\" }";
    let mut play = Play::new(&server.url(), 6, "400ms", "0s", task);
    play.settings.stop_timeout = Duration::ZERO;
    let record = play.run();
    let cut_off = failures(&record, FailureKind::Aborted);
    assert!(cut_off > 0);
    let others = total(&record, Second::requests) - cut_off;
    assert_eq!(others, total(&record, |second| second.ok));
}
