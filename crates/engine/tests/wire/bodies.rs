//! Large request bodies, and the parts of response bodies that are used.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use brunt_record::{FailureKind, Measure, RunRecord, Scope, Second};
use brunt_testbed::{Behavior, Fault, Request, Response, Routes, Server};
use tempfile::TempDir;

use crate::{TestRun, failures, total};

const MIB: usize = 1 << 20;

/// A folder with a file of this size, `upload.bin`.
fn folder(bytes: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut file = File::create(folder.path().join("upload.bin")).unwrap();
    let piece: Vec<u8> = (0..=255).cycle().take(bytes).collect();
    file.write_all(&piece).unwrap();
    folder
}

/// Uploads the file once.
fn upload(server: &Server, folder: &TempDir) -> RunRecord {
    let path = folder.path().join("upload.bin").display().to_string();
    let task =
        format!("[[users.u.tasks]]\npost = \"/upload\"\nfile = \"{path}\"\ntimeout = \"20s\"");
    TestRun::new(&server.url(), 1, "50ms", "1h", &task).run()
}

fn echo_of(request: &Request) -> Response {
    let fits = request
        .body
        .iter()
        .zip((0..=255).cycle())
        .all(|(found, sent)| *found == sent);
    let status = if fits { 200 } else { 500 };
    Response::new(status).body(request.body.len().to_string())
}

fn behavior() -> Behavior {
    Routes::new().rule("/upload", echo_of).into()
}

#[test]
fn file_of_any_size_is_streamed() {
    for bytes in [0, 1, 1_000, 65_536, 65_537, MIB - 1, MIB, 10 * MIB] {
        let server = Server::start(behavior()).unwrap();
        let record = upload(&server, &folder(bytes));
        let counts = server.stop();
        assert_eq!(record.timeline.failures(), [], "{bytes}");
        assert_eq!(counts.requests, 1, "{bytes}");
        assert_eq!(
            total(&record, |second| second.bytes_sent),
            counts.bytes_read
        );
    }
}

#[test]
fn large_body_is_sent_after_the_wait_for_100_continue() {
    let server = Server::start(behavior().fault(Fault::NoContinue)).unwrap();
    let record = upload(&server, &folder(2 * MIB));
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(server.stop().requests, 1);
}

/// curl waits a second as well, with the first request of a connection and with later ones.
#[test]
fn wait_for_100_continue_is_a_second_with_every_request() {
    let server = Server::start(behavior().fault(Fault::NoContinue)).unwrap();
    let folder = folder(2 * MIB);
    let path = folder.path().join("upload.bin").display().to_string();
    let task = format!("[[users.u.tasks]]\npost = \"/upload\"\nfile = \"{path}\"");
    let mut test_run = TestRun::new(&server.url(), 1, "60s", "0s", &task);
    test_run.scenario.push_str("iterations = 3\n");
    let record = test_run.run();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(server.stop().requests, 3);
    let times = record.timeline.distribution(Scope::All, Measure::Service);
    for share in [0.01, 1.0] {
        let ms = times.percentile(share).unwrap().ms().unwrap();
        assert!((990.0..1_900.0).contains(&ms), "{share}: {ms}");
    }
}

#[test]
fn server_that_rejects_expect_gets_the_body_without_it() {
    let server = Server::start(behavior().fault(Fault::NoExpectations)).unwrap();
    let record = upload(&server, &folder(2 * MIB));
    let counts = server.stop();
    assert_eq!(record.timeline.failures(), []);
    assert_eq!((counts.responses[&417], counts.responses[&200]), (1, 1));
    assert_eq!(total(&record, |second| second.wire_requests), 2);
}

#[test]
fn response_before_the_complete_body_is_accepted() {
    for reads_on in [true, false] {
        for bytes in [MIB / 2, 20 * MIB] {
            let routes = Routes::new().at("/upload", Response::new(413));
            let fault = Fault::Early { reads_on };
            let server = Server::start(Behavior::from(routes).fault(fault)).unwrap();
            let record = upload(&server, &folder(bytes));
            let failures: Vec<_> = record
                .timeline
                .failures()
                .iter()
                .map(|failure| (failure.kind, failure.code, failure.count))
                .collect();
            let expected = [(FailureKind::Status, 413, 1)];
            assert_eq!(failures, expected, "reads on: {reads_on}, {bytes} bytes");
            assert_eq!(server.stop().requests, 1);
        }
    }
}

#[test]
fn endless_responses_are_cut_off() {
    let cases = [
        (
            "HTTP/1.1 200 OK\r\n",
            "A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
            "fields",
        ),
        (
            "HTTP/1.1 200 OK\r\nA: ",
            "aaaaaaaaaaaaaaaaaaaaaaaaa",
            "64 KiB",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            "aaaaaaaaaaaaaaaaaaaaaaaaa",
            "limit",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "5\r\nhello\r\n",
            "limit",
        ),
    ];
    for (once, again, reason) in cases {
        let endless = Fault::Endless(once.into(), again.repeat(100).into());
        let server = Server::start(endless).unwrap();
        let begun = Instant::now();
        let record = TestRun::new(
            &server.url(),
            1,
            "20ms",
            "1h",
            "[[users.u.tasks]]\nget = \"/\"",
        )
        .with("limits = { body = \"5MB\" }")
        .run();
        assert_eq!(
            failures(&record, FailureKind::ResponseTooLarge),
            1,
            "{reason}"
        );
        let example = record.timeline.failures()[0].example.clone().unwrap();
        assert!(example.contains(reason), "{example}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{reason}");
        let received = total(&record, |second| second.bytes_received);
        // Chunks of five bytes are twice as long with their framing.
        assert!(received < 11_000_000, "{reason}: {received}");
    }
}

#[test]
fn checks_apply_to_the_decoded_body() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        let body = encoder.finish().unwrap();
        Response::ok(body).header("Content-Encoding", "gzip")
    };
    let routes = Routes::new()
        .at("/plain", Response::ok("well said"))
        .at("/gzip", gzip(b"well said"))
        .at("/bomb", gzip(&vec![b'a'; 50 * MIB]))
        .at(
            "/broken",
            Response::ok("well said").header("Content-Encoding", "gzip"),
        )
        .at("/else", Response::ok("something else"));
    let server = Server::start(routes).unwrap();
    let tasks = ["/plain", "/gzip", "/bomb", "/broken", "/else"]
        .map(|path| format!("{{ get = \"{path}\", check = {{ contains = \"well\" }} }}"))
        .join(", ");
    let record = TestRun::new(
        &server.url(),
        1,
        "20ms",
        "1h",
        &format!("[[users.u.tasks]]\nsteps = [{tasks}]"),
    )
    .run();
    assert_eq!(total(&record, |second| second.ok), 2);
    assert_eq!(total(&record, Second::requests), 5);
    let kinds: Vec<_> = record
        .timeline
        .failures()
        .iter()
        .map(|failure| (failure.kind, failure.example.clone().unwrap()))
        .collect();
    let expected = [
        (FailureKind::ResponseTooLarge, "exceeds the limit"),
        (FailureKind::ProtocolError, "as gzip"),
        (
            FailureKind::Check,
            "the check `contains \"well\"` failed: something else",
        ),
    ];
    assert_eq!(kinds.len(), expected.len(), "{kinds:?}");
    for ((kind, example), (expected_kind, part)) in kinds.iter().zip(expected) {
        assert_eq!(*kind, expected_kind);
        assert!(example.contains(part), "{example}");
    }
}
