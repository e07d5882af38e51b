//! OpenTelemetry's metrics, as the body of a request to an OTLP receiver over HTTP (binary protobuf).

use brunt_record::Header;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric::Data,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::metrics::{self, Labels, Points, Unit, metrics, server_labels};
use super::{BOUNDS_NS, Buckets, Interval};

/// Attributes that the semantic conventions define as integers.
const INTEGERS: [&str; 2] = ["http.response.status_code", "server.port"];
const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// Start and end of the points, in nanoseconds of Unix time.
#[derive(Clone, Copy)]
struct Times {
    from: u64,
    to: u64,
}

/// Metrics up to the end of an interval, and the number of intervals that were dropped for this receiver.
pub fn otlp(header: &Header, interval: &Interval, lost: u64) -> Vec<u8> {
    let from = u64::try_from(header.started_at.as_nanosecond()).unwrap_or(0);
    let times = Times {
        from,
        to: from + (u64::from(interval.second) + 1) * 1_000_000_000,
    };
    let mut all = metrics(header, interval);
    all.push(metrics::Metric {
        name: "brunt.intervals.lost",
        help: "Intervals that this receiver did not get, since it was too slow.",
        unit: Unit::Count("{interval}"),
        points: Points::Counter(vec![(Labels::new(), lost)]),
    });
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes: attributes(&of_run(header)),
                ..Resource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: "brunt".to_owned(),
                    version: header.brunt_version.clone(),
                    ..InstrumentationScope::default()
                }),
                metrics: all.into_iter().map(|one| metric(one, times)).collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    request.encode_to_vec()
}

/// Partial rejection in the response of a receiver that accepted the request.
pub fn otlp_refusal(answer: &[u8]) -> Option<String> {
    let answer = ExportMetricsServiceResponse::decode(answer).ok()?;
    let partial = answer.partial_success?;
    (partial.rejected_data_points > 0).then(|| {
        format!(
            "{} data points were refused: {}",
            partial.rejected_data_points, partial.error_message
        )
    })
}

/// The resource attributes of a run.
fn of_run(header: &Header) -> Labels {
    let mut labels = vec![
        ("service.name", "brunt".to_owned()),
        ("service.version", header.brunt_version.clone()),
        ("service.instance.id", header.run_id.clone()),
        ("brunt.profile", header.profile.clone()),
        ("brunt.scenario.hash", header.scenario_hash.clone()),
    ];
    labels.extend(server_labels(&header.host));
    labels
}

fn metric(metric: metrics::Metric, times: Times) -> Metric {
    let data = match metric.points {
        Points::Counter(points) => Data::Sum(Sum {
            data_points: points
                .into_iter()
                .map(|(labels, count)| {
                    let count = i64::try_from(count).unwrap_or(i64::MAX);
                    number(&labels, Number::AsInt(count), times)
                })
                .collect(),
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        Points::Gauge(points) => Data::Gauge(Gauge {
            data_points: points
                .into_iter()
                .map(|(labels, value)| number(&labels, Number::AsDouble(value), times))
                .collect(),
        }),
        Points::Histogram(points) => Data::Histogram(Histogram {
            data_points: points
                .into_iter()
                .map(|(labels, buckets)| histogram(&labels, &buckets, times))
                .collect(),
            aggregation_temporality: CUMULATIVE,
        }),
    };
    let unit = match metric.unit {
        Unit::Count(things) => things,
        Unit::Seconds => "s",
        Unit::Bytes => "By",
        Unit::Percent => "%",
    };
    Metric {
        name: metric.name.to_owned(),
        description: metric.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn number(labels: &Labels, value: Number, times: Times) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: times.from,
        time_unix_nano: times.to,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn histogram(labels: &Labels, buckets: &Buckets, times: Times) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: times.from,
        time_unix_nano: times.to,
        count: buckets.count(),
        sum: Some(buckets.sum_s()),
        bucket_counts: buckets.counts.to_vec(),
        explicit_bounds: BOUNDS_NS.map(|ns| ns as f64 / 1e9).to_vec(),
        ..HistogramDataPoint::default()
    }
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    let attribute = |(key, value): &(&'static str, String)| {
        let number = INTEGERS.contains(key).then(|| value.parse().ok()).flatten();
        let value = number.map_or_else(|| Value::StringValue(value.clone()), Value::IntValue);
        KeyValue {
            key: (*key).to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        }
    };
    labels.iter().map(attribute).collect()
}
