//! Tests that every place that shows or forwards requests masks each sensitive name.

use brunt_record::{FailureKind, NameId};
use brunt_scenario::{HeaderTemplate, Overrides, Plan, RenderedRequest, Scenario, Secrets};
use url::Url;

use super::failure_example;
use super::redirects::redirect;
use super::trace::{ExchangeTrace, HopTrace, ResponseTrace, TraceRecorder};
use crate::net::error::RequestError;

const VALUE: &str = "canary-value";

fn names() -> impl Iterator<Item = &'static str> {
    include_str!("../../../scenario/src/redact/sensitive_names.txt").lines()
}

/// A request with the name as a header field and as a query parameter.
fn request(name: &str) -> String {
    format!(
        "GET /a?{name}={VALUE}&b=2 HTTP/1.1\r\nHost: h\r\n{name}: {VALUE}\r\nAccept: */*\r\n\r\n"
    )
}

fn plan() -> Plan {
    let text = "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n[profiles.p]\nusers = 1\nduration = \"1s\"\n\
                [targets]\nmean = { target = \"1s\" }\n";
    let scenario = Scenario::read("p.toml", text).unwrap();
    Plan::new(&scenario, "p", &Overrides::default(), &[]).unwrap()
}

#[test]
fn failure_examples_mask_sensitive_values() {
    for name in names() {
        let request = request(name);
        let mut secrets = Secrets::default();
        secrets.add_fields(&request);
        let error = RequestError::new(FailureKind::Check, format!("got {VALUE}"));
        let shown = failure_example::of(&error, &request, &secrets);
        assert!(!shown.contains(VALUE), "{name}: {shown}");
        assert!(shown.contains("b=2"), "{name}: {shown}");
    }
}

#[test]
fn traces_mask_sensitive_values() {
    for name in names() {
        let recorder = TraceRecorder::default();
        recorder.begin("a task".to_owned());
        let exchange = ExchangeTrace {
            name: NameId(0),
            hops: vec![HopTrace {
                request_head: request(name),
                request_body: String::new(),
                response_head: Some(format!("HTTP/1.1 200\r\n{name}: {VALUE}\r\n")),
            }],
            response: Some(ResponseTrace {
                status: 200,
                took_ns: 1,
                body: format!("{{\"{name}\": \"{VALUE}\"}}"),
                checks: Vec::new(),
            }),
            failed: None,
            extracted: vec![(name.to_owned(), format!("\"{VALUE}\""))],
        };
        recorder.keep(exchange, &Secrets::default());
        let shown = format!("{:?}", recorder.take(&plan()));
        assert!(!shown.contains(VALUE), "{name}: {shown}");
        assert!(shown.contains("b=2"), "{name}: {shown}");
    }
}

#[test]
fn redirects_send_sensitive_fields_to_their_own_origin_only() {
    let url = Url::parse("https://other:8443/b").unwrap();
    for name in names() {
        for (host, is_sent) in [(None, true), (Some("other:8443"), false)] {
            for status in [301, 302, 303, 307, 308] {
                let fields = [("Host", "h"), (name, VALUE), ("Accept", "*/*")];
                let mut request = RenderedRequest::from_parts("GET", "/a", &fields, b"");
                redirect(
                    &mut request,
                    &HeaderTemplate::default(),
                    (&url, status),
                    host,
                    false,
                );
                let sent = String::from_utf8_lossy(request.bytes());
                assert_eq!(sent.contains(VALUE), is_sent, "{name} {status}: {sent}");
                assert_eq!(sent.contains(name), is_sent, "{name} {status}: {sent}");
                assert!(sent.contains("Accept: */*"), "{name} {status}: {sent}");
            }
        }
    }
}
