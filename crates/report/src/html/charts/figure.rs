//! A chart as a figure of the page: caption, legend, drawing, and the table behind it.

use maud::{Markup, html as markup};

use super::chart::{Chart, Level, Line, Span, Views};
use super::svg;
use crate::html::glossary::explained;
use crate::number;
use crate::time_buckets::TimeBuckets;

impl Chart<'_> {
    /// The chart as it stands on the page.
    pub(in crate::html) fn figure(&self, views: &Views, spans: &[Span]) -> Markup {
        let hidden = self.timed == Some("service");
        markup! {
            figure data-chart=(self.id) data-timed=[self.timed] class=[hidden.then_some("second")] {
                figcaption { (self.title) @if !self.note.is_empty() { " " span.note { (self.note) } } }
                (self.legend(&views.drawn))
                (svg::plot(self, &views.drawn, spans))
                (self.table(&views.listed))
            }
        }
    }

    fn legend(&self, buckets: &TimeBuckets) -> Markup {
        let has_never = |line: &Line| !line.never(buckets).is_empty();
        let values: Vec<_> = self.lines.iter().map(|line| line.values(buckets)).collect();
        let most = self.largest(&values);
        let (shown, above): (Vec<&Level>, Vec<&Level>) =
            self.levels.iter().partition(|level| level.value <= most);
        let mut shown = shown;
        shown.sort_by(|a, b| a.value.total_cmp(&b.value));
        let nearest = above.iter().min_by(|a, b| a.value.total_cmp(&b.value));
        markup! {
            ul.legend {
                @for line in &self.lines {
                    li data-line { i.key.(line.ink).(line.stroke.name()) {} (explained(&line.label)) " " span.now {} }
                }
                @for level in shown {
                    li { i.key.level.(level.ink) {} (level.label) " " (number::threshold(level.value, self.unit.name())) }
                }
                @if let Some(nearest) = nearest {
                    li.above {
                        @if above.len() == 1 { "above this chart: " } @else { (above.len()) " thresholds above this chart, the nearest: " }
                        (nearest.label) " " (number::threshold(nearest.value, self.unit.name()))
                    }
                }
                @if self.lines.iter().any(has_never) { li { "bar at the top: no response" } }
                @if !self.slopes.is_empty() { li { i.key.dashed.critical {} "trend" } }
            }
        }
    }

    /// The table behind the chart.
    fn table(&self, buckets: &TimeBuckets) -> Markup {
        let columns: Vec<Vec<Option<f64>>> =
            self.lines.iter().map(|line| line.values(buckets)).collect();
        let never: Vec<Vec<usize>> = self.lines.iter().map(|line| line.never(buckets)).collect();
        let cell = |line: usize, at: usize| match columns[line][at] {
            Some(value) => self.unit.in_words(value),
            None if never[line].contains(&at) => "no response".to_owned(),
            None => "–".to_owned(),
        };
        markup! {
            details.behind {
                summary { "Table" }
                div.scroll { table {
                    caption { (self.title) }
                    thead { tr {
                        th scope="col" { "From" }
                        @for line in &self.lines { th scope="col" { (line.label) } }
                    } }
                    tbody { @for (at, bucket) in buckets.all.iter().enumerate() { tr {
                        th scope="row" { (number::moment(bucket.from_s.into(), buckets.end_s())) }
                        @for line in 0..columns.len() { td { (cell(line, at)) } }
                    } } }
                } }
            }
        }
    }
}
