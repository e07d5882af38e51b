//! Terminal result: headline, targets with grades, requests, failures.

pub(crate) mod baselines;
pub(crate) mod comparison;
mod failures;
pub(crate) mod history;
mod page;
mod table;

use anstyle::Style;
use brunt_record::NameKind;
use brunt_verdict::{Grade, RunResult};

use crate::Judged;
use crate::number::{self, one_line};
use crate::request_stats::{self, RequestStats};
use crate::wording::{grade, interval, measured, own_notes, shared_reasons, title, value};
pub use page::UNBOUNDED;
use page::{Page, style_of, style_of_result};
pub(crate) use table::shortened;
use table::{Cell, Table};

/// Minimum width for the intervals of targets.
const INTERVAL_FROM: usize = 100;
/// Minimum width for p99.9 and the service time of requests.
const SERVICE_FROM: usize = 120;
/// Columns of requests that are omitted in a narrow table, the least important first.
const REQUESTS_SPARE: [&str; 8] = [
    "service p50",
    "service p99",
    "p99.9",
    "max",
    "req/s",
    "p50",
    "p95",
    "requests",
];
/// Maximum number of names; the HTML report contains all.
const NAMES_MAX: usize = 40;

/// The result of a run, for a terminal of `width` columns.
pub fn terminal(run: &Judged, width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let mut text = String::new();
    text += &page.sentence(run, &headline(run));
    text += &page.next_step(run);
    text += &page.notes(run);
    text += &page.targets(run);
    if let Some(with_baseline) = &run.verdict.baseline {
        if let Some(sentence) = crate::judged::baseline_sentence(run) {
            text += &format!("\n{}", page.wrapped(0, &sentence));
        }
        text += &page.compared(&with_baseline.into());
    }
    text += &page.requests(run);
    text += &page.failures(run);
    text += &page.unseen(run);
    text + "\n"
}

/// The last line of the result of one run or several: the result, and the exit code that brunt ends with.
pub fn terminal_last_line(runs: &[Judged], exit_code: u8, color: bool) -> String {
    let worst = runs.iter().map(|run| run.verdict.result);
    let Some(worst) = worst.max_by_key(|result| result.rank()) else {
        return String::new();
    };
    let page = Page::new(UNBOUNDED, color);
    let result = page.painted(style_of_result(worst).bold(), worst.in_words());
    let outcome = crate::judged::outcome_in_words(worst, exit_code);
    format!("Verdict: {result} ({outcome})\n")
}

/// The headline with the exit code after the state.
fn headline(run: &Judged) -> String {
    let (state, explained) = run.verdict.headline_parts();
    format!("{state} ({}): {explained}", run.outcome())
}

/// The result of several runs: a sentence each.
pub fn terminal_of_all(runs: &[Judged], width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let worst = runs
        .iter()
        .map(|run| run.verdict.result)
        .max_by_key(|result| result.rank());
    let worst = worst.map_or("nothing was run", RunResult::in_words);
    let mut text = page.heading(&format!("All profiles: {worst}"));
    for run in runs {
        let sentence = format!("{}: {}", run.record.header.profile, run.verdict.headline);
        text += &page.sentence(run, &sentence);
    }
    text + "\n"
}

impl Page {
    fn sentence(&self, run: &Judged, sentence: &str) -> String {
        let style = style_of_result(run.verdict.result).bold();
        let text = self.wrapped(0, sentence);
        let painted: Vec<String> = text.lines().map(|line| self.painted(style, line)).collect();
        painted.join("\n") + "\n"
    }

    fn next_step(&self, run: &Judged) -> String {
        self.wrapped(0, &run.verdict.next_step)
    }

    fn notes(&self, run: &Judged) -> String {
        let mut text = String::new();
        for reason in &run.verdict.invalid_reasons {
            text += &self.wrapped(2, &format!("! {reason}"));
        }
        for finding in crate::judged::further_findings(run) {
            text += &self.wrapped(2, &format!("- {}", finding.headline));
        }
        let ending = run.record.ending.as_ref();
        let reason = ending.and_then(|ending| ending.stop_reason.as_ref());
        let reason = reason.filter(|reason| {
            let findings = run.verdict.findings.iter();
            let mut said = findings
                .map(|finding| &finding.headline)
                .chain([&run.verdict.headline]);
            !said.any(|sentence| sentence.contains(reason.as_str()))
        });
        text + &reason.map_or_else(String::new, |reason| {
            self.wrapped(2, &format!("- {reason}"))
        })
    }

    fn targets(&self, run: &Judged) -> String {
        if run.verdict.judgments.is_empty() {
            return String::new();
        }
        let with_interval = self.width >= INTERVAL_FROM;
        let mut columns = vec!["Target", "value"];
        if with_interval {
            columns.push("95 % interval");
        }
        columns.extend(["target", "acceptable", "critical", "grade"]);
        let mut table = Table::new(&columns).sparing(&["acceptable", "target", "critical"]);
        for row in &run.verdict.judgments {
            let unit = row.unit;
            let (met, missed) = if row.target.metric.is_better_when_higher() {
                ("> ", "< ")
            } else {
                ("< ", "> ")
            };
            let bound = |sign: &str, value: Option<f64>| {
                value.map_or_else(String::new, |value| {
                    format!("{sign}{}", number::threshold(value, unit))
                })
            };
            let mut cells = vec![Cell::plain(title(run, row)), Cell::plain(value(row))];
            if with_interval {
                cells.push(Cell::plain(interval(row)));
            }
            cells.extend([
                Cell::plain(bound(met, row.target.target)),
                Cell::plain(bound(met, row.target.acceptable)),
                Cell::plain(bound(missed, row.target.critical)),
                Cell::styled(grade(run, row), style_of(row.grade)),
            ]);
            table.row(cells);
        }
        let mut lines = table.lines(self.table_width, self.color).into_iter();
        let mut text = self.heading(&lines.next().unwrap_or_default());
        let shared = shared_reasons(&run.verdict.judgments);
        for (line, row) in lines.zip(&run.verdict.judgments) {
            text += &format!("{line}\n");
            for note in own_notes(row, &shared) {
                text += &self.wrapped(4, note);
            }
        }
        for reason in shared {
            text += &self.wrapped(2, &format!("- {reason}"));
        }
        text
    }

    fn requests(&self, run: &Judged) -> String {
        let mut columns = vec![
            "Request", "requests", "failed", "req/s", "p50", "p95", "p99",
        ];
        if self.width >= SERVICE_FROM {
            columns.extend(["p99.9", "max", "service p50", "service p99"]);
        } else {
            columns.push("max");
        }
        let mut table = Table::new(&columns).sparing(&REQUESTS_SPARE);
        let rows = request_stats::by_name(run.record);
        let (setup, judged): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.setup);
        let (judged, others): (Vec<_>, Vec<_>) = judged
            .into_iter()
            .partition(|row| row.kind == NameKind::Request);
        let shown = standing_out(&judged);
        for stats in &shown {
            table.row(self.request_row(stats));
        }
        table.row(self.request_row(&request_stats::total(run.record)));
        for stats in others.iter().take(NAMES_MAX) {
            table.row(self.request_row(stats));
        }
        for stats in setup.iter().take(NAMES_MAX) {
            table.row(self.request_row(stats));
        }
        let more = match judged.len() - shown.len() {
            0 => String::new(),
            more => self.wrapped(
                2,
                &format!(
                    "- {} more names are in the report",
                    number::count(more as u64)
                ),
            ),
        };
        let mut lines = table.lines(self.table_width, self.color).into_iter();
        let heading = self.heading(&lines.next().unwrap_or_default());
        heading + &lines.map(|line| line + "\n").collect::<String>() + &more
    }

    fn request_row(&self, stats: &RequestStats) -> Vec<Cell> {
        let setup = match stats.kind {
            NameKind::Start => "[on_start] ",
            _ if stats.setup => "[setup] ",
            _ => "",
        };
        let name = if stats.method.is_empty() {
            "all requests".to_owned()
        } else {
            format!("{setup}{} {}", stats.method, stats.name)
        };
        let failed = stats
            .error_rate
            .map_or_else(|| "–".to_owned(), number::percent);
        let style = if stats.failures > 0 {
            style_of(Grade::Critical)
        } else {
            Style::new()
        };
        let response = &stats.response_ms;
        let ranked = stats.unanswered > 0;
        let rate = stats.throughput_rps;
        let mut cells = vec![
            Cell::plain(one_line(&name)),
            Cell::plain(number::count(stats.requests)),
            Cell::styled(&failed, style),
            Cell::plain(rate.map_or_else(String::new, number::rate)),
        ];
        let mut times = vec![
            (response.p50, ranked),
            (response.p95, ranked),
            (response.p99, ranked),
        ];
        if self.width >= SERVICE_FROM {
            let service = &stats.service_ms;
            times.extend([(response.p99_9, ranked), (response.max, ranked)]);
            times.extend([(service.p50, false), (service.p99, false)]);
        } else {
            times.push((response.max, ranked));
        }
        let times = times.into_iter();
        cells.extend(times.map(|(value, ranked)| Cell::plain(measured(stats, value, ranked))));
        cells
    }
}

/// Names to show, in the order of the scenario: with very many names, those with failures and the slow ones.
fn standing_out(all: &[RequestStats]) -> Vec<&RequestStats> {
    let mut ranked: Vec<(usize, &RequestStats)> = all.iter().enumerate().collect();
    ranked.sort_by(|(_, a), (_, b)| {
        let slow = |stats: &RequestStats| stats.response_ms.p95.unwrap_or(0.0);
        let failed = b.failures.cmp(&a.failures);
        failed.then(slow(b).total_cmp(&slow(a)))
    });
    ranked.truncate(NAMES_MAX);
    ranked.sort_by_key(|(at, _)| *at);
    ranked.into_iter().map(|(_, stats)| stats).collect()
}
