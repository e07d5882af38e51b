//! The progress line: the state of a run in one line of the terminal.

use anstyle::{AnsiColor, Style};
use brunt_record::{
    Distribution, Load, LoadStage, Measure, PercentileValue, RunRecord, Scope, SearchPhase,
};
use brunt_verdict::search::Bracket;
use brunt_verdict::search::Rates;
use unicode_width::UnicodeWidthStr;

use crate::number;

/// Number of last seconds for throughput and percentiles.
const LAST_S: usize = 3;

/// Minimum number of stages from which on the current one is numbered.
const STAGES_NUMBERED: usize = 3;

/// Progress of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    profile: String,
    elapsed_s: f64,
    planned_s: f64,
    phase: Option<String>,
    users: u32,
    /// Offered requests per second in the open model.
    offered_rps: Option<f64>,
    rps: f64,
    failures: u64,
    p95: Option<PercentileValue>,
    in_flight: u32,
    oldest_in_flight_ms: Option<u64>,
    search: Option<SearchProgress>,
    /// The targets that keep a run going beyond its planned end.
    undecided: Vec<String>,
}

/// Progress of a search; levels are in requests per second, or in users.
#[derive(Debug, Clone, PartialEq)]
struct SearchProgress {
    part: SearchPhase,
    level: f64,
    unit: &'static str,
    holds: Option<f64>,
    breaks: Option<f64>,
}

impl SearchProgress {
    fn of(record: &RunRecord, elapsed_s: f64) -> Option<Self> {
        let load = &record.header.load;
        let asked = load.search?;
        let started = record
            .levels()
            .filter(|level| level.from_ms as f64 / 1e3 <= elapsed_s)
            .last();
        let (part, level) = started.map_or((SearchPhase::Probe, asked.from), |level| {
            (level.phase, level.level)
        });
        Some(Self {
            part,
            level: Rates::of(record).rate(level),
            unit: if load.open.is_some() {
                "req/s"
            } else {
                "users"
            },
            holds: None,
            breaks: None,
        })
    }

    /// Offered load, and its purpose.
    fn level(&self) -> String {
        let level = format!("{} {}", in_digits(self.level), self.unit);
        match self.part {
            SearchPhase::Probe => format!("probing {level}"),
            SearchPhase::Trial => format!("testing {level}"),
            SearchPhase::Drain => "draining the backlog".into(),
            SearchPhase::PreSpike => format!("before the spike: {level}"),
            SearchPhase::Spike => format!("spike: {level}"),
            SearchPhase::Recovery => format!("after the spike: {level}"),
        }
    }

    /// Between which levels it breaks, as far as is known.
    fn bracket(&self) -> Option<String> {
        match (self.holds.map(in_digits), self.breaks.map(in_digits)) {
            (Some(holds), Some(breaks)) => Some(format!("holds {holds}, breaks {breaks}")),
            (Some(holds), None) => Some(format!("holds {holds}")),
            (None, Some(breaks)) => Some(format!("breaks {breaks}")),
            (None, None) => None,
        }
    }
}

/// A level in whole numbers; low rates have decimals.
fn in_digits(level: f64) -> String {
    if level < 10.0 && level.fract() > 0.0 {
        return number::rate(level);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and levels are not negative"
    )]
    let whole = level.round() as u64;
    number::count(whole)
}

/// Stage of the plan at a time: its number, and whether it ramps up, holds or ramps down.
fn phase(load: &Load, at_s: f64) -> Option<String> {
    if load.search.is_some() {
        return None;
    }
    let stages: Vec<&LoadStage> = load
        .stages
        .iter()
        .filter(|stage| stage.seconds > 0.0)
        .collect();
    let mut end_s = 0.0;
    let started = stages.iter().position(|stage| {
        end_s += stage.seconds;
        at_s < end_s
    });
    let Some(at) = started else {
        return Some("draining".to_owned());
    };
    let what = match stages[at].to - stages[at].from {
        rise if rise > 0.0 => "ramp up",
        fall if fall < 0.0 => "ramp down",
        _ => "hold",
    };
    let number = (stages.len() >= STAGES_NUMBERED).then(|| format!("{}/{} ", at + 1, stages.len()));
    Some(number.unwrap_or_default() + what)
}

impl Progress {
    /// Progress of a run after `elapsed_s` seconds.
    pub fn of(record: &RunRecord, elapsed_s: f64) -> Self {
        let timeline = &record.timeline;
        let seconds = timeline.seconds();
        let recent = seconds.recent();
        let last = &recent[recent.len().saturating_sub(LAST_S)..];
        let mut waits = Distribution::default();
        let intervals = timeline.intervals();
        for interval in intervals.saturating_sub(LAST_S)..intervals {
            let part = timeline.distribution_at(interval, Scope::All, Measure::Response);
            waits.ok.merge(&part.ok);
            waits.unanswered += part.unanswered;
        }
        let now = recent.iter().rev().find(|second| second.users.is_some());
        // Beyond the planned end show the remaining time to the maximum duration.
        let load = match &record.header.load {
            load if elapsed_s < load.duration_s() => load.clone(),
            load => load.extended_to_limit(),
        };
        Self {
            profile: record.header.profile.clone(),
            elapsed_s,
            planned_s: load.duration_s(),
            phase: phase(&load, elapsed_s),
            offered_rps: load.open.map(|_| {
                let level = load.level_at(elapsed_s);
                Rates::of(record).rate(level)
            }),
            users: now.and_then(|second| second.users).unwrap_or(0),
            rps: last.iter().map(|second| second.ok).sum::<u64>() as f64 / last.len().max(1) as f64,
            failures: seconds.not_ok(),
            p95: waits.percentile(0.95),
            in_flight: now.and_then(|second| second.in_flight).unwrap_or(0),
            oldest_in_flight_ms: now.and_then(|second| second.oldest_in_flight_ms),
            search: SearchProgress::of(record, elapsed_s),
            undecided: Vec::new(),
        }
    }

    /// With the targets that keep the run going.
    #[must_use]
    pub fn with_undecided(mut self, titles: &[String]) -> Self {
        self.undecided = titles.to_vec();
        self
    }

    /// With what a search has found so far.
    #[must_use]
    pub fn with_bracket(mut self, record: &RunRecord, bracket: &Bracket) -> Self {
        let rates = Rates::of(record);
        if let Some(search) = &mut self.search {
            search.holds = bracket.holds.map(|level| rates.rate(level));
            search.breaks = bracket.breaks.map(|level| rates.rate(level));
        }
        self
    }
}

/// Waits for a response are shown from this duration on, in milliseconds.
const STALL_MS: u64 = 1000;

/// Progress line of at most `width` columns. Parts that do not fit are omitted, the least important first.
pub fn progress_line(progress: &Progress, width: usize, color: bool) -> String {
    let mut line = String::new();
    let mut used = 0;
    for (style, part) in parts(progress) {
        let separator = if used > 0 { " · " } else { "" };
        let needed = separator.width() + part.width();
        if used + needed > width {
            continue;
        }
        used += needed;
        line.push_str(separator);
        if color && style != Style::new() {
            line.push_str(&format!("{style}{part}{style:#}"));
        } else {
            line.push_str(&part);
        }
    }
    line
}

/// Parts of the line, the most important first.
fn parts(progress: &Progress) -> Vec<(Style, String)> {
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let plain = Style::new();
    let left_s = (progress.planned_s - progress.elapsed_s).max(0.0).ceil();
    let left = number::moment(left_s, left_s);
    let left = if progress.undecided.is_empty() {
        format!("{left} left")
    } else {
        format!("at most {left} left")
    };
    let profile = number::one_line(&progress.profile);
    let users = match progress.offered_rps {
        Some(rate) => format!("{} req/s offered", in_digits(rate)),
        None => format!("{} users", number::count(progress.users.into())),
    };
    let rate = format!("{} req/s", number::rate(progress.rps));
    let failures = format!("{} failed", number::count(progress.failures));
    let of_failures = if progress.failures > 0 { red } else { plain };
    let p95 = match progress.p95 {
        None => "p95 –".to_owned(),
        Some(PercentileValue::Unanswered) => "p95 no response".to_owned(),
        Some(waited) => format!("p95 {}", number::ms(waited.ms().unwrap_or(0.0))),
    };
    let mut parts = vec![(
        plain,
        match &progress.phase {
            Some(phase) => format!("{profile} {phase}, {left}"),
            None => format!("{profile} {left}"),
        },
    )];
    let stalled = progress
        .oldest_in_flight_ms
        .filter(|oldest_in_flight_ms| *oldest_in_flight_ms >= STALL_MS);
    if let Some(oldest_in_flight_ms) = stalled {
        let oldest = number::ms(oldest_in_flight_ms as f64);
        let stall = format!("{} in flight, the oldest for {oldest}", progress.in_flight);
        parts.push((red, stall));
    }
    if !progress.undecided.is_empty() {
        let titles = progress
            .undecided
            .iter()
            .map(|title| number::one_line(title));
        let titles: Vec<String> = titles.collect();
        parts.push((plain, format!("undecided: {}", titles.join(", "))));
    }
    let Some(search) = &progress.search else {
        let rest = [(plain, users), (plain, rate), (of_failures, failures)];
        parts.extend(rest.into_iter().chain([(plain, p95)]));
        return parts;
    };
    // The offered load of a search is shown above.
    parts.push((plain, search.level()));
    parts.extend(search.bracket().map(|bracket| (plain, bracket)));
    parts.extend([
        (plain, p95),
        (of_failures, failures),
        (plain, format!("{rate} succeeded")),
    ]);
    parts
}
