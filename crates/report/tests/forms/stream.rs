//! Live metrics.

use brunt_record::{FailureKind, Header, NameKind, RequestName, SecondRecorder};
use brunt_report::stream::{
    Interval, StreamAggregator, json_of_ending, json_of_interval, json_of_run, otlp, otlp_refusal,
    prometheus,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use prost::Message;
use serde_json::Value;

use crate::run::{increments, known, sample};

/// All intervals of the known run, as they become complete.
fn intervals() -> Vec<Interval> {
    let run = known();
    let mut aggregator = StreamAggregator::new(&run.record.header.names);
    let mut whole = Vec::new();
    for (increment, second) in increments().iter().zip(0u32..) {
        if let Some(reading) = run.record.readings.get(second as usize) {
            aggregator.set_reading(&reading);
        }
        aggregator.add_increment(increment);
        whole.extend(aggregator.take_complete(Some(second)));
    }
    whole.extend(aggregator.take_complete(None));
    whole
}

#[test]
fn formats_match_their_snapshots() {
    let run = known();
    let header = &run.record.header;
    let intervals = intervals();
    let last = intervals.last().unwrap();
    insta::assert_snapshot!("prometheus", prometheus(header, Some(last)));
    let ending = run.record.ending.as_ref().unwrap();
    let lines = [
        json_of_run(header),
        json_of_interval(header, &intervals[7], 0),
        json_of_interval(header, &intervals[8], 2),
        json_of_ending(ending, 0),
    ];
    insta::assert_snapshot!("json_lines", lines.concat());
}

#[test]
fn every_request_is_published_once() {
    let run = known();
    let header = &run.record.header;
    let intervals = intervals();
    let seconds: Vec<u32> = intervals.iter().map(Interval::second).collect();
    assert!(
        (0u32..).zip(&seconds).all(|(at, second)| at == *second),
        "{seconds:?}"
    );
    let lines = intervals
        .iter()
        .map(|interval| json_of_interval(header, interval, 0));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    let sum = |field: &str| {
        lines
            .iter()
            .map(|line| line[field].as_u64().unwrap())
            .sum::<u64>()
    };
    let told = sum("ok") + sum("failed") + sum("unanswered");
    let counted = run
        .record
        .timeline
        .seconds()
        .iter()
        .map(|second| second.requests());
    assert_eq!(told, counted.sum::<u64>());
    let by_name = lines
        .iter()
        .flat_map(|line| line["requests"].as_array().unwrap());
    let by_name = by_name.map(|name| name["ok"].as_u64().unwrap());
    assert_eq!(by_name.sum::<u64>(), sum("ok"));
}

#[test]
fn otlp_receiver_gets_all_counts() {
    let run = known();
    let intervals = intervals();
    let body = otlp(&run.record.header, intervals.last().unwrap(), 3);
    let request = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let data = |name: &str| {
        let found = metrics.iter().find(|metric| metric.name == name);
        found.unwrap().data.clone().unwrap()
    };
    let sum = |name: &str| match data(name) {
        Data::Sum(sum) => {
            assert!(sum.is_monotonic);
            let values = sum.data_points.iter().map(|point| match point.value {
                Some(Number::AsInt(value)) => value,
                other => panic!("{other:?}"),
            });
            values.sum::<i64>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(sum("brunt.requests"), 841);
    assert_eq!(sum("brunt.failures"), 4);
    assert_eq!(sum("brunt.intervals.lost"), 3);
    let Data::Histogram(response) = data("brunt.response_time") else {
        panic!("a histogram");
    };
    for point in &response.data_points {
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
        assert_eq!(
            point.start_time_unix_nano % 1_000_000_000,
            0,
            "the run began then"
        );
        assert!(point.time_unix_nano > point.start_time_unix_nano);
    }
    // The request without a response is longer than any bound.
    let endless = response
        .data_points
        .iter()
        .map(|point| *point.bucket_counts.last().unwrap());
    assert_eq!(endless.sum::<u64>(), 1);
}

#[test]
fn every_metric_and_every_field_is_documented() {
    let page = include_str!("../../../../docs/live.md");
    let run = known();
    let header = &run.record.header;
    let intervals = intervals();
    let body = otlp(header, intervals.last().unwrap(), 0);
    let request = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    assert!(metrics.len() > 20);
    for metric in metrics {
        assert!(
            page.contains(&format!("`{}`", metric.name)),
            "{}",
            metric.name
        );
    }
    let mut fields = Vec::new();
    let ending = json_of_ending(run.record.ending.as_ref().unwrap(), 0);
    for line in [
        json_of_run(header),
        json_of_interval(header, &intervals[7], 0),
        ending,
    ] {
        collect(&serde_json::from_str(&line).unwrap(), &mut fields);
    }
    assert!(fields.len() > 60);
    // Kinds of failures are those of the summary.
    for field in fields.iter().filter(|field| *field != "timeout") {
        let is_there = [format!("`{field}`"), format!("`{field}[]`")];
        assert!(is_there.iter().any(|word| page.contains(word)), "{field}");
    }
}

fn collect(value: &Value, fields: &mut Vec<String>) {
    match value {
        Value::Object(table) => table.iter().for_each(|(field, value)| {
            fields.push(field.clone());
            collect(value, fields);
        }),
        Value::Array(list) => list.iter().for_each(|value| collect(value, fields)),
        _ => {}
    }
}

#[test]
fn rejection_of_a_receiver_is_reported() {
    let answer = |rejected, message: &str| {
        let partial_success = Some(ExportMetricsPartialSuccess {
            rejected_data_points: rejected,
            error_message: message.into(),
        });
        ExportMetricsServiceResponse { partial_success }.encode_to_vec()
    };
    assert_eq!(otlp_refusal(&answer(0, "")), None);
    assert_eq!(otlp_refusal(&[]), None);
    let refusal = otlp_refusal(&answer(5, "too old")).unwrap();
    assert_eq!(refusal, "5 data points were refused: too old");
}

/// A second in which requests of `on_start`, a judged request and a group end.
fn interval_with_on_start() -> (Header, Interval) {
    let mut header = known().record.header;
    for (name, setup, kind) in [
        ("/orders", true, NameKind::Start),
        ("checkout", false, NameKind::Group),
    ] {
        header.names.push(RequestName {
            name: name.into(),
            method: "POST".into(),
            setup,
            kind,
        });
    }
    let [start, group] = [3, 4];
    let mut delta = SecondRecorder::new(&header.names);
    delta.start(0);
    for sample in [
        sample(start, 10, 5, None),
        sample(start, 20, 5, Some(FailureKind::Status)),
        sample(start, 30, 5, Some(FailureKind::Timeout)),
        sample(1, 40, 7, None),
        sample(group, 50, 900, None),
    ] {
        delta.record(&sample);
        if let Some(kind) = sample.failure {
            delta.record_failure(sample.name, kind, 0, sample.done_ns, String::new);
        }
    }
    let mut aggregator = StreamAggregator::new(&header.names);
    aggregator.add_increment(&delta.to_snapshot());
    let mut intervals = aggregator.take_complete(None);
    assert_eq!(intervals.len(), 1);
    (header, intervals.remove(0))
}

/// Failed requests of `on_start` are among all requests; successful ones belong to the setup. A group is timed, but is not a
/// request.
#[test]
fn failed_requests_of_on_start_are_counted_in_every_format() {
    let (header, interval) = interval_with_on_start();
    let interval = &interval;
    let text = prometheus(&header, Some(interval));
    for line in [
        "brunt_requests_total{brunt_name=\"[on_start] /orders\",brunt_kind=\"request\",http_request_method=\"POST\",brunt_outcome=\"failed\"} 1\n",
        "brunt_requests_total{brunt_name=\"[on_start] /orders\",brunt_kind=\"request\",http_request_method=\"POST\",brunt_outcome=\"unanswered\"} 1\n",
        "brunt_requests_total{brunt_name=\"checkout\",brunt_kind=\"group\",brunt_outcome=\"ok\"} 1\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("brunt_name=\"[on_start] /orders\",brunt_kind=\"request\",http_request_method=\"POST\",brunt_outcome=\"ok\""));
    let failures = text
        .lines()
        .filter(|line| line.starts_with("brunt_failures_total{brunt_name=\"[on_start] /orders\""));
    assert_eq!(failures.count(), 2, "{text}");

    let body = otlp(&header, interval, 0);
    let request = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let failures = metrics
        .iter()
        .find(|metric| metric.name == "brunt.failures");
    let Some(Data::Sum(failures)) = failures.and_then(|metric| metric.data.clone()) else {
        panic!("{metrics:?}");
    };
    assert_eq!(failures.data_points.len(), 2);

    let line: Value = serde_json::from_str(&json_of_interval(&header, interval, 0)).unwrap();
    let counts = ["ok", "failed", "unanswered"].map(|field| line[field].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 1], "{line}");
    let max_ms = line["response_ms"]["p50"].as_f64().unwrap();
    assert!(max_ms < 100.0, "a group is not a request: {line}");
    let rows = line["requests"].as_array().unwrap();
    let start = rows
        .iter()
        .find(|row| row["name"] == "[on_start] /orders")
        .unwrap();
    assert_eq!(
        (&start["failed"], &start["unanswered"]),
        (&1.into(), &1.into())
    );
    assert_eq!(start["ok"], 0);
}
