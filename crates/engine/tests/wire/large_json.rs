//! Large JSON bodies: parsed while other users continue, within limited memory.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use brunt_record::{FailureKind, RunRecord, Second};
use brunt_testbed::{Response, Routes, Server, wait_until};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{TestRun, failures, total};

const BOUND: Duration = Duration::from_secs(50);

/// An array of records of about 140 bytes. The last one has an `id`.
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

/// The request line; reads to the end of the headers.
fn request_line(from: &mut BufReader<&TcpStream>) -> String {
    let mut lines = from.lines().map(Result::unwrap);
    let line = lines.next().unwrap_or_default();
    lines.find(String::is_empty);
    line
}

/// A service that sends a large body, with the number of small requests that others sent while it was parsed.
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
            // The client reads the response while the others send this number of requests.
            let sent = small();
            wait_until(BOUND, "small requests", || {
                (small() > sent + 500).then_some(())
            });
            let sent = small();
            (&stream).write_all(&[*last]).unwrap();
            let after = request_line(&mut requests);
            let small_requests = small() - sent;
            (&stream).write_all(&ok(b"x")).unwrap();
            request_line(&mut requests);
            (small_requests, after)
        });
        Self { url, thread }
    }
}

/// Ten users get small responses, and one gets a large one, from which it extracts an id.
fn run_with_large_response(path: &str, body: Vec<u8>) -> (RunRecord, u64, String) {
    let server = Server::start(Routes::new().at("/small", Response::ok("x"))).unwrap();
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
    let record = TestRun::new(&server.url(), 11, "1m", "0s", &tasks).run();
    let (small_requests, after) = large.thread.join().unwrap();
    (record, small_requests, after)
}

#[test]
fn large_json_body_is_parsed_while_other_users_continue() {
    // On a loaded machine, the core may lack its CPU long enough to have stalled.
    let goes_on = (0..5).any(|_| {
        let (record, small_requests, after) = run_with_large_response("$..id", records(14_000_000));
        assert_eq!(record.timeline.failures(), []);
        assert_eq!(after, "GET /after/7 HTTP/1.1");
        // One request of each user may have been in flight.
        assert!(small_requests > 50, "{small_requests}");
        total(&record, |second| second.generator_stall_ms) == 0
    });
    assert!(goes_on);
}

/// One user sends one request, with these lines in its task.
fn asked_once(server: &Server, task: &str) -> RunRecord {
    let task = format!("[[users.u.tasks]]\nget = \"/\"\ntimeout = \"60s\"\n{task}");
    TestRun::new(&server.url(), 1, "100ms", "1h", &task).run()
}

fn serve(response: Response) -> Server {
    Server::start(Routes::new().at("/", response)).unwrap()
}

#[test]
fn json_that_takes_too_much_memory_is_rejected_with_a_remedy() {
    let body = format!("[{}{{\"id\":7}}]", "1,".repeat(7_000_000));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    for response in [
        Response::ok(body),
        Response::ok(bomb).header("Content-Encoding", "gzip"),
    ] {
        let server = serve(response);
        let record = asked_once(&server, "extract = { id = \"$..id\" }");
        assert_eq!(failures(&record, FailureKind::ResponseTooLarge), 1);
        let example = record.timeline.failures()[0].example.clone().unwrap();
        let says = "takes over 256 MiB of memory when it is parsed; paths of names and indexes";
        assert!(example.contains(says), "{example}");
        // A path of names and indexes still finds its value.
        let record = asked_once(&server, "extract = { id = \"$[7000000].id\" }");
        assert_eq!(record.timeline.failures(), []);
    }
}

#[test]
fn large_body_is_checked_like_a_small_one() {
    let server = serve(Response::ok(records(300_000)));
    for (check, fault) in [
        ("json = { \"$[-1].id\" = 7 }", None),
        (
            "json = { \"$..id\" = { count = 1 }, \"$[0].price\" = 12.5 }",
            None,
        ),
        ("contains = \"{\\\"id\\\":7}\"", None),
        (
            "json = { \"$[-1].id\" = 8 }",
            Some("$[-1].id is 8` failed, but the value is 7"),
        ),
        ("json = { \"$..none\" = 1 }", Some("but nothing was found")),
        ("size = 7", Some("but the body has 30")),
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
    let broken = serve(Response::ok([records(300_000), b"]".to_vec()].concat()));
    let record = asked_once(&broken, "check = { json = { \"$..id\" = 7 } }");
    let example = record.timeline.failures()[0].example.clone().unwrap();
    assert!(example.contains("the body is not JSON"), "{example}");
}

/// The end of the run does not wait for the parser.
#[test]
fn aborted_run_ends_while_a_body_is_parsed() {
    let server = serve(Response::ok(records(14_000_000)));
    let task = "[[users.u.tasks]]\nget = \"/\"\nextract = { id = \"$..id\" }";
    let mut test_run = TestRun::new(&server.url(), 6, "400ms", "0s", task);
    test_run.settings.stop_timeout = Duration::ZERO;
    let record = test_run.run();
    let cut_off = failures(&record, FailureKind::Aborted);
    assert!(cut_off > 0);
    let others = total(&record, Second::requests) - cut_off;
    assert_eq!(others, total(&record, |second| second.ok));
}
