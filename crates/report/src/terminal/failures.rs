//! Kinds of failures with examples, and metrics that the monitor could not read.

use anstyle::Style;
use brunt_verdict::Grade;

use super::page::{Page, style_of};
use super::table;
use crate::Judged;
use crate::number::{self, one_line};

/// The number of kinds of failures that are shown; the report has all.
const FAILURES_MAX: usize = 20;

impl Page {
    pub(super) fn failures(&self, run: &Judged) -> String {
        let failures = run.record.timeline.failures();
        if failures.is_empty() {
            return String::new();
        }
        let mut text = self.heading("Failures");
        let mut failures: Vec<_> = failures.iter().collect();
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
        for failure in failures.iter().take(FAILURES_MAX) {
            let name = &run.record.header.names[failure.name.index()];
            let name = format!("{} {}", name.method, name.title());
            let count = number::count(failure.count);
            let what = format!("{count} × {}  {}", failure.in_words(), one_line(&name));
            let what = table::shortened(&what, self.table_width.saturating_sub(2));
            text += &format!("  {}\n", self.painted(style_of(Grade::Critical), &what));
            if let Some(example) = &failure.example {
                text += &self.wrapped(4, example);
            }
        }
        if failures.len() > FAILURES_MAX {
            let more = failures.len() - FAILURES_MAX;
            text += &self.wrapped(
                2,
                &format!("- {more} more kinds of failures are in the report"),
            );
        }
        text
    }

    /// Metrics that the monitor could not read.
    pub(super) fn unseen(&self, run: &Judged) -> String {
        let mut text = String::new();
        for (whose, what) in run.record.unavailable() {
            let words = format!(
                "Not measured for {}: {}",
                whose.description(),
                what.join("; ")
            );
            for line in self.wrapped(0, &words).lines() {
                text += &format!("{}\n", self.painted(Style::new().dimmed(), line));
            }
        }
        if text.is_empty() {
            text
        } else {
            format!("\n{text}")
        }
    }
}
