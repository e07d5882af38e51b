//! Charts: values over time in one unit, with levels and periods, and their data for the script.

use brunt_record::PercentileValue;
use serde_json::{Value, json};

use crate::number;
use crate::time_buckets::{TimeBucket, TimeBuckets};

/// Values over time, in one unit.
pub(in crate::html) struct Chart<'a> {
    pub(in crate::html) id: &'static str,
    pub(in crate::html) title: &'static str,
    /// Note for the reader.
    pub(in crate::html) note: &'static str,
    pub(in crate::html) unit: Unit,
    pub(in crate::html) lines: Vec<Line<'a>>,
    /// Measure with which the chart is shown; the reader chooses it.
    pub(in crate::html) timed: Option<&'static str>,
    /// Horizontal lines: thresholds of targets, the ends of a bracket.
    pub(in crate::html) levels: Vec<Level>,
    /// Straight lines between two points of time and value.
    pub(in crate::html) slopes: Vec<[(f64, f64); 2]>,
}

type Of<'a> = Box<dyn Fn(&TimeBucket) -> Option<f64> + 'a>;
type Tells<'a> = Box<dyn Fn(&TimeBucket) -> bool + 'a>;

/// Line of a chart.
pub(in crate::html) struct Line<'a> {
    pub(in crate::html) label: String,
    /// Color: a name in the style sheet.
    pub(in crate::html) ink: &'static str,
    pub(in crate::html) stroke: Stroke,
    /// Whether the line is omitted if all values are 0.
    pub(in crate::html) unless_zero: bool,
    pub(in crate::html) of: Of<'a>,
    /// Whether the value is among requests without a response, above all values.
    pub(in crate::html) never: Option<Tells<'a>>,
}

/// Stroke of a line, which distinguishes lines without colors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::html) enum Stroke {
    Plain,
    Filled,
    Dashed,
    Dotted,
    DashDot,
}

impl Stroke {
    pub(in crate::html) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Filled => "filled",
            Self::Dashed => "dashed",
            Self::Dotted => "dotted",
            Self::DashDot => "dashdot",
        }
    }
}

/// Unit of a chart's values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::html) enum Unit {
    /// A number, or a number per second.
    Count,
    Ms,
    Percent,
    Megabytes,
}

impl Unit {
    /// Name for the script.
    pub(in crate::html) const fn name(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Ms => "ms",
            Self::Percent => "%",
            Self::Megabytes => "MB",
        }
    }

    /// Formats a value with the unit.
    pub(in crate::html) fn in_words(self, value: f64) -> String {
        match self {
            Self::Count if value.fract() == 0.0 => number::rate(value).replace(".0", ""),
            Self::Count => number::rate(value),
            Self::Megabytes if value < 10.0 => format!("{value:.2} MB"),
            unit => number::with_unit(value, unit.name()),
        }
    }
}

impl<'a> Line<'a> {
    pub(in crate::html) fn new(
        label: impl Into<String>,
        ink: &'static str,
        stroke: Stroke,
        of: impl Fn(&TimeBucket) -> Option<f64> + 'a,
    ) -> Self {
        Self {
            label: label.into(),
            ink,
            stroke,
            unless_zero: false,
            of: Box::new(of),
            never: None,
        }
    }

    /// Percentiles of durations; some may be among requests without a response.
    pub(in crate::html) fn of_waiting(
        label: impl Into<String>,
        ink: &'static str,
        stroke: Stroke,
        of: impl Fn(&TimeBucket) -> Option<PercentileValue> + Copy + 'a,
    ) -> Self {
        let ms = move |bucket: &TimeBucket| of(bucket).and_then(PercentileValue::ms);
        Self {
            never: Some(Box::new(move |bucket| {
                of(bucket) == Some(PercentileValue::Unanswered)
            })),
            ..Self::new(label, ink, stroke, ms)
        }
    }

    /// Indexes of the buckets in which the value is among requests without a response.
    pub(in crate::html) fn never(&self, buckets: &TimeBuckets) -> Vec<usize> {
        let Some(never) = &self.never else {
            return Vec::new();
        };
        let places = buckets.all.iter().enumerate();
        places
            .filter(|(_, bucket)| never(bucket))
            .map(|(at, _)| at)
            .collect()
    }

    /// Whether the line is omitted if all values are 0.
    pub(in crate::html) fn unless_zero(mut self) -> Self {
        self.unless_zero = true;
        self
    }

    pub(in crate::html) fn values(&self, buckets: &TimeBuckets) -> Vec<Option<f64>> {
        buckets.all.iter().map(|bucket| (self.of)(bucket)).collect()
    }
}

/// Resolutions of a run: for the script, for the static drawing, and for the table.
pub(in crate::html) struct Views<'a> {
    pub(in crate::html) fine: TimeBuckets<'a>,
    pub(in crate::html) drawn: TimeBuckets<'a>,
    pub(in crate::html) listed: TimeBuckets<'a>,
}

impl<'a> Chart<'a> {
    pub(in crate::html) fn new(id: &'static str, title: &'static str, unit: Unit) -> Self {
        Self {
            id,
            title,
            note: "",
            unit,
            lines: Vec::new(),
            timed: None,
            levels: Vec::new(),
            slopes: Vec::new(),
        }
    }

    pub(in crate::html) fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    pub(in crate::html) fn line(mut self, line: Line<'a>) -> Self {
        self.lines.push(line);
        self
    }

    /// Removes lines without values; `None` if no line remains.
    pub(in crate::html) fn known(mut self, buckets: &TimeBuckets) -> Option<Self> {
        self.lines.retain(|line| {
            let values = line.values(buckets);
            let mut known = values.iter().flatten();
            known.any(|value| !line.unless_zero || *value > 0.0) || !line.never(buckets).is_empty()
        });
        (!self.lines.is_empty()).then_some(self)
    }

    /// Data for the script.
    pub(in crate::html) fn json(&self, buckets: &TimeBuckets) -> Value {
        let lines = self.lines.iter().map(|line| {
            json!({
                "label": line.label,
                "ink": line.ink,
                "stroke": line.stroke.name(),
                "values": numbers(line.values(buckets)),
                "never": line.never(buckets),
            })
        });
        json!({
            "id": self.id,
            "unit": self.unit.name(),
            "lines": lines.collect::<Value>(),
            "levels": self.levels.iter().map(Level::json).collect::<Value>(),
            "slopes": self.slopes,
        })
    }

    /// Largest drawn value, including levels.
    pub(in crate::html) fn largest(&self, values: &[Vec<Option<f64>>]) -> f64 {
        let most = values.iter().flatten().flatten().copied();
        let slopes = self.slopes.iter().flatten().map(|(_, value)| *value);
        let most = most.chain(slopes).fold(0.0, f64::max);
        let levels = self.levels.iter().filter(|level| level.fits(most));
        levels.map(|level| level.value).fold(most, f64::max)
    }
}

/// Horizontal line of a chart.
pub(in crate::html) struct Level {
    pub(in crate::html) label: String,
    pub(in crate::html) value: f64,
    /// Color: a name in the style sheet.
    pub(in crate::html) ink: &'static str,
    /// Whether the axis always includes it, even far above the values.
    pub(in crate::html) is_always_shown: bool,
}

impl Level {
    /// Levels above this multiple of the largest value are not drawn, since they would compress the values.
    pub(in crate::html) const REACH: f64 = 2.5;

    /// Whether it is drawn on a chart with the largest value `most`.
    fn fits(&self, most: f64) -> bool {
        self.is_always_shown || self.value <= Self::REACH * most
    }

    /// Data for the script.
    pub(in crate::html) fn json(&self) -> Value {
        json!([self.label, self.value, self.ink, self.is_always_shown])
    }
}

/// Requests per second over requests in flight.
pub(in crate::html) type Curve = [(f64, f64)];

/// Highlighted period on every chart.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::html) struct Span {
    pub(in crate::html) label: &'static str,
    pub(in crate::html) from_s: f64,
    pub(in crate::html) to_s: f64,
}

impl Span {
    /// Color: a name in the style sheet.
    pub(in crate::html) fn ink(&self) -> &'static str {
        match self.label {
            "recovery" => "b",
            "warm-up" => "quiet",
            "spike" | "final overload" => "a",
            _ => "critical",
        }
    }
}

/// Numbers with four significant digits; unknown values are `null`.
pub(in crate::html) fn numbers(values: impl IntoIterator<Item = Option<f64>>) -> Value {
    values.into_iter().map(short).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers that are not negative, below 2^53"
)]
fn short(value: Option<f64>) -> Value {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        return Value::Null;
    };
    if value.fract() == 0.0 && (0.0..9e15).contains(&value) {
        return json!(value as u64);
    }
    let digits = (3.0 - value.abs().log10().floor()).clamp(0.0, 9.0);
    let power = 10f64.powf(digits);
    let rounded = (value * power).round() / power;
    if rounded.fract() == 0.0 && (0.0..9e15).contains(&rounded) {
        return json!(rounded as u64);
    }
    json!(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let values = [
            Some(12.0),
            Some(0.123_456),
            Some(12_345.678),
            None,
            Some(f64::NAN),
            Some(1e-7),
        ];
        assert_eq!(
            numbers(values).to_string(),
            "[12,0.1235,12346,null,null,1e-7]"
        );
    }
}
