//! Prometheus' text format, version 0.0.4.

use std::fmt::Write;

use brunt_record::Header;

use super::metrics::{Labels, Metric, Points, Unit, metrics, server_labels};
use super::{BOUNDS_NS, Buckets, Interval};

/// The content type of the format.
pub const PROMETHEUS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics up to the end of an interval; before the first one, only those of the run.
pub fn prometheus(header: &Header, latest: Option<&Interval>) -> String {
    let mut page = String::new();
    let mut labels = vec![
        ("service.instance.id", header.run_id.clone()),
        ("service.version", header.brunt_version.clone()),
        ("brunt.profile", header.profile.clone()),
        ("brunt.scenario.hash", header.scenario_hash.clone()),
    ];
    labels.extend(server_labels(&header.host));
    head(&mut page, "brunt_run_info", "The current run.", "gauge");
    line(&mut page, "brunt_run_info", &labels, None, 1.0);
    if let Some(interval) = latest {
        let all = metrics(header, interval);
        all.iter().for_each(|metric| add(&mut page, metric));
    }
    page
}

fn add(page: &mut String, metric: &Metric) {
    let name = name_of(metric);
    match &metric.points {
        Points::Counter(points) if !points.is_empty() => {
            head(page, &name, metric.help, "counter");
            for (labels, value) in points {
                line(page, &name, labels, None, *value as f64);
            }
        }
        Points::Gauge(points) if !points.is_empty() => {
            head(page, &name, metric.help, "gauge");
            for (labels, value) in points {
                line(page, &name, labels, None, *value);
            }
        }
        Points::Histogram(points) if !points.is_empty() => {
            head(page, &name, metric.help, "histogram");
            for (labels, buckets) in points {
                histogram(page, &name, labels, buckets);
            }
        }
        _ => {}
    }
}

/// Cumulative buckets, as the format requires.
fn histogram(page: &mut String, name: &str, labels: &Labels, buckets: &Buckets) {
    let mut up_to = 0;
    let bounds = BOUNDS_NS.map(|ns| (ns as f64 / 1e9).to_string());
    let bounds = bounds.iter().map(String::as_str).chain(["+Inf"]);
    let bucket = format!("{name}_bucket");
    for (bound, count) in bounds.zip(buckets.counts) {
        up_to += count;
        line(page, &bucket, labels, Some(bound), up_to as f64);
    }
    line(page, &format!("{name}_sum"), labels, None, buckets.sum_s());
    let count = buckets.count() as f64;
    line(page, &format!("{name}_count"), labels, None, count);
}

fn name_of(metric: &Metric) -> String {
    let mut name = escaped(metric.name);
    name += match metric.unit {
        Unit::Count(_) => "",
        Unit::Seconds => "_seconds",
        // `brunt_bytes_sent_total` names its unit already.
        Unit::Bytes if metric.name.contains("bytes") => "",
        Unit::Bytes => "_bytes",
        Unit::Percent => "_percent",
    };
    if matches!(metric.points, Points::Counter(_)) {
        name += "_total";
    }
    name
}

/// A name as OpenTelemetry's compatibility rules translate it.
fn escaped(name: &str) -> String {
    name.replace('.', "_")
}

fn head(page: &mut String, name: &str, help: &str, kind: &str) {
    *page += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(page: &mut String, name: &str, labels: &Labels, bound: Option<&str>, value: f64) {
    *page += name;
    let bound = bound.map(|bound| ("le", bound));
    let labels = labels.iter().map(|(label, value)| (*label, value.as_str()));
    let mut separator = '{';
    for (label, value) in labels.chain(bound) {
        page.push(separator);
        *page += &escaped(label);
        *page += "=\"";
        escape(page, value);
        page.push('"');
        separator = ',';
    }
    if separator == ',' {
        page.push('}');
    }
    // Writing to memory does not fail.
    writeln!(page, " {value}").ok();
}

fn escape(page: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '\\' => *page += "\\\\",
            '"' => *page += "\\\"",
            '\n' => *page += "\\n",
            letter => page.push(letter),
        }
    }
}
