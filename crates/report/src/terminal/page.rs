//! Formatting of terminal text: width, colors, headings, wrapped lines.

use anstyle::{AnsiColor, Style};
use brunt_verdict::{Grade, RunResult};
use unicode_width::UnicodeWidthStr;

use super::table::Table;
use crate::number::one_line;

/// Maximum width of text; wider lines are hard to read.
pub(super) const WIDTH_MAX: usize = 140;
/// Words that are not separated from the preceding number.
const UNITS: [&str; 7] = ["%", "ms", "s", "min", "h", "MB", "req/s"];

/// Width of text that is not for a terminal: no name is shortened.
pub const UNBOUNDED: usize = usize::MAX;

/// Width and colors of a text.
pub(super) struct Page {
    pub(super) width: usize,
    /// The largest width of tables.
    pub(super) table_width: usize,
    pub(super) color: bool,
}

/// Style of a grade, which is always shown with its text.
pub(super) fn style_of(grade: Grade) -> Style {
    let color = match grade {
        Grade::Good => AnsiColor::Green,
        Grade::Acceptable => AnsiColor::Cyan,
        Grade::Poor => AnsiColor::Red,
        Grade::Critical => {
            return Style::new()
                .bold()
                .fg_color(Some(AnsiColor::BrightRed.into()));
        }
        Grade::Inconclusive => AnsiColor::Yellow,
        Grade::NotApplicable => return Style::new().dimmed(),
    };
    Style::new().fg_color(Some(color.into()))
}

/// The style of a result.
pub(super) fn style_of_result(result: RunResult) -> Style {
    match result {
        RunResult::Graded(Grade::NotApplicable) | RunResult::NoTargets => Style::new(),
        RunResult::Graded(grade) => style_of(grade),
        RunResult::NoResponse => style_of(Grade::Critical),
        RunResult::Invalid => Style::new().fg_color(Some(AnsiColor::Magenta.into())),
    }
}

impl Page {
    pub(super) fn new(width: usize, color: bool) -> Self {
        let bounded = width.min(WIDTH_MAX);
        Self {
            width: bounded,
            table_width: if width == UNBOUNDED { width } else { bounded },
            color,
        }
    }

    pub(super) fn painted(&self, style: Style, text: &str) -> String {
        if self.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn heading(&self, text: &str) -> String {
        format!("\n{}\n", self.painted(Style::new().bold(), text))
    }

    pub(super) fn wrapped(&self, indent: usize, text: &str) -> String {
        let mut lines = String::new();
        let mut line = String::new();
        let room = self.width.saturating_sub(indent).max(20);
        for word in unbroken(&one_line(text), room) {
            if !line.is_empty() && line.width() + 1 + word.width() > room {
                lines += &format!("{:indent$}{line}\n", "");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines + &format!("{:indent$}{line}\n", "")
    }

    /// A table, its first row as a heading.
    pub(super) fn lines(&self, table: &Table) -> String {
        let mut lines = table.lines(self.table_width, self.color).into_iter();
        let heading = self.heading(&lines.next().unwrap_or_default());
        heading + &lines.map(|line| line + "\n").collect::<String>()
    }

    /// A note with a dash.
    pub(super) fn listed(&self, sentence: &str) -> String {
        let lines = self.wrapped(4, sentence);
        format!("  - {}", lines.trim_start())
    }
}

/// Words of a text. A number and its unit are one word, as is text between backticks if it fits into `room`.
fn unbroken(text: &str, room: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let opens = |word: &str| word.matches('`').count() % 2 == 1;
    for word in text.split_whitespace() {
        if let Some(last) = words.last_mut() {
            let is_number = last.ends_with(|letter: char| letter.is_ascii_digit());
            let is_unit = UNITS.contains(&word.trim_end_matches([',', '.', ';', ')']));
            let is_code = opens(last) && last.width() + 1 + word.width() <= room;
            if is_number && is_unit || is_code {
                last.push(' ');
                last.push_str(word);
                continue;
            }
        }
        words.push(word.to_owned());
    }
    words
}
