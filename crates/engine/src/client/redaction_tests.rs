//! Tests that every place that shows or forwards requests masks each sensitive name.

use brunt_record::{FailureKind, NameId};
use brunt_scenario::{Overrides, Plan, Scenario, Secrets};

use super::failure_example;
use super::trace::{ExchangeTrace, ResponseTrace, TraceRecorder};
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
            request_head: request(name),
            request_body: String::new(),
            response: Some(ResponseTrace {
                status: 200,
                took_ns: 1,
                fields: format!("{name}: {VALUE}"),
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
