//! Runs of the history for a terminal: a line for each, and the metric as bars.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::page::{Page, style_of_result};
use super::table::shortened;
use crate::history::{HistoryRun, ProfileHistory, RunHistory, value_text};
use crate::number::{self, one_line};

/// Maximum width of a profile's name.
const PROFILE_MAX: usize = 20;
/// Minimum width of the labels.
const LABEL_MIN: usize = 10;
const GAP: usize = 2;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Run history with the first of its metrics, for a terminal of `width` columns.
pub fn terminal_of_history(history: &RunHistory, width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let Some(metric) = history.metrics.first() else {
        return String::new();
    };
    let profiles = history.profiles();
    let mut text = table(&page, history, &metric.name(), metric.unit());
    text += &page.heading(&format!("{}, run by run", history.title(*metric)));
    let names = profiles.iter().map(|of| profile_name(of.name).width());
    let names = names.max().unwrap_or(0);
    for profile in &profiles {
        text += &trend(&page, profile, names, metric.unit());
    }
    text
}

/// Metric of a profile as bars, with its lasting changes.
fn trend(page: &Page, profile: &ProfileHistory, names: usize, unit: &str) -> String {
    let runs = profile.runs.iter();
    let values: Vec<Option<f64>> = runs.map(|run| run.values[0].known()).collect();
    let name = padded(&profile_name(profile.name), names);
    let range = range(&values, unit);
    let room = page.width.saturating_sub(names + range.width() + 2 * GAP);
    let mut text = format!("{name}  {}  {range}\n", bars(&values, room));
    if profile.is_one_of_several {
        text += &page.listed(&profile.conditions());
    }
    for sentence in profile.level_shifts(0).in_words(unit) {
        text += &page.listed(&sentence);
    }
    text
}

fn table(page: &Page, history: &RunHistory, title: &str, unit: &str) -> String {
    let head = ["date (UTC)", "run", "profile", "verdict", title].map(str::to_owned);
    let rows = history.runs.iter().map(|run| {
        [
            run.started.clone(),
            run.display_name().unwrap_or_else(|| "–".to_owned()),
            profile_name(&run.profile),
            run.result.in_words().to_owned(),
            value_text(run.values[0], unit),
        ]
    });
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let others: usize = widths.iter().sum::<usize>() - widths[1] + 4 * GAP;
    widths[1] = widths[1].min(page.width.saturating_sub(others).max(LABEL_MIN));
    let mut text = page.heading(&page.row(&rows[0], widths, Style::new()));
    for (row, run) in rows[1..].iter().zip(&history.runs) {
        text += &format!("{}\n", page.row(row, widths, style(run)));
    }
    text
}

impl Page {
    fn row(&self, cells: &[String; 5], widths: [usize; 5], style: Style) -> String {
        let [began, run, profile, verdict, value] = cells;
        format!(
            "{}  {}  {}  {}  {}{value}",
            padded(began, widths[0]),
            padded(&shortened(run, widths[1]), widths[1]),
            padded(profile, widths[2]),
            // Color escapes have no width, so the padding follows them.
            self.painted_cell(style, verdict, widths[3]),
            " ".repeat(widths[4].saturating_sub(value.width())),
        )
    }

    fn painted_cell(&self, style: Style, text: &str, width: usize) -> String {
        let padding = " ".repeat(width.saturating_sub(text.width()));
        if style == Style::new() {
            return format!("{text}{padding}");
        }
        format!("{}{padding}", self.painted(style, text))
    }
}

fn style(run: &HistoryRun) -> Style {
    style_of_result(run.result)
}

fn profile_name(name: &str) -> String {
    shortened(&one_line(name), PROFILE_MAX)
}

fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Minimum and maximum value, for the lowest and the highest bar.
fn ends(values: &[Option<f64>]) -> Option<(f64, f64)> {
    let mut known = values.iter().flatten().copied();
    let first = known.next()?;
    Some(known.fold((first, first), |(low, high), value| {
        (f64::min(low, value), f64::max(high, value))
    }))
}

fn range(values: &[Option<f64>], unit: &str) -> String {
    let Some((low, high)) = ends(values) else {
        return "no values".to_owned();
    };
    if high <= low {
        return number::with_unit(low, unit);
    }
    let high = Some(high);
    number::interval(&brunt_verdict::Interval { low, high }, unit)
}

/// A bar for each run, or for the newest that fit; unknown values are blank.
fn bars(values: &[Option<f64>], room: usize) -> String {
    let Some((low, high)) = ends(values) else {
        return String::new();
    };
    let newest = values.len().saturating_sub(room);
    let bar = |value: &Option<f64>| {
        let Some(value) = value else { return ' ' };
        if high <= low {
            return BARS[BARS.len() / 2 - 1];
        }
        let height = (value - low) / (high - low) * (BARS.len() - 1) as f64;
        let steps = (0u8..).zip(BARS);
        let bar = steps
            .take_while(|(step, _)| f64::from(*step) <= height + 0.5)
            .last();
        bar.map_or(BARS[0], |(_, bar)| bar)
    };
    values[newest..].iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use brunt_verdict::Value;

    use super::*;
    use crate::history::tests::{run, stepped};

    fn history() -> RunHistory {
        let mut history = stepped(90, 60);
        history.request = Some("GET /items".into());
        history.runs[3].values = vec![Value::Unanswered];
        history.runs.push(run(
            4,
            "a profile whose name is far too long",
            Value::Unknown,
        ));
        history
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_values_stand_below_each_other() {
        for (width, room) in [(80, 80), (200, super::super::page::WIDTH_MAX)] {
            let text = terminal_of_history(&history(), width, false);
            assert!(
                text.lines().all(|line| line.width() <= room),
                "{width}\n{text}"
            );
            let mut rows = text.lines().skip(1).take(92);
            let first = rows.next().unwrap().width();
            assert!(rows.all(|row| row.width() == first), "{width}\n{text}");
            assert!(text.contains("p95 of GET /items, run by run"), "{text}");
        }
        let wide = terminal_of_history(&history(), 200, false);
        assert!(
            wide.contains("release 0 with 日本語 and a tail that is long"),
            "{wide}"
        );
        assert!(wide.contains("0123456789 "), "{wide}");
    }

    #[test]
    fn below_each_profile_stands_since_when_it_is_another() {
        let text = terminal_of_history(&history(), 140, false);
        let below = text.split("run by run\n").nth(1).unwrap();
        let begins: Vec<&str> = below
            .lines()
            .map(|line| line.get(..10).unwrap_or("a profile"))
            .collect();
        assert_eq!(
            begins,
            ["a profile", "  - too fe", "load      ", "  - since "],
            "{text}"
        );
        assert!(text.contains("(release 60 with"), "{text}");
    }

    #[test]
    fn a_color_changes_no_letter() {
        let painted = terminal_of_history(&history(), 80, true);
        assert!(painted.contains("\u{1b}[91mcritical"), "{painted}");
        let mut plain = String::new();
        for (at, part) in painted.split('\u{1b}').enumerate() {
            plain += if at == 0 {
                part
            } else {
                part.split_once('m').unwrap().1
            };
        }
        assert_eq!(plain, terminal_of_history(&history(), 80, false));
    }

    #[test]
    fn bars_go_from_the_least_to_the_greatest_and_leave_gaps() {
        let values = [Some(1.0), None, Some(8.0), Some(4.5), Some(2.0)];
        assert_eq!(bars(&values, 80), "▁ █▅▂");
        assert_eq!(bars(&values, 2), "▅▂");
        assert_eq!(bars(&[Some(3.0), Some(3.0)], 80), "▄▄");
        assert_eq!(bars(&[None], 80), "");
        assert_eq!(range(&values, "ms"), "1.00–8.00 ms");
    }
}
