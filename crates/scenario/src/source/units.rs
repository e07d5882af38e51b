//! Parsers of quantities with units: durations, percentages, sizes, rates.

use std::time::Duration;

use brunt_record::Metric;

use crate::source::diagnostic::Diagnostic;
use crate::spec::{Json, Spanned};

/// A duration such as `500ms`, `20s`, `5m`, `1h30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|_| format!("invalid duration `{text}`: must be like 500ms, 20s, 5m or 1h30m"))
}

/// A duration above zero.
pub(crate) fn positive_duration(text: &Spanned<String>) -> Result<Duration, Diagnostic> {
    let wrong = |message: String| Diagnostic::new(message).at(text.span(), "here");
    match duration(text.get_ref()) {
        Err(message) => Err(wrong(message)),
        Ok(duration) if duration.is_zero() => Err(wrong(format!(
            "invalid duration `{}`: must be above 0s",
            text.get_ref()
        ))),
        Ok(duration) => Ok(duration),
    }
}

/// A rate per second such as `500/s`, `3k/min` or a number.
pub fn rate(text: &str) -> Result<f64, String> {
    let wrong = || format!("invalid rate `{text}`: must be like 500/s, 3k/min or 500");
    let (number, per_s) = match text.trim().rsplit_once('/') {
        None => (text.trim(), 1.0),
        Some((number, "s")) => (number.trim(), 1.0),
        Some((number, "min")) => (number.trim(), 1.0 / 60.0),
        Some((number, "h")) => (number.trim(), 1.0 / 3600.0),
        Some(_) => return Err(wrong()),
    };
    let (number, thousands) = match number.strip_suffix('k') {
        Some(number) => (number, 1000.0),
        None => (number, 1.0),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let rate = number * thousands * per_s;
    if rate.is_finite() && rate >= 0.0 {
        Ok(rate)
    } else {
        Err(wrong())
    }
}

/// A percentage such as `2%`.
pub(crate) fn percent(text: &str) -> Option<f64> {
    suffixed(text.trim(), &[("%", 1.0)])
}

/// Writes a duration as scenario files do: `1500ms`, `20s`, `1h30m`.
pub fn duration_in_words(duration: Duration) -> String {
    if duration.subsec_nanos() > 0 || duration.is_zero() {
        return format!("{}ms", duration.as_millis());
    }
    let seconds = duration.as_secs();
    let part = |count: u64, unit: &str| {
        if count > 0 {
            format!("{count}{unit}")
        } else {
            String::new()
        }
    };
    part(seconds / 3600, "h") + &part(seconds / 60 % 60, "m") + &part(seconds % 60, "s")
}

/// A threshold of a metric, in the metric's unit.
pub(crate) fn threshold(metric: Metric, value: &Json) -> Result<f64, String> {
    let number = match value {
        Json::Integer(number) => Some(*number as f64),
        Json::Float(number) => Some(*number),
        _ => None,
    };
    let text = match value {
        Json::Text(text) => text.trim(),
        _ => "",
    };
    let parsed = match metric {
        Metric::Percentile(_) | Metric::Mean | Metric::Max => duration(text)
            .ok()
            .map(|duration| duration.as_secs_f64() * 1e3),
        Metric::Throughput => {
            number.or_else(|| suffixed(text, &[("/s", 1.0), ("/min", 1.0 / 60.0)]))
        }
        Metric::ErrorRate | Metric::Cpu => suffixed(text, &[("%", 1.0)]),
        Metric::Memory => suffixed(text, &MEGABYTES),
    };
    let like = match metric {
        Metric::Percentile(_) | Metric::Mean | Metric::Max => "\"200ms\" or \"1.5s\"",
        Metric::Throughput => "\"100/s\", \"6000/min\" or 100",
        Metric::ErrorRate | Metric::Cpu => "\"0.1%\"",
        Metric::Memory => "\"512MB\", \"1GB\" or \"1GiB\"",
    };
    parsed
        .filter(|value| value.is_finite() && *value >= 0.0)
        .ok_or_else(|| format!("write it like {like}"))
}

/// A threshold of a custom metric, whose values are plain numbers.
pub(crate) fn plain_threshold(metric: Metric, value: &Json) -> Result<f64, String> {
    match metric {
        Metric::Percentile(_) | Metric::Mean | Metric::Max => value
            .to_value()
            .as_number()
            .filter(|_| !matches!(value, Json::Text(_)))
            .filter(|number| number.is_finite() && *number >= 0.0)
            .ok_or_else(|| "write it like 100".to_owned()),
        _ => threshold(metric, value),
    }
}

const MEGABYTES: [(&str, f64); 6] = [
    ("KiB", 1024.0 / 1e6),
    ("MiB", 1_048_576.0 / 1e6),
    ("GiB", 1_073_741_824.0 / 1e6),
    ("kB", 1e-3),
    ("MB", 1.0),
    ("GB", 1e3),
];

/// A size in bytes such as `64KiB` or `10MB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let bytes = suffixed(text.trim(), &MEGABYTES).map(|megabytes| (megabytes * 1e6).round());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 1 to 2^53"
    )]
    bytes
        .filter(|bytes| (1.0..=9e15).contains(bytes))
        .map(|bytes| bytes as u64)
        .ok_or_else(|| format!("invalid size `{text}`: must be like \"64KiB\" or \"10MB\""))
}

fn suffixed(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    units.iter().find_map(|(unit, factor)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        Some(number * factor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threshold_is_read_in_the_unit_of_its_metric() {
        let text = |text: &str| Json::Text(text.into());
        let p95 = Metric::Percentile(0.95);
        let cases = [
            (p95, text("200ms"), Some(200.0)),
            (p95, text("1s500ms"), Some(1500.0)),
            (p95, Json::Integer(200), None),
            (Metric::Throughput, text("100/s"), Some(100.0)),
            (Metric::Throughput, text("600/min"), Some(10.0)),
            (Metric::Throughput, Json::Integer(50), Some(50.0)),
            (Metric::ErrorRate, text("0.1%"), Some(0.1)),
            (Metric::ErrorRate, text("0.1"), None),
            (Metric::Cpu, text("-1%"), None),
            (Metric::Memory, text("512MB"), Some(512.0)),
            (Metric::Memory, text("1GiB"), Some(1_073.741_824)),
            (Metric::Memory, text("NaNMB"), None),
        ];
        for (metric, value, expected) in cases {
            assert_eq!(
                threshold(metric, &value).ok(),
                expected,
                "{} {value:?}",
                metric.name()
            );
        }
    }
}
