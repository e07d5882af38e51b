//! Octets: what a service and a scenario write reaches the other side as it was written, whatever its charset, its
//! encoding and its order.

use std::io::Write;
use std::sync::{Arc, Mutex};

use brunt_record::{FailureKind, RunRecord, Second};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::http2::server::{ServerConfig, at_once, response as response2};
use crate::recording::{RecordingServer, field, header_lines, response, target};
use crate::{TestRun, failures, total};

/// One user runs these steps once.
fn once(url: &str, steps: &str) -> RunRecord {
    with(url, "", steps)
}

/// The same with these lines at the top of the scenario.
fn with(url: &str, top: &str, steps: &str) -> RunRecord {
    let task = format!("[[users.u.tasks]]\nsteps = [{steps}]");
    let mut test_run = TestRun::new(url, 1, "1m", "0s", &task).with(top);
    test_run.scenario.push_str("iterations = 1\n");
    test_run.run()
}

fn examples(record: &RunRecord) -> Vec<String> {
    let failures = record.timeline.failures().iter();
    failures
        .filter_map(|failure| failure.example.clone())
        .collect()
}

fn targets(server: &RecordingServer) -> Vec<String> {
    server
        .take()
        .iter()
        .map(|request| target(request))
        .collect()
}

const LATIN1_STEPS: &str = "{ get = \"/latin1\", check = { header = { X-Token = \"t1\", A = \"café\", B = { contains = \"é\" } } }, \
    extract = { t = { header = \"X-Token\" }, c = { cookie = \"lk\" } } }, \
    { get = \"/latin1\", check = { not = { header = { X-Token = \"t1\" } } } }, \
    { get = \"/echo/{{ t }}/{{ c }}\", name = \"echo\" }";

/// RFC 9110, section 5.5: field values are octets.
#[test]
fn header_that_is_not_utf_8_hides_no_other_header() {
    let server = RecordingServer::start(|_| {
        let lines: [&[u8]; 5] = [
            b"A: caf\xe9",
            b"X-Token: t1",
            b"B: \xc3\xa9",
            b"Set-Cookie: lk=1; Path=/",
            b"Set-Cookie: n=caf\xe9; Path=/",
        ];
        response(200, &lines, b"ok")
    });
    let record = once(&server.url(), LATIN1_STEPS);
    assert_eq!(failures(&record, FailureKind::Check), 1);
    let examples = examples(&record);
    assert!(examples[0].contains("not header X-Token"), "{examples:?}");
    assert_eq!(targets(&server), ["/latin1", "/latin1", "/echo/t1/1"]);
    let steps = LATIN1_STEPS.replace("not = { header = { X-Token = \"t1\" } }", "status = 200");
    assert_eq!(once(&server.url(), &steps).timeline.failures(), []);
    let requests = server.take();
    assert_eq!(target(&requests[2]), "/echo/t1/1");
    let mut lines = header_lines(&requests[2]);
    let expected: &[u8] = b"Cookie: lk=1; n=caf\xe9";
    assert!(lines.any(|line| line == expected), "{:?}", requests[2]);
}

/// The path of a request, and its `Cookie` field.
type PathAndCookies = (String, Vec<u8>);

#[test]
fn http2_header_that_is_not_utf_8_hides_no_other_header() {
    let cookies: Arc<Mutex<Vec<PathAndCookies>>> = Arc::default();
    let seen = cookies.clone();
    let server = ServerConfig::new(move |request| {
        let own = request.head.headers().get("cookie");
        let own = own.map_or(Vec::new(), |value| value.as_bytes().to_vec());
        let path = request.head.uri().path().to_owned();
        seen.lock().unwrap().push((path, own));
        let mut response = response2(200, "ok");
        let value = |bytes: &[u8]| http::HeaderValue::from_bytes(bytes).unwrap();
        let headers = response.headers_mut();
        headers.append("a", value(b"caf\xe9"));
        headers.append("x-token", value(b"t1"));
        headers.append("b", value(b"\xc3\xa9"));
        headers.append("set-cookie", value(b"lk=1; Path=/"));
        headers.append("set-cookie", value(b"n=caf\xe9; Path=/"));
        at_once(response)
    })
    .start();
    let steps = LATIN1_STEPS.replace("not = { header = { X-Token = \"t1\" } }", "status = 200");
    let record = with(&server.url(), "http = \"2\"", &steps);
    assert_eq!(record.timeline.failures(), []);
    let last = cookies.lock().unwrap().pop().unwrap();
    assert_eq!(last, ("/echo/t1/1".to_owned(), b"lk=1; n=caf\xe9".to_vec()));
    let record = with(&server.url(), "http = \"2\"", LATIN1_STEPS);
    assert_eq!(failures(&record, FailureKind::Check), 1);
}

/// RFC 9112, section 5.2: a field that continues on the next line is one field.
#[test]
fn folded_header_is_one_value_in_checks() {
    let server =
        RecordingServer::start(|_| response(200, &[b"A: b\r\n\tc\r\n d: e", b"F: g"], b"ok"));
    let check = "header = { A = { matches = '^b\\s+c\\s+d: e$' }, F = \"g\" }, not = { header = { d = { exists = true } } }";
    let record = once(
        &server.url(),
        &format!("{{ get = \"/\", check = {{ {check} }} }}"),
    );
    assert_eq!(examples(&record), [""; 0]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// HEAD, 204, 304 and an empty body name an encoding without content (RFC 9110, section 8.4). k6's issue 3438 is about
/// the same responses.
#[test]
fn encoding_without_content_decodes_to_nothing() {
    const NOTHING: [&[u8]; 8] = [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate, gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Encoding: deflate\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: unknown\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 55\r\n\r\n",
    ];
    let server = RecordingServer::start(|request| {
        let number: usize = target(request)[1..].parse().unwrap();
        NOTHING[number].to_vec()
    });
    let steps = (0..NOTHING.len()).map(|number| {
        let method = if number == 7 { "head" } else { "get" };
        format!("{{ {method} = \"/{number}\", check = {{ status = [200, 204, 304], size = 0 }} }}")
    });
    let record = once(&server.url(), &steps.collect::<Vec<_>>().join(", "));
    assert_eq!(examples(&record), [""; 0]);
    assert_eq!(total(&record, Second::requests), 8);
}

/// A response with these header lines.
fn body(lines: &[&str], body: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    response(200, &lines, body)
}

/// Each response, and a check that it passes.
fn encoded_responses() -> Vec<(Vec<u8>, &'static str)> {
    const JSON: &[u8] = b"{\"name\":\"x\"}";
    let is_json = "json = { \"$.name\" = \"x\" }";
    vec![
        // Several fields are one list (RFC 9110, section 5.3).
        (
            body(
                &["Content-Encoding: gzip", "content-encoding: deflate"],
                &zlib(&gzip(JSON)),
            ),
            is_json,
        ),
        (
            body(
                &[
                    "Content-Encoding: gzip",
                    "Content-Encoding: ",
                    "Content-Encoding: x-gzip",
                ],
                &gzip(&gzip(JSON)),
            ),
            is_json,
        ),
        (
            body(&["Content-Encoding: deflate"], &raw_deflate(JSON)),
            is_json,
        ),
        (body(&["Content-Encoding: deflate"], &zlib(JSON)), is_json),
        (body(&["Content-Encoding: none"], JSON), is_json),
        (
            body(
                &["Content-Encoding: gzip"],
                &[gzip(&JSON[..5]), gzip(&JSON[5..])].concat(),
            ),
            is_json,
        ),
        (
            body(
                &["Content-Encoding: gzip"],
                &[&gzip(JSON)[..], b"\0\0\0"].concat(),
            ),
            is_json,
        ),
    ]
}

/// The same for charsets and byte order marks.
fn responses_with_charsets() -> Vec<(Vec<u8>, &'static str)> {
    const JSON: &[u8] = b"{\"name\":\"x\"}";
    const HTML: &[u8] = b"<p>caf\xe9</p>";
    let is_json = "json = { \"$.name\" = \"x\" }";
    let utf_16 = "\u{feff}{\"name\":\"x\"}".encode_utf16();
    let utf_16: Vec<u8> = utf_16.flat_map(u16::to_be_bytes).collect();
    vec![
        // Byte order marks (Encoding Standard, section 6).
        (body(&[], &[&b"\xef\xbb\xbf"[..], JSON].concat()), is_json),
        (
            body(&[], &[&b"\xef\xbb\xbf"[..], JSON].concat()),
            "json = { \"$..name\" = \"x\" }, equals = '{\"name\":\"x\"}'",
        ),
        (body(&["Content-Type: application/json"], &utf_16), is_json),
        // Charsets (RFC 9110, section 8.3.2).
        (
            body(&["Content-Type: text/html; charset=ISO-8859-1"], HTML),
            "contains = \"café\", matches = \"^<p>café\", equals = \"<p>café</p>\", size = 11",
        ),
        (
            body(
                &[
                    "Content-Type: text/html;charset=\"windows-1252\"",
                    "Content-Encoding: gzip",
                ],
                &gzip(HTML),
            ),
            "contains = \"café\", size = 11",
        ),
        (
            body(
                &["Content-Type: text/plain; charset=shift_jis"],
                b"\x83\x65\x83\x58\x83\x67",
            ),
            "equals = \"テスト\"",
        ),
        (
            body(
                &["Content-Type: text/plain; charset=utf-8"],
                "café".as_bytes(),
            ),
            "equals = \"café\", size = 5",
        ),
        (body(&[], "café".as_bytes()), "contains = \"café\""),
        (
            body(
                &["Content-Type: application/json; charset=iso-8859-1"],
                "{\"name\":\"é\"}".as_bytes(),
            ),
            "json = { \"$.name\" = \"é\" }",
        ),
        (
            body(
                &["Content-Type: application/json; charset=iso-8859-1"],
                b"{\"name\":\"\xe9\"}",
            ),
            "json = { \"$.name\" = \"é\" }",
        ),
    ]
}

#[test]
fn encodings_and_charsets_are_decoded_for_checks() {
    let responses = [encoded_responses(), responses_with_charsets()].concat();
    let steps = responses
        .iter()
        .enumerate()
        .map(|(number, (_, check))| format!("{{ get = \"/{number}\", check = {{ {check} }} }}"));
    let steps: Vec<String> = steps.collect();
    let served = responses.clone();
    let server = RecordingServer::start(move |request| {
        let number: usize = target(request)[1..].parse().unwrap();
        served[number].0.clone()
    });
    for (number, step) in steps.iter().enumerate() {
        let record = once(&server.url(), step);
        assert_eq!(examples(&record), [""; 0], "{number}: {step}");
    }
}

/// A body over 256 KiB is decoded by another thread.
#[test]
fn large_body_with_a_charset_is_decoded_like_a_small_one() {
    let padding = "x".repeat(300 << 10);
    let latin1 = [
        &b"{\"name\":\"\xe9\",\"p\":\""[..],
        padding.as_bytes(),
        b"\"}",
    ]
    .concat();
    let marked = [
        &b"\xef\xbb\xbf{\"name\":\""[..],
        "é".as_bytes(),
        b"\",\"p\":\"",
        padding.as_bytes(),
        b"\"}",
    ]
    .concat();
    let server = RecordingServer::start(move |request| match target(request).as_str() {
        "/latin1" => response(200, &[b"Content-Type: a/b; charset=latin1"], &latin1),
        _ => response(200, &[], &marked),
    });
    for path in ["/latin1", "/marked"] {
        for json in ["$.name", "$..name"] {
            let check = format!("json = {{ \"{json}\" = \"é\" }}, contains = '\"name\":\"é\"'");
            let step = format!("{{ get = \"{path}\", check = {{ {check} }} }}");
            let record = once(&server.url(), &step);
            assert_eq!(record.timeline.failures(), [], "{step}");
        }
    }
}

/// RFC 6265, section 5.4.
#[test]
fn cookies_are_sent_in_the_same_order_in_every_run() {
    let server = RecordingServer::start(|request| match target(request).as_str() {
        "/cookies" => {
            let lines: [&[u8]; 3] = [
                b"Set-Cookie: SID=root; Path=/",
                b"Set-Cookie: SID=app; Path=/echo",
                b"Set-Cookie: AID=1; Path=/",
            ];
            response(200, &lines, b"")
        }
        _ => response(200, &[], b""),
    });
    for _ in 0..10 {
        let record = once(
            &server.url(),
            "{ get = \"/cookies\" }, { get = \"/echo/x\" }",
        );
        assert_eq!(record.timeline.failures(), []);
        let cookies = field(&server.take()[1], "cookie");
        assert_eq!(cookies.as_deref(), Some("SID=app; SID=root; AID=1"));
    }
}

/// Right values: the requests of curl 7.88 with `-L`.
#[test]
fn redirect_follows_the_first_location_byte_by_byte() {
    for (lines, expected) in [
        (&[&b"Location: /e/\xe9"[..]][..], Some("/e/%E9")),
        (&[b"Location: /e/\xc3\xa9?q=\xe9"], Some("/e/%C3%A9?q=%E9")),
        (&["Location: /e/é".as_bytes()], Some("/e/%C3%A9")),
        (&[b"Location: /e/1", b"Location: /e/2"], Some("/e/1")),
        (&[b"Location:", b"Location: /e/2"], Some("/e/2")),
        (&[b"Location: "], None),
        (&[b"Location: /e/a b"], Some("/e/a%20b")),
        (&[b"Location: /e#f"], Some("/e")),
        (&[b"Location: e/../f/./g"], Some("/f/g")),
    ] {
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
        let shown = format!("{lines:?}");
        let server = RecordingServer::start(move |request| {
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            match target(request).as_str() {
                "/from" => response(302, &lines, b""),
                _ => response(200, &[], b""),
            }
        });
        let record = once(
            &server.url(),
            "{ get = \"/from\", check = { status = [200, 302] } }",
        );
        assert_eq!(record.timeline.failures(), [], "{shown}");
        let targets = targets(&server);
        assert_eq!(targets.get(1).map(String::as_str), expected, "{shown}");
    }
}

/// The targets of a request whose path is this expression.
fn targets_of(server: &RecordingServer, value: &str, path: &str) -> (Vec<String>, RunRecord) {
    let value = serde_json::to_string(value).unwrap();
    let step = format!("{{ set = {{ a = {value} }} }}, {{ name = \"a\", get = \"{path}\" }}");
    let record = once(&server.url(), &step);
    (targets(server), record)
}

/// Right values: `new URL(value, host)` in a browser.
#[test]
fn path_from_an_expression_is_resolved_against_the_host() {
    let server = RecordingServer::start(|_| response(200, &[], b"ok"));
    let own = format!("{}/own?a=b#c", server.url());
    for (value, expected) in [
        ("/health", "/health"),
        ("health", "/health"),
        ("", "/"),
        ("?page=2", "/?page=2"),
        ("#part", "/"),
        ("a/../b", "/b"),
        (" /a b ", "/a%20b"),
        (
            "/a\r\nX-Evil: 1\r\n\r\nGET /b HTTP/1.1",
            "/aX-Evil:%201GET%20/b%20HTTP/1.1",
        ),
        ("/é", "/%C3%A9"),
        (&own, "/own?a=b"),
    ] {
        let (targets, record) = targets_of(&server, value, "{{ a }}");
        assert_eq!(record.timeline.failures(), [], "{value:?}");
        assert_eq!(targets, [expected], "{value:?}");
    }
    let (targets, _) = targets_of(&server, "items", "{{ a }}/{{ 1 + 1 }}?q={{ 'x y' }}");
    assert_eq!(targets, ["/items/2?q=x%20y"]);
}

#[test]
fn path_from_an_expression_that_names_another_host_is_a_failure() {
    let server = RecordingServer::start(|_| response(200, &[], b"ok"));
    let https = server.url().replace("http:", "https:");
    for (value, part) in [
        (
            "http://other.test/a",
            "cannot send the request to http://other.test",
        ),
        (
            "//other.test/a",
            "cannot send the request to http://other.test",
        ),
        (
            "/\\other.test/a",
            "cannot send the request to http://other.test",
        ),
        (
            "/\n/other.test/a",
            "cannot send the request to http://other.test",
        ),
        (&https, "which the scenario does not list in redirect_hosts"),
        ("ftp://other.test/a", "must be a path like /items"),
        ("localhost:80", "must be a path like /items"),
        ("http://u:s3cr3t@other.test/", "contains credentials"),
        ("http://[", "invalid path or URL"),
    ] {
        let (targets, record) = targets_of(&server, value, "{{ a }}");
        assert_eq!(targets, [""; 0], "{value:?}");
        assert_eq!(failures(&record, FailureKind::Check), 1, "{value:?}");
        assert_eq!(total(&record, |second| second.ok), 0, "{value:?}");
        let example = &examples(&record)[0];
        assert!(example.contains(part), "{value:?}: {example}");
        assert!(!example.contains("s3cr3t"), "{example}");
    }
}

/// Like a redirect: a host that the scenario lists gets the request, without its credentials.
#[test]
fn path_from_an_expression_may_name_a_redirect_host() {
    let other = RecordingServer::start(|_| response(200, &[b"Set-Cookie: o=1"], b"ok"));
    let server = RecordingServer::start(|_| response(200, &[b"Set-Cookie: s=1"], b"ok"));
    let steps = format!(
        "{{ get = \"/\" }}, {{ set = {{ a = \"{}/put?x=1\" }} }}, \
         {{ name = \"a\", put = \"{{{{ a }}}}\", query = {{ y = \"a b\" }}, text = \"hi\", auth = {{ bearer = \"t\" }}, headers = {{ B = \"c\" }} }}, \
         {{ get = \"/\" }}",
        other.url()
    );
    let record = with(
        &server.url(),
        &format!("redirect_hosts = [\"{}\"]", other.url()),
        &steps,
    );
    assert_eq!(record.timeline.failures(), []);
    let sent = other.take();
    assert_eq!(sent.len(), 1);
    assert_eq!(target(&sent[0]), "/put?x=1&y=a%20b");
    let host = field(&sent[0], "host").unwrap();
    assert_eq!(format!("http://{host}"), other.url());
    assert_eq!(field(&sent[0], "b").as_deref(), Some("c"));
    assert_eq!(field(&sent[0], "authorization"), None);
    assert!(sent[0].starts_with(b"PUT ") && sent[0].ends_with(b"\r\n\r\nhi"));
    // Cookies do not depend on the port (RFC 6265, section 8.5).
    assert_eq!(field(&sent[0], "cookie").as_deref(), Some("s=1"));
    let cookies = field(&server.take()[1], "cookie");
    assert_eq!(cookies.as_deref(), Some("s=1; o=1"));
}

#[test]
fn path_that_begins_with_two_slashes_stays_on_its_host() {
    let server = RecordingServer::start(|request| match target(request).as_str() {
        "//other.test/a" => response(302, &[b"Location: b", b"Set-Cookie: a=1; Path=/"], b""),
        _ => response(200, &[], b"ok"),
    });
    let (targets, record) = targets_of(&server, "/other.test/a", "/{{ a }}");
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(targets, ["//other.test/a", "//other.test/b"]);
}

/// As curl does with `-H 'Host: …'`: it is sent as written, also after a redirect to the same host, and cookies belong to
/// it.
#[test]
fn own_host_header_is_sent_as_written() {
    let server = RecordingServer::start(|request| match target(request).as_str() {
        "/a" => response(
            302,
            &[
                b"Location: /b",
                b"Set-Cookie: c=1; Domain=shop.test; Path=/",
            ],
            b"",
        ),
        _ => response(200, &[], b"ok"),
    });
    let steps = "{ get = \"/a\", headers = { host = \"www.shop.test:{{ 70 + 7 }}\", A = \"{{ 'b' }}\" } }, \
                 { get = \"/c\", headers = { Host = \"shop.test\" } }, { get = \"/d\" }";
    let record = with(&server.url(), "[headers]\nHost = \"common.test\"", steps);
    assert_eq!(record.timeline.failures(), []);
    let requests = server.take();
    let seen: Vec<(String, Option<String>, Option<String>)> = requests
        .iter()
        .map(|request| {
            let hosts = header_lines(request)
                .filter(|line| line.to_ascii_lowercase().starts_with(b"host:"));
            assert_eq!(hosts.count(), 1, "{}", String::from_utf8_lossy(request));
            (
                target(request),
                field(request, "host"),
                field(request, "cookie"),
            )
        })
        .collect();
    let row = |target: &str, host: &str, cookie: Option<&str>| {
        (
            target.to_owned(),
            Some(host.to_owned()),
            cookie.map(str::to_owned),
        )
    };
    assert_eq!(
        seen,
        [
            row("/a", "www.shop.test:77", None),
            row("/b", "www.shop.test:77", Some("c=1")),
            row("/c", "shop.test", Some("c=1")),
            row("/d", "common.test", None),
        ]
    );
    assert_eq!(field(&requests[0], "a").as_deref(), Some("b"));
}

#[test]
fn own_host_header_is_the_authority_of_http2() {
    let server = ServerConfig::new(|request| {
        let authority = request.head.uri().authority().map(ToString::to_string);
        let is_right = authority.as_deref() == Some("www.shop.test")
            && !request.head.headers().contains_key("host");
        at_once(response2(if is_right { 200 } else { 400 }, "ok"))
    })
    .start();
    let steps = "{ get = \"/\", headers = { Host = \"www.shop.test\" } }";
    let record = with(&server.url(), "http = \"2\"", steps);
    assert_eq!(record.timeline.failures(), []);
    assert_eq!(
        failures(
            &with(&server.url(), "http = \"2\"", "{ get = \"/\" }"),
            FailureKind::Status
        ),
        1
    );
}

#[test]
fn http2_redirects_and_charsets_follow_the_same_rules() {
    let paths: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = paths.clone();
    let server = ServerConfig::new(move |request| {
        let path = request.head.uri().path().to_owned();
        let mut response = response2(if path == "/from" { 302 } else { 200 }, &b"caf\xe9"[..]);
        let value = |bytes: &[u8]| http::HeaderValue::from_bytes(bytes).unwrap();
        for location in [&b""[..], b"/e/\xe9", b"/e/2"] {
            response.headers_mut().append("location", value(location));
        }
        let content_type = value(b"text/plain; charset=latin1");
        response.headers_mut().insert("content-type", content_type);
        seen.lock().unwrap().push(path);
        at_once(response)
    })
    .start();
    let steps = "{ get = \"/from\", check = { equals = \"café\" } }";
    let record = with(&server.url(), "http = \"2\"", steps);
    assert_eq!(record.timeline.failures(), []);
    // The server asks its rule more than once.
    paths.lock().unwrap().dedup();
    assert_eq!(*paths.lock().unwrap(), ["/from", "/e/%E9"]);
    let steps = "{ get = \"/\", headers = { Host = \"\" } }";
    let record = with(&server.url(), "http = \"2\"", steps);
    assert!(examples(&record)[0].contains("the header `Host` over HTTP/2: its value is empty"));
}
