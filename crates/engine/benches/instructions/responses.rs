//! Responses: parsing, checks and extractions.

use std::hint::black_box;
use std::rc::Rc;

use brunt_engine::http::{BodyCapture, ResponseBody};
use brunt_engine::http1::Reader;
use brunt_engine::http2::Http2Harness;
use brunt_scenario::{
    EvalContext, Overrides, Plan, RecentSecrets, RenderedRequest, ResponseView, Scenario,
    SharedData,
};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::requests::request_of;

const SMALL: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 57\r\n\r\n\
    {\"status\":\"ok\",\"request_id\":\"7f3a9cd\",\"does\":[\"nothing\"]}";

/// A typical framework's response: more fields, and a chunked body.
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 26 Nov 2026 00:00:00 GMT\r\n\
    Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\nVary: Origin\r\n\
    Cache-Control: no-store\r\n\r\n\
    39\r\n{\"status\":\"ok\",\"request_id\":\"7f3a9cd\",\"does\":[\"nothing\"]}\r\n0\r\n\r\n";

const CHECKS: &str = "[[users.u.tasks]]\nget = \"/\"\ncheck = { json = { \"$.status\" = \"ok\" } }\n\
    extract = { id = \"$.request_id\" }\n[profiles.p]\nusers = 1\nduration = \"1s\"\n";

fn read(bytes: &[u8], count: u64) {
    for _ in 0..count {
        let content = ResponseBody::new(1 << 30, 16 << 20);
        let mut reader = Reader::new(false, |_| BodyCapture::Nothing, content);
        let taken = reader.feed(black_box(bytes)).expect("a valid response");
        assert_eq!(taken, Some(bytes.len()));
        black_box(reader.into_response());
    }
}

pub(crate) fn small(count: u64) {
    read(SMALL, count);
}

pub(crate) fn chunked(count: u64) {
    read(CHUNKED, count);
}

/// A request whose headers do not change, and the response of the testbed's bench server.
pub(crate) fn http2(count: u64) {
    const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    const FIELDS: &[u8] = b"\x88\x0f\x10\x0atext/plain\x0f\x0d\x0263";
    let fields = [
        ("Host", "127.0.0.1:8000"),
        ("User-Agent", "brunt"),
        ("Accept", "*/*"),
    ];
    let request = RenderedRequest::from_parts("GET", "/", &fields, b"");
    let mut harness = Http2Harness::with_requests(0);
    harness.recv(SETTINGS).expect("settings");
    let mut frames = Vec::new();
    // Client streams have odd identifiers.
    for stream in (1_u32..).step_by(2).zip(0..count).map(|(stream, _)| stream) {
        harness.send(black_box(&request));
        frames.clear();
        for (kind, flags, payload) in [(1, 4, FIELDS), (0, 1, &[b'x'; 63][..])] {
            let bytes = u32::try_from(payload.len()).expect("short").to_be_bytes();
            frames.extend_from_slice(&[0, bytes[2], bytes[3], kind, flags]);
            frames.extend_from_slice(&stream.to_be_bytes());
            frames.extend_from_slice(payload);
        }
        harness.recv(black_box(&frames)).expect("valid frames");
        assert!(harness.finish_last());
    }
}

pub(crate) fn json_check(count: u64) {
    let scenario = Scenario::read("checks.toml", CHECKS).expect("a scenario");
    let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("a valid plan");
    let request = request_of(&plan, 0);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let shared_data = Rc::new(SharedData::empty());
    // On the heap, since the alignment of a static changes the instructions of its UTF-8 validation.
    let body = SMALL[SMALL.len() - 57..].to_vec();
    let mut recent_secrets = RecentSecrets::default();
    for _ in 0..count {
        let mut scope = EvalContext {
            random: &mut random,
            variables: &[],
            shared: &shared_data,
            user: 1,
            recent_secrets: &mut recent_secrets,
        };
        let view = ResponseView::new(200, &[], black_box(body.as_slice()), 1_000_000);
        let fault = request.checks[0].fault(&view, &mut scope);
        assert_eq!(fault, Ok(None));
        let value = request.extracts[0].value(&view, &mut scope);
        black_box(value.expect("no error").expect("a value"));
    }
}
