//! Charts of an A/B comparison: the change of each pair of blocks, the interval at each interim analysis,
//! and the tolerance. It needs no script; the table behind each drawing has the same stats.

use brunt_verdict::AbSummary;
use brunt_verdict::comparison::{
    Change, ChangeInterval, ComparedMetric, ComparisonRow, Look, Tolerance,
};
use maud::{Markup, html as markup};

use crate::html::charts::svg::{below, rounded};
use crate::{comparison, number};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;
/// The number of words below a chart at most.
const LABELS: usize = 7;
/// The number of pairs that are drawn and listed at most; of more, every nth.
const PAIRS_MAX: usize = 500;
/// Pairs that are this many times the interquartile range outside the quartiles do not stretch the axis: "far out" in
/// Tukey's Exploratory Data Analysis (1977), section 2D.
const FAR_OUT: f64 = 3.0;

/// The charts of all measures that are tested; nothing if there is no pair.
pub(super) fn charts(ab_summary: &AbSummary) -> Markup {
    let played = &ab_summary.measurement;
    let charts: Vec<Markup> = played
        .rows
        .iter()
        .filter(|row| row.is_tested)
        .filter_map(|row| {
            let values = of(&played.values, row.metric)?;
            let looks = of(&played.looks, row.metric).map_or(&[][..], Vec::as_slice);
            (!values.is_empty()).then(|| Pairs::of(row, values, looks).figure())
        })
        .collect();
    markup! {
        @if !charts.is_empty() {
            h2 id="pairs" { "Pairs of blocks" }
            p.note {
                "Each dot is a pair: the change from A to B, both played one after the other. The band is the interval that \
                 decides the outcome, as of each interim analysis. B is worse as soon as the whole band is beyond the dashed \
                 line, and not worse as soon as none of it is."
            }
            div.pairs { @for chart in &charts { (chart) } }
        }
    }
}

fn of<T>(all: &[(ComparedMetric, T)], measured: ComparedMetric) -> Option<&T> {
    let found = all.iter().find(|(it, _)| *it == measured);
    found.map(|(_, values)| values)
}

/// The pairs of one measure. Changes are in percent, or in percentage points.
struct Pairs<'a> {
    row: &'a ComparisonRow,
    /// The number of all pairs.
    count: usize,
    /// The number of each pair that is drawn, from 1, with A, B, and the change.
    drawn: Vec<(usize, [f64; 2], f64)>,
    looks: &'a [Look],
    range: Range,
}

impl<'a> Pairs<'a> {
    fn of(row: &'a ComparisonRow, values: &[[f64; 2]], looks: &'a [Look]) -> Self {
        let step = values.len().div_ceil(PAIRS_MAX).max(1);
        let all = values.iter().enumerate().step_by(step);
        let drawn: Vec<(usize, [f64; 2], f64)> = all
            .map(|(at, pair)| (at + 1, *pair, change_of(row.metric, *pair)))
            .collect();
        let (allowed, _) = allowed(row);
        let mut changes: Vec<f64> = drawn.iter().map(|(_, _, change)| *change).collect();
        changes.sort_by(f64::total_cmp);
        let usual = usual(&changes);
        let ends = looks.iter().flat_map(|look| {
            let ends = percent(look.change);
            [ends.low, ends.high]
        });
        let shown = ends.flatten().filter(|end| end.is_finite());
        let range = Range::of(shown.chain(usual).chain([0.0, allowed]));
        Self {
            row,
            count: values.len(),
            drawn,
            looks,
            range,
        }
    }

    fn figure(&self) -> Markup {
        let title = comparison::title(self.row);
        let unit = unit(self.row);
        let beyond = self
            .drawn
            .iter()
            .filter(|(_, _, it)| !self.range.holds(*it));
        let beyond = beyond.count();
        let tolerance = self.row.tolerance.in_words();
        let (_, side) = allowed(self.row);
        markup! {
            figure.pairs {
                figcaption {
                    (title) ", change from A to B in " (unit) " "
                    span.note { (self.words()) }
                }
                ul.legend {
                    li { i.key.dots.a {} "a pair" }
                    @if !self.looks.is_empty() { li { i.key.filled.b {} "interval that decides" } }
                    li { i.key.dashed.critical {} "tolerance of " (tolerance) ": worse " (side) }
                    li { i.key.quiet {} "no change" }
                    @if beyond > 0 { li { (beyond) " pairs outside, drawn at the edge" } }
                }
                (self.plot())
                p.axis { "pairs of blocks, in order" }
                (self.table())
            }
        }
    }

    fn words(&self) -> String {
        let change = self.row.change_in_words();
        let change = change.unwrap_or_else(|| "no change known".to_owned());
        format!("{change}: {}", self.row.outcome().in_words())
    }

    fn plot(&self) -> Markup {
        let (allowed, _) = allowed(self.row);
        let line = |value: f64| format!("M0 {}H1000", rounded(self.range.y(value)));
        markup! {
            div.plot {
                svg.with_baseline aria-hidden="true" {
                    @for tick in self.range.ticks() {
                        text x="100%" y={ (rounded(self.range.y(tick))) "%" } { (signed(tick)) }
                    }
                }
                svg viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true" {
                    path.grid d=(self.range.ticks().map(line).collect::<String>()) {}
                    @for (at, look) in self.looks.iter().enumerate() { (self.band(at, look)) }
                    path.quiet d=(line(0.0)) {}
                    path.dashed.critical d=(line(allowed)) {}
                    path.dots.a d=(self.dots()) {}
                }
                (self.numbers())
            }
        }
    }

    /// The interval of a look, until the next one.
    fn band(&self, at: usize, look: &Look) -> Markup {
        let next = self.looks.get(at + 1);
        let until = next.map_or(self.count, |next| next.pairs - 1);
        let (from, to) = (self.edge(look.pairs - 1), self.edge(until.max(look.pairs)));
        let ends = percent(look.change);
        let (low, high) = (
            self.range.end_y(ends.low, HEIGHT),
            self.range.end_y(ends.high, 0.0),
        );
        let (from, to, low, high) = (rounded(from), rounded(to), rounded(low), rounded(high));
        let middle = rounded(self.range.y(middle(look.change)));
        markup! {
            path.area.b d={ "M" (from) " " (low) "H" (to) "V" (high) "H" (from) "Z" } {}
            path.b d={
                @if ends.low.is_some() { "M" (from) " " (low) "H" (to) }
                @if ends.high.is_some() { "M" (from) " " (high) "H" (to) }
            } {}
            path.dotted.b d={ "M" (from) " " (middle) "H" (to) } {}
        }
    }

    fn dots(&self) -> String {
        let dots = self.drawn.iter().map(|(number, _, change)| {
            let x = f64::midpoint(self.edge(number - 1), self.edge(*number));
            format!("M{} {}h.1", rounded(x), rounded(self.range.y(*change)))
        });
        dots.collect()
    }

    /// The place after a number of pairs.
    fn edge(&self, pairs: usize) -> f64 {
        pairs as f64 / self.count as f64 * WIDTH
    }

    fn numbers(&self) -> Markup {
        let step = round_step(self.count.div_ceil(LABELS));
        let numbers = (1..=self.count).filter(|number| *number == 1 || number.is_multiple_of(step));
        let numbers = numbers.filter(|number| *number == 1 || *number > step / 2);
        below(numbers.map(|number| {
            let x = f64::midpoint(self.edge(number - 1), self.edge(number));
            (x / WIDTH, number.to_string())
        }))
    }

    fn table(&self) -> Markup {
        let value = |value: f64| comparison::value(Some(value), self.row);
        let look = |number: usize| self.looks.iter().find(|look| look.pairs == number);
        markup! {
            details.behind {
                summary { "Table" }
                div.scroll { table {
                    thead { tr {
                        th scope="col" { "Pair" } th scope="col" { "A" } th scope="col" { "B" }
                        th scope="col" { "Change, " (unit(self.row)) } th scope="col" { "Interval at an interim analysis" }
                    } }
                    tbody { @for (number, [a, b], change) in &self.drawn { tr {
                        th scope="row" { (number) }
                        td { (value(*a)) } td { (value(*b)) } td { (signed(*change)) }
                        td { (look(*number).map_or(String::new(), |look| look.change.in_words())) }
                    } } }
                } }
            }
        }
    }
}

/// The change of a pair, in percent or in percentage points.
fn change_of(measured: ComparedMetric, [a, b]: [f64; 2]) -> f64 {
    if measured == ComparedMetric::ErrorRate {
        b - a
    } else {
        (b / a - 1.0) * 100.0
    }
}

/// The ends of an interval, in percent or in percentage points.
fn percent(change: Change) -> ChangeInterval {
    let ends = change.interval();
    let of = |value: f64| match change {
        Change::Ratio { .. } => (value - 1.0) * 100.0,
        Change::Points { .. } => value,
    };
    ChangeInterval {
        low: ends.low.map(of),
        high: ends.high.map(of),
    }
}

fn middle(change: Change) -> f64 {
    match change {
        Change::Ratio { ratio, .. } => (ratio - 1.0) * 100.0,
        Change::Points { by, .. } => by,
    }
}

fn unit(row: &ComparisonRow) -> &'static str {
    match row.tolerance {
        Tolerance::Share(_) => "%",
        Tolerance::Points(_) => "percentage points",
    }
}

/// The change from which on it is worse, and on which side of it.
fn allowed(row: &ComparisonRow) -> (f64, &'static str) {
    let allowed = match row.tolerance {
        Tolerance::Share(share) => share * 100.0,
        Tolerance::Points(points) => points,
    };
    if row.metric.is_better_when_higher() {
        (-allowed, "below")
    } else {
        (allowed, "above")
    }
}

/// The least and the greatest of sorted values that are not far out.
fn usual(sorted: &[f64]) -> impl Iterator<Item = f64> {
    let at = |part: usize| sorted[(sorted.len() - 1) * part / 4];
    let (lower, upper) = (at(1), at(3));
    let far = FAR_OUT * (upper - lower);
    let is_usual = move |value: &&f64| (lower - far..=upper + far).contains(*value);
    let least = sorted.iter().find(is_usual);
    let greatest = sorted.iter().rev().find(is_usual);
    least.into_iter().chain(greatest).copied()
}

/// A change next to an axis or in a table.
fn signed(value: f64) -> String {
    let text = number::threshold(value.abs(), "");
    match text.as_str() {
        "0" => text,
        _ if value < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

/// 1, 2 or 5 with zeros: the least that is not less.
fn round_step(least: usize) -> usize {
    let steps = (0..10u32).flat_map(|power| [1, 2, 5].map(|of| of * 10usize.pow(power)));
    let mut steps = steps.filter(|step| *step >= least);
    steps.next().unwrap_or(least)
}

/// Values between two round ones, in even steps.
struct Range {
    low: f64,
    step: f64,
    steps: u32,
}

impl Range {
    /// With room for all of these.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let length = (high - low).max(1e-6) * 1.1;
        let rough = length / 4.0;
        let power = 10f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|of| of * power);
        let step = steps.into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let from = (low / step - 0.05).floor();
        let count = (2..=6u32).find(|count| (from + f64::from(*count)) * step >= high);
        Self {
            low: from * step,
            step,
            steps: count.unwrap_or(6),
        }
    }

    fn high(&self) -> f64 {
        self.low + self.step * f64::from(self.steps)
    }

    fn holds(&self, value: f64) -> bool {
        (self.low..=self.high()).contains(&value)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (0..=self.steps).map(|step| self.low + self.step * f64::from(step))
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high() - self.low);
        HEIGHT - share.clamp(0.0, 1.0) * HEIGHT
    }

    /// The place of an end, which may be open.
    fn end_y(&self, end: Option<f64>, open: f64) -> f64 {
        end.map_or(open, |end| self.y(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_holds_all_values_between_round_ones() {
        for (low, high) in [
            (-3.2, 14.0),
            (0.0, 5.0),
            (-120.0, 5.0),
            (0.0, 0.1),
            (-0.01, 0.0),
        ] {
            let range = Range::of([low, high].into_iter());
            assert!(range.holds(low) && range.holds(high), "{low} to {high}");
            let zero = range.ticks().any(|tick| tick.abs() < range.step * 1e-6);
            assert!(zero, "{low} to {high} has no tick at zero");
            assert!((2..=6).contains(&range.steps));
        }
    }

    #[test]
    fn far_out_pairs_do_not_stretch_the_axis() {
        let ends = |sorted: &[f64]| usual(sorted).collect::<Vec<_>>();
        assert_eq!(ends(&[-2.0, 1.0, 2.0, 3.0, 4.0, 6.0, 180.0]), [-2.0, 6.0]);
        assert_eq!(ends(&[-2.0, 1.0, 2.0, 3.0, 4.0, 6.0, 12.0]), [-2.0, 12.0]);
        assert_eq!(ends(&[5.0]), [5.0, 5.0]);
    }

    #[test]
    fn steps_of_pairs_are_round() {
        for (least, step) in [(1, 1), (3, 5), (9, 10), (12, 20), (51, 100)] {
            assert_eq!(round_step(least), step);
        }
    }

    #[test]
    fn changes_on_the_axis_have_signs() {
        for (value, text) in [(0.0, "0"), (2.5, "+2.5"), (-10.0, "−10")] {
            assert_eq!(signed(value), text);
        }
    }
}
