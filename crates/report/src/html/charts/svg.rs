//! Static SVG of a chart, for print and for browsers without JavaScript. It stretches to the available width, so it contains
//! only lines; labels are outside of it.

use maud::{Markup, html as markup};

use super::chart::{Chart, Curve, Level, Line, Span, Stroke, Unit};
use crate::number;
use crate::time_buckets::TimeBuckets;

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;
/// Maximum number of labels below a chart.
const LABELS: u32 = 7;
const DAY_S: f64 = 86_400.0;
/// Seconds between moments that people read easily.
const ROUND_S: [f64; 18] = [
    0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
    7200.0, 14_400.0, 28_800.0,
];

/// A chart's drawing with its axes.
pub(in crate::html) fn plot(chart: &Chart, buckets: &TimeBuckets, spans: &[Span]) -> Markup {
    let values: Vec<Vec<Option<f64>>> = chart
        .lines
        .iter()
        .map(|line| line.values(buckets))
        .collect();
    let axis = Axis::to(chart.largest(&values));
    let levels: Vec<&Level> = (chart.levels.iter())
        .filter(|level| level.value <= axis.top)
        .collect();
    let time = Time::of(buckets);
    markup! {
        div.plot {
            (axis.labels(chart.unit))
            svg.lines viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" {
                (axis.grid())
                @for span in spans { (shade(span, &time)) }
                @for (line, values) in chart.lines.iter().zip(&values) {
                    (drawn(line, values, &time, &axis))
                }
                @for (place, line) in chart.lines.iter().enumerate() {
                    @let never = line.never(buckets);
                    @if !never.is_empty() { path.never.(line.ink) d=(on_top(&never, place, &time)) {} }
                }
                @for level in &levels {
                    path.level.(level.ink) d={ "M0 " (rounded(axis.y(level.value))) "H1000" } {}
                }
                @for [from, to] in &chart.slopes {
                    path.dashed.critical d={
                        "M" (rounded(time.x(from.0))) " " (rounded(axis.y(from.1)))
                        "L" (rounded(time.x(to.0))) " " (rounded(axis.y(to.1)))
                    } {}
                }
            }
            (level_labels(&levels, &axis))
            (moments(time.length_s))
        }
    }
}

/// Names of levels above their lines; a name that would cover the previous one is omitted, but is in the legend.
fn level_labels(levels: &[&Level], axis: &Axis) -> Markup {
    const APART: f64 = 13.0;
    let mut sorted = levels.to_vec();
    sorted.sort_by(|a, b| a.value.total_cmp(&b.value));
    let mut last = f64::INFINITY;
    sorted.retain(|level| {
        let y = axis.y(level.value);
        let is_clear = last - y >= APART;
        if is_clear {
            last = y;
        }
        is_clear
    });
    markup! {
        @if !sorted.is_empty() {
            svg.levels aria-hidden="true" {
                @for level in sorted {
                    text.(level.ink) x="6" dy="-3" y={ (rounded(axis.y(level.value))) "%" } { (level.label) }
                }
            }
        }
    }
}

/// A run of counts this many times as long as its first is drawn over a logarithmic axis.
const FAR: f64 = 30.0;

/// The counts below curves: from nothing up, or logarithmic where they go far.
struct Counts {
    /// The two ends of a logarithmic axis.
    ends: Option<(f64, f64)>,
    linear: Axis,
}

impl Counts {
    fn of(counts: impl Iterator<Item = f64> + Clone) -> Self {
        let most = counts.clone().fold(0.0, f64::max);
        let least = counts.filter(|count| *count > 0.0).fold(most, f64::min);
        Self {
            ends: (most > FAR * least).then_some((least, most)),
            linear: Axis::to(most),
        }
    }

    fn x(&self, count: f64) -> f64 {
        let share = match self.ends {
            Some((least, most)) => (count.max(least) / least).ln() / (most / least).ln(),
            None => count / self.linear.top,
        };
        share * WIDTH
    }

    fn labels(&self) -> Markup {
        let counts: Vec<f64> = match self.ends {
            // From the largest power of ten down, as far as there is room.
            Some((least, most)) => (0..LABELS)
                .map(|down| 10f64.powf(most.log10().floor() - f64::from(down)))
                .filter(|count| *count >= least)
                .collect(),
            None => (0..=self.linear.steps)
                .map(|step| self.linear.top * f64::from(step) / f64::from(self.linear.steps))
                .collect(),
        };
        let counts = counts.into_iter();
        below(counts.map(|count| (self.x(count) / WIDTH, tick(count, count, Unit::Count))))
    }
}

/// Curves over a count: from point to point, or dots.
pub(in crate::html) fn curves<'a>(
    curves: impl IntoIterator<Item = (&'static str, &'a Curve)>,
) -> Markup {
    let curves: Vec<(&str, &Curve)> = curves.into_iter().collect();
    let all = || curves.iter().flat_map(|(_, points)| *points);
    let axis = Axis::to(all().map(|(_, value)| *value).fold(0.0, f64::max));
    let below = Counts::of(all().map(|(count, _)| *count));
    let place = |(count, value): &(f64, f64)| {
        let (x, y) = (rounded(below.x(*count)), rounded(axis.y(*value)));
        format!("{x} {y}")
    };
    let path = |class: &str, points: &Curve| {
        let places = points.iter().map(place);
        if class.starts_with("dots") {
            format!("M{}h.1", places.collect::<Vec<_>>().join("h.1M"))
        } else {
            format!("M{}", places.collect::<Vec<_>>().join("L"))
        }
    };
    markup! {
        div.plot {
            (axis.labels(Unit::Count))
            svg.lines viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" {
                (axis.grid())
                @for (class, points) in &curves { path class=(class) d=(path(class, points)) {} }
            }
            (below.labels())
        }
    }
}

/// Along the time.
pub(in crate::html) struct Time {
    pub(in crate::html) length_s: f64,
    width_s: f64,
}

impl Time {
    pub(in crate::html) fn of(buckets: &TimeBuckets) -> Self {
        let width_s = f64::from(buckets.width_s);
        Self {
            length_s: width_s * buckets.all.len().max(1) as f64,
            width_s,
        }
    }

    fn x(&self, at_s: f64) -> f64 {
        (at_s / self.length_s).clamp(0.0, 1.0) * WIDTH
    }

    /// The middle of a bucket.
    fn middle(&self, at: usize) -> f64 {
        self.x((at as f64 + 0.5) * self.width_s)
    }
}

/// Values from nothing up, in even steps.
pub(in crate::html) struct Axis {
    top: f64,
    steps: u32,
}

impl Axis {
    /// With room for values up to this, in three to five steps.
    pub(in crate::html) fn to(most: f64) -> Self {
        const STEPS: u32 = 5;
        let most = if most > 0.0 { most } else { 1.0 };
        let rough = most / f64::from(STEPS);
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 5.0, 10.0].map(|of| of * power);
        let step = steps.into_iter().find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(rough);
        let count = (1..STEPS).find(|count| f64::from(*count) * step >= most * 0.999);
        let steps = count.unwrap_or(STEPS);
        Self {
            top: (step * f64::from(steps)).max(most),
            steps,
        }
    }

    pub(in crate::html) fn y(&self, value: f64) -> f64 {
        HEIGHT - (value / self.top).clamp(0.0, 1.0) * HEIGHT
    }

    pub(in crate::html) fn labels(&self, unit: Unit) -> Markup {
        let label = |step: u32| self.top * f64::from(step) / f64::from(self.steps);
        markup! {
            svg.y-axis aria-hidden="true" {
                @for step in 0..=self.steps {
                    @let y = rounded(HEIGHT - HEIGHT * f64::from(step) / f64::from(self.steps));
                    text x="100%" y={ (y) "%" } { (tick(label(step), self.top, unit)) }
                }
            }
        }
    }

    pub(in crate::html) fn grid(&self) -> Markup {
        let lines = (0..=self.steps).map(|step| {
            let y = HEIGHT * f64::from(step) / f64::from(self.steps);
            format!("M0 {}H1000", rounded(y))
        });
        markup! { path.grid d=(lines.collect::<String>()) {} }
    }
}

/// A value next to an axis that ends at `top`: round, in one unit.
fn tick(value: f64, top: f64, unit: Unit) -> String {
    match unit {
        Unit::Ms if top >= 1000.0 => number::threshold(value / 1e3, "s"),
        Unit::Megabytes if top >= 1000.0 => number::threshold(value / 1e3, "GB"),
        Unit::Count if top >= 1000.0 && value > 0.0 => {
            number::threshold(value / 1e3, "k").replace(' ', "")
        }
        unit => number::threshold(value, unit.name()).trim_end().to_owned(),
    }
}

/// Moments below a chart: round ones.
pub(in crate::html) fn moments(length_s: f64) -> Markup {
    let most = f64::from(LABELS - 1);
    let step = ROUND_S.into_iter().find(|step| length_s / step <= most);
    let step = step.unwrap_or_else(|| (length_s / most / DAY_S).ceil() * DAY_S);
    let moments = (0..LABELS).map(|at| f64::from(at) * step);
    let moments = moments.take_while(|at| *at <= length_s);
    below(moments.map(|at| (at / length_s, number::moment(at, length_s))))
}

/// Words below a chart, each at its share of the width.
pub(in crate::html) fn below(words: impl Iterator<Item = (f64, String)>) -> Markup {
    markup! {
        svg.below aria-hidden="true" {
            @for (share, words) in words {
                text x={ (rounded(share * 100.0)) "%" } y="12" { (words) }
            }
        }
    }
}

/// A highlighted period behind the lines.
fn shade(span: &Span, time: &Time) -> Markup {
    let (from, to) = (time.x(span.from_s), time.x(span.to_s));
    markup! {
        rect.(span.ink()) x=(rounded(from)) y="0" width=(rounded((to - from).max(1.0))) height="100" {}
    }
}

fn drawn(line: &Line, values: &[Option<f64>], time: &Time, axis: &Axis) -> Markup {
    let filled = line.stroke == Stroke::Filled;
    let place = |at: usize, value: f64| {
        let (x, y) = (rounded(time.middle(at)), rounded(axis.y(value)));
        format!("{x} {y}")
    };
    markup! {
        @if filled {
            path.area.(line.ink) d=(runs(values).map(|(from, run)| area(from, run, time, &place)).collect::<String>()) {}
        }
        path.(line.stroke.name()).(line.ink) d=(runs(values).map(|(from, run)| way(from, run, &place)).collect::<String>()) {}
    }
}

/// Segments without a gap, with their indexes.
fn runs(values: &[Option<f64>]) -> impl Iterator<Item = (usize, &[Option<f64>])> {
    let mut at = 0;
    let parts = values.chunk_by(|a, b| a.is_some() == b.is_some());
    let placed = parts.map(move |part| {
        at += part.len();
        (at - part.len(), part)
    });
    placed.filter(|(_, part)| part[0].is_some())
}

/// A bar over each bucket in which a line is above the axis, in one row per line.
fn on_top(buckets: &[usize], line: usize, time: &Time) -> String {
    let y = rounded(2.0 + 5.0 * line as f64);
    let half = time.x(time.width_s) / 2.0;
    let bar = |at: &usize| {
        let from = rounded(time.middle(*at) - half);
        format!("M{from} {y}h{}", rounded(half * 2.0))
    };
    buckets.iter().map(bar).collect()
}

/// From value to value; one alone is a dot.
fn way(from: usize, run: &[Option<f64>], place: &impl Fn(usize, f64) -> String) -> String {
    let points = run.iter().flatten().enumerate();
    let mut points: Vec<String> = points.map(|(at, value)| place(from + at, *value)).collect();
    if points.len() == 1 {
        return format!("M{}h1", points.remove(0));
    }
    format!("M{}", points.join("L"))
}

fn area(
    from: usize,
    run: &[Option<f64>],
    time: &Time,
    place: &impl Fn(usize, f64) -> String,
) -> String {
    let to = rounded(time.middle(from + run.len() - 1));
    let begin = rounded(time.middle(from));
    format!("{}L{to} 100L{begin} 100Z", way(from, run, place))
}

/// A place on the drawing, to a tenth of its unit.
pub(in crate::html) fn rounded(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_counts_below_a_chart_are_round() {
        let words = |markup: Markup| {
            let text = markup.into_string();
            let words = text
                .split('>')
                .filter_map(|part| part.strip_suffix("</text"));
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(words(moments(229.0)), ["0:00", "1:00", "2:00", "3:00"]);
        assert_eq!(words(moments(22.0)), ["0 s", "5 s", "10 s", "15 s", "20 s"]);
        assert_eq!(
            words(moments(3600.0)).last().map(String::as_str),
            Some("1:00:00")
        );
        let far = Counts::of([0.4, 95_180.0].into_iter());
        assert_eq!(words(far.labels()), ["10k", "1k", "100", "10", "1"]);
        let near = Counts::of([1.0, 8.0].into_iter());
        assert_eq!(words(near.labels()), ["0", "2", "4", "6", "8"]);
    }

    #[test]
    fn an_axis_ends_with_a_round_number_above_all_values() {
        for (most, top, steps) in [
            (3.9, 4.0, 4),
            (10.0, 10.0, 5),
            (0.0, 1.0, 5),
            (27.0, 30.0, 3),
            (11.0, 15.0, 3),
            (0.7, 0.8, 4),
        ] {
            let axis = Axis::to(most);
            assert!(axis.top >= most, "{most}");
            assert!(
                (axis.top - top).abs() < 1e-9 && axis.steps == steps,
                "{most}: {} in {}",
                axis.top,
                axis.steps
            );
        }
    }

    #[test]
    fn no_line_is_drawn_across_a_gap() {
        let values = [Some(1.0), Some(2.0), None, Some(3.0)];
        let parts: Vec<String> = runs(&values)
            .map(|(from, run)| way(from, run, &|at, value| format!("{at} {value}")))
            .collect();
        assert_eq!(parts, ["M0 1L1 2", "M3 3h1"]);
    }
}
