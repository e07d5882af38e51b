//! The live line: where a run is, in one line of the terminal.

use anstyle::{AnsiColor, Style};
use record::{Distribution, Measure, RunRecord, Scope, Waited};
use unicode_width::UnicodeWidthStr;

use crate::number;

/// The last seconds that throughput and percentiles are taken from.
const LAST_S: usize = 3;

/// Where a run is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    profile: String,
    elapsed_s: f64,
    planned_s: f64,
    users: u32,
    rps: f64,
    failures: u64,
    p95: Option<Waited>,
    in_flight: u32,
    oldest_ms: Option<u64>,
}

impl Progress {
    /// Of a run that goes on; `elapsed_s` on its clock.
    pub fn of(record: &RunRecord, elapsed_s: f64) -> Self {
        let timeline = &record.timeline;
        let seconds = timeline.seconds();
        let last = &seconds[seconds.len().saturating_sub(LAST_S)..];
        let mut waits = Distribution::default();
        let intervals = timeline.intervals();
        for interval in intervals.saturating_sub(LAST_S)..intervals {
            let part = timeline.distribution_at(interval, Scope::All, Measure::Response);
            waits.ok.merge(&part.ok);
            waits.unanswered += part.unanswered;
        }
        let now = seconds.iter().rev().find(|second| second.users.is_some());
        Self {
            profile: record.header.profile.clone(),
            elapsed_s,
            planned_s: record.header.load.seconds(),
            users: now.and_then(|second| second.users).unwrap_or(0),
            rps: last.iter().map(|second| second.ok).sum::<u64>() as f64 / last.len().max(1) as f64,
            failures: seconds
                .iter()
                .map(|second| second.failed + second.unanswered)
                .sum(),
            p95: waits.percentile(0.95),
            in_flight: now.and_then(|second| second.in_flight).unwrap_or(0),
            oldest_ms: now.and_then(|second| second.oldest_ms),
        }
    }
}

/// An answer that is waited for longer than this is worth a word, in milliseconds.
const STALL_MS: u64 = 1000;

/// The line, at most so wide. Parts that do not fit are left out, the least important first.
pub fn live_line(progress: &Progress, width: usize, colour: bool) -> String {
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let plain = Style::new();
    let left = (progress.planned_s - progress.elapsed_s).max(0.0);
    let failures = format!("{} failed", number::count(progress.failures));
    let p95 = match progress.p95 {
        None => "p95 –".to_owned(),
        Some(Waited::NotAnswered) => "p95 not answered".to_owned(),
        Some(waited) => format!("p95 {}", number::ms(waited.ms().unwrap_or(0.0))),
    };
    let mut parts = vec![
        (
            plain,
            format!("{} {:.0} s left", number::one_line(&progress.profile), left),
        ),
        (
            plain,
            format!("{} users", number::count(progress.users.into())),
        ),
        (plain, format!("{} req/s", number::rate(progress.rps))),
        (if progress.failures > 0 { red } else { plain }, failures),
        (plain, p95),
    ];
    if let Some(oldest_ms) = progress
        .oldest_ms
        .filter(|oldest_ms| *oldest_ms >= STALL_MS)
    {
        let oldest = number::ms(oldest_ms as f64);
        let stall = format!("{} waiting, the oldest for {oldest}", progress.in_flight);
        parts.insert(1, (red, stall));
    }
    let mut line = String::new();
    let mut used = 0;
    for (style, part) in parts {
        let separator = if used > 0 { " · " } else { "" };
        let needed = separator.width() + part.width();
        if used + needed > width {
            continue;
        }
        used += needed;
        line.push_str(separator);
        if colour && style != plain {
            line.push_str(&format!("{style}{part}{style:#}"));
        } else {
            line.push_str(&part);
        }
    }
    line
}
