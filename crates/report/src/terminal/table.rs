//! A table of the terminal: the first column to the left and shortened where there is no room, the
//! others to the right, but the last one where it holds words.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GAP: usize = 2;
/// The first column is never narrower.
const FIRST_MIN: usize = 12;

pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(super) fn plain(text: String) -> Self {
        Self {
            text,
            style: Style::new(),
        }
    }

    pub(super) fn styled(text: &str, style: Style) -> Self {
        Self {
            text: text.to_owned(),
            style,
        }
    }
}

pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        let head = columns
            .iter()
            .map(|column| Cell::plain((*column).to_owned()))
            .collect();
        Self { rows: vec![head] }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The head and the rows, none wider than `width` unless the numbers alone are.
    pub(super) fn lines(&self, width: usize, colour: bool) -> Vec<String> {
        let columns = self.rows[0].len();
        let mut widths: Vec<usize> = (0..columns)
            .map(|at| {
                self.rows
                    .iter()
                    .map(|row| row[at].text.width())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let others: usize = widths[1..].iter().map(|width| width + GAP).sum();
        widths[0] = widths[0].min(width.saturating_sub(others).max(FIRST_MIN));
        self.rows
            .iter()
            .map(|row| line(row, &widths, colour))
            .collect()
    }
}

fn line(row: &[Cell], widths: &[usize], colour: bool) -> String {
    let mut line = String::new();
    for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
        let text = if at == 0 {
            shortened(&cell.text, *width)
        } else {
            cell.text.clone()
        };
        let padding = " ".repeat(width.saturating_sub(text.width()));
        let gap = " ".repeat(if at > 0 { GAP } else { 0 });
        let painted = if colour && cell.style != Style::new() {
            format!("{}{text}{:#}", cell.style, cell.style)
        } else {
            text
        };
        if at == 0 {
            line += &format!("{painted}{padding}");
        } else {
            line += &format!("{gap}{padding}{painted}");
        }
    }
    line
}

/// A text of at most so many columns: what does not fit is left out of its middle.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let head = (width.saturating_sub(1)) / 2;
    let tail = width.saturating_sub(1).saturating_sub(head);
    let mut begin = String::new();
    for letter in text.chars() {
        if begin.width() + letter.width().unwrap_or(0) > head {
            break;
        }
        begin.push(letter);
    }
    let mut end: Vec<char> = Vec::new();
    let mut used = 0;
    for letter in text.chars().rev() {
        let wide = letter.width().unwrap_or(0);
        if used + wide > tail {
            break;
        }
        used += wide;
        end.push(letter);
    }
    begin + "…" + &end.into_iter().rev().collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_loses_its_middle() {
        assert_eq!(shortened("abcdefghij", 10), "abcdefghij");
        assert_eq!(shortened("abcdefghijk", 10), "abcd…ghijk");
        assert!(shortened("日本語日本語", 7).width() <= 7);
    }

    #[test]
    fn lines_fit_and_numbers_stand_below_each_other() {
        let mut table = Table::new(&["name", "n"]);
        table.row(vec![Cell::plain("a".repeat(50)), Cell::plain("1".into())]);
        table.row(vec![Cell::plain("b".into()), Cell::plain("1,000".into())]);
        let lines = table.lines(30, false);
        assert!(lines.iter().all(|line| line.width() == 30), "{lines:?}");
        assert!(lines[1].ends_with("    1") && lines[2].ends_with("1,000"));
    }
}
