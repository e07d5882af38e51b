//! The chart of a metric over the runs of a profile: one place to the right for each run.

use brunt_record::Metric;
use brunt_verdict::{Grade, RunResult, Value};
use maud::{Markup, html as markup};

use crate::history::{HistoryRun, LevelShifts, ProfileHistory, value_text};
use crate::html::elements::class_of;
use crate::number;

const WIDTH: f64 = 1160.0;
const HEIGHT: f64 = 206.0;
/// Area of the points.
const LEFT: f64 = 78.0;
const RIGHT: f64 = 1146.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 162.0;
/// Maximum number of characters of a run's label below its date.
const CALLED_MAX: usize = 18;
/// Maximum number of dates below the chart.
const DATES: usize = 7;
/// Approximate number of values at the left.
const TICKS: f64 = 4.0;

/// Coordinates of the drawing.
struct Scale {
    runs: usize,
    /// The value at the top.
    top: f64,
}

impl Scale {
    fn of(values: &[Value]) -> Self {
        let known = values.iter().filter_map(|value| value.known());
        let most = known.fold(0.0, f64::max);
        Self {
            runs: values.len(),
            top: if most > 0.0 { most * 1.08 } else { 1.0 },
        }
    }

    fn step(&self) -> f64 {
        (RIGHT - LEFT) / self.runs as f64
    }

    fn x(&self, at: usize) -> f64 {
        LEFT + (at as f64 + 0.5) * self.step()
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - value / self.top * (BOTTOM - TOP)
    }

    /// Values at the left: round ones, starting at 0.
    fn ticks(&self) -> Vec<f64> {
        let rough = self.top / TICKS;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|of| of * power);
        let step = step.into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let ticks = (0u32..).map(|at| f64::from(at) * step);
        ticks.take_while(|tick| *tick <= self.top).collect()
    }
}

/// Marker of a run: each result has its own shape. Hollow ones do not describe the service.
pub(super) fn marker(result: RunResult, x: f64, y: f64, r: f64) -> Markup {
    let at = |dx: f64, dy: f64| format!("{} {}", rounded(x + dx * r), rounded(y + dy * r));
    let polygon = |corners: &[(f64, f64)]| {
        let corners = corners.iter().map(|(dx, dy)| at(*dx, *dy));
        format!("M{}Z", corners.collect::<Vec<_>>().join("L"))
    };
    let line =
        |from: (f64, f64), to: (f64, f64)| format!("M{}L{}", at(from.0, from.1), at(to.0, to.1));
    let cross = line((-0.9, -0.9), (0.9, 0.9)) + &line((-0.9, 0.9), (0.9, -0.9));
    let circle = {
        let r = rounded(r);
        format!(
            "M{}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 -{} 0Z",
            at(-1.0, 0.0),
            2.0 * r,
            2.0 * r
        )
    };
    let square = [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)];
    let diamond = [(0.0, -1.15), (1.15, 0.0), (0.0, 1.15), (-1.15, 0.0)];
    let (shape, way) = match result {
        RunResult::Graded(Grade::Good) => ("full", circle),
        RunResult::Graded(Grade::Acceptable) => ("full", polygon(&square)),
        RunResult::Graded(Grade::Poor) => {
            ("full", polygon(&[(0.0, -1.1), (1.1, 0.9), (-1.1, 0.9)]))
        }
        RunResult::Graded(Grade::Critical) => ("line", cross),
        RunResult::Graded(Grade::Inconclusive) => ("full", polygon(&diamond)),
        RunResult::Graded(Grade::NotApplicable) => ("line", line((-1.0, 0.0), (1.0, 0.0))),
        RunResult::NoTargets => ("hollow", polygon(&square)),
        RunResult::NoResponse => ("line", cross + &circle),
        RunResult::Invalid => ("hollow", circle),
    };
    markup! { path class={ "dot " (shape) } d=(way) {} }
}

/// The chart of the metric at a place of the runs' values.
pub(super) fn chart(
    profile: &ProfileHistory,
    at: usize,
    metric: Metric,
    changes: &LevelShifts,
) -> Markup {
    let values: Vec<Value> = profile.runs.iter().map(|run| run.values[at]).collect();
    let scale = Scale::of(&values);
    let unit = metric.unit();
    let label = format!("{} over the runs of {}", metric.name(), profile.name);
    markup! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="group" aria-label=(label) {
            @for tick in scale.ticks() {
                @let y = rounded(scale.y(tick));
                line class="grid" x1=(LEFT) x2=(RIGHT) y1=(y) y2=(y) {}
                text class="tick" x=(LEFT - 8.0) y=(rounded(scale.y(tick) + 4.0)) { (number::threshold(tick, unit)) }
            }
            (dates(profile, &scale))
            (marks(profile, &scale, changes))
            polyline class="way" points=(way(profile, &values, &scale)) {}
            @for (place, (run, of)) in profile.runs.iter().zip(&values).enumerate() {
                (dot(run, *of, unit, &scale, place))
            }
        }
    }
}

fn dates(profile: &ProfileHistory, scale: &Scale) -> Markup {
    let apart = profile.runs.len().div_ceil(DATES).max(1);
    markup! {
        @for (at, run) in profile.runs.iter().enumerate().step_by(apart) {
            text class="date" x=(rounded(scale.x(at))) y=(BOTTOM + 20.0) {
                (run.started.split(' ').next().unwrap_or_default())
            }
            @if let Some(called) = run.display_name() {
                text class="date called" x=(rounded(scale.x(at))) y=(BOTTOM + 35.0) { (called.chars().take(CALLED_MAX).collect::<String>()) }
            }
        }
    }
}

/// A line before each run with a level shift, and its size.
fn marks(profile: &ProfileHistory, scale: &Scale, changes: &LevelShifts) -> Markup {
    let LevelShifts::Found(_, changes) = changes else {
        return markup! {};
    };
    let place = |since: &HistoryRun| {
        profile
            .runs
            .iter()
            .position(|run| std::ptr::eq(*run, since))
    };
    markup! {
        @for change in changes {
            @if let Some(at) = place(change.since) {
                @let x = scale.x(at) - scale.step() / 2.0;
                line class="change" x1=(rounded(x)) x2=(rounded(x)) y1=(TOP - 8.0) y2=(BOTTOM) {}
                @if let Some(ratio) = change.ratio() {
                    text class="by" x=(rounded(x + 5.0)) y=(TOP - 6.0) { (ratio) }
                }
            }
        }
    }
}

/// Line through the runs with values.
fn way(profile: &ProfileHistory, values: &[Value], scale: &Scale) -> String {
    let runs = profile.runs.iter().zip(values).enumerate();
    let points = runs.filter_map(|(at, (run, value))| {
        let value = value.known().filter(|_| run.result != RunResult::Invalid)?;
        let (x, y) = (rounded(scale.x(at)), rounded(scale.y(value)));
        Some(format!("{x},{y}"))
    });
    points.collect::<Vec<_>>().join(" ")
}

fn dot(run: &HistoryRun, of: Value, unit: &str, scale: &Scale, at: usize) -> Markup {
    let y = match of {
        Value::Known(value) => scale.y(value),
        // Above all values.
        Value::Unanswered => TOP,
        Value::Unknown => return markup! {},
    };
    let radius = (scale.step() / 2.0).clamp(2.0, 5.0);
    let marked = markup! {
        g class=(class_of(run.result)) {
            title { (words(run, of, unit)) }
            (marker(run.result, scale.x(at), y, radius))
        }
    };
    markup! {
        @if let Some(report) = &run.report { a href=(report) { (marked) } } @else { (marked) }
    }
}

fn words(run: &HistoryRun, of: Value, unit: &str) -> String {
    let mut parts = vec![
        value_text(of, unit),
        run.result.in_words().to_owned(),
        run.started.clone(),
    ];
    parts.extend(run.label.clone());
    parts.extend(run.short_commit());
    parts.push(run.run_id.clone());
    parts.join(" · ")
}

/// A place on the page, to a tenth of its unit.
fn rounded(place: f64) -> f64 {
    (place * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(most: f64) -> Vec<f64> {
        Scale::of(&[Value::Known(most)]).ticks()
    }

    #[test]
    fn the_values_at_the_left_are_round_and_end_below_the_top() {
        let near = |found: Vec<f64>, wanted: &[f64]| {
            assert_eq!(found.len(), wanted.len(), "{found:?}");
            let mut pairs = found.iter().zip(wanted);
            assert!(
                pairs.all(|(a, b)| (a - b).abs() < 1e-9),
                "{found:?} {wanted:?}"
            );
        };
        near(ticks(15.0), &[0.0, 5.0, 10.0, 15.0]);
        near(ticks(27.0), &[0.0, 10.0, 20.0]);
        near(ticks(0.05), &[0.0, 0.02, 0.04]);
        near(ticks(0.0), &[0.0, 0.5, 1.0]);
    }

    #[test]
    fn places_lie_on_the_chart() {
        let scale = Scale::of(&[Value::Known(3.0), Value::Unknown, Value::Known(9.0)]);
        assert!((0..3).all(|at| (LEFT..=RIGHT).contains(&scale.x(at))));
        assert!(scale.y(9.0) > TOP && scale.y(0.0) <= BOTTOM);
        assert!(scale.x(0) < scale.x(1) && scale.y(9.0) < scale.y(3.0));
    }
}
