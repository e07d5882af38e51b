//! A run record and its verdict as terminal text, HTML, CSV, JSON, Markdown and JUnit.
//!
//! Each format is a function of a [`Judged`] run, such as [`html()`], [`terminal()`], [`summary_json`] and [`markdown()`].
//! All functions return text; the caller writes it. Figures that several formats show are computed once, in `request_stats`
//! and `resource_stats`.

mod ab_report;
mod checks;
mod comparison;
pub mod csv;
mod history;
mod html;
mod judged;
mod markdown;
mod number;
mod progress_line;
mod request_stats;
mod resource_stats;
pub mod stream;
mod summary;
mod terminal;
mod time_buckets;
mod wording;

pub use ab_report::{
    AbReport, AbRunInfo, COMPARISON_SCHEMA_VERSION, ab_progress_line, ab_report_json,
};
pub use checks::{Checks, github, junit};
pub use history::{HistoryRun, RunConditions, RunHistory};
pub use html::ab_report::html_of_ab_report;
pub use html::{html, html_of_history};
pub use judged::Judged;
pub use markdown::{markdown, markdown_of_ab_summary};
pub use progress_line::{Progress, progress_line};
pub use summary::{SCHEMA_VERSION, summary_json};
pub use terminal::baselines::{terminal_of_baseline, terminal_of_baselines};
pub use terminal::comparison::{terminal_of_ab_summary, terminal_of_baseline_comparison};
pub use terminal::history::terminal_of_history;
pub use terminal::{UNBOUNDED, terminal, terminal_last_line, terminal_of_all};
