//! Terminal tables: the first column is left-aligned, the others are right-aligned. In a narrow terminal optional columns are
//! omitted, and then texts of the first column are shortened.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const GAP: usize = 2;
/// Minimum width of the first column.
const FIRST_MIN: usize = 12;
/// Optional columns are omitted before the first column becomes narrower than this.
const FIRST_FAIR: usize = 24;

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

pub(super) struct Table<'a> {
    rows: Vec<Vec<Cell>>,
    /// Titles of optional columns, the least important first.
    spare: &'a [&'a str],
}

impl<'a> Table<'a> {
    pub(super) fn new(columns: &[&str]) -> Self {
        let head = columns
            .iter()
            .map(|column| Cell::plain((*column).to_owned()))
            .collect();
        Self {
            rows: vec![head],
            spare: &[],
        }
    }

    /// Declares optional columns, the least important first.
    pub(super) fn sparing(mut self, titles: &'a [&'a str]) -> Self {
        self.spare = titles;
        self
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Header and rows, at most `width` wide unless the numbers alone are wider.
    pub(super) fn lines(&self, width: usize, color: bool) -> Vec<String> {
        let mut widths: Vec<usize> = (0..self.rows[0].len())
            .map(|at| {
                let cells = self.rows.iter().map(|row| row[at].text.width());
                cells.max().unwrap_or(0)
            })
            .collect();
        let mut shown: Vec<usize> = (0..widths.len()).collect();
        let others = |shown: &[usize], widths: &[usize]| -> usize {
            shown[1..].iter().map(|at| widths[*at] + GAP).sum()
        };
        let fair = widths[0].clamp(FIRST_MIN, FIRST_FAIR);
        for title in self.spare {
            if fair + others(&shown, &widths) <= width {
                break;
            }
            shown.retain(|at| self.rows[0][*at].text != *title);
        }
        let room = width.saturating_sub(others(&shown, &widths)).max(FIRST_MIN);
        widths[0] = widths[0].min(room);
        let first: Vec<&str> = self.rows.iter().map(|row| row[0].text.as_str()).collect();
        let first = shortened_apart(&first, widths[0]);
        self.rows
            .iter()
            .zip(first)
            .map(|(row, first)| line(row, first, &shown, &widths, color))
            .collect()
    }
}

fn line(row: &[Cell], first: String, shown: &[usize], widths: &[usize], color: bool) -> String {
    let mut line = String::new();
    let mut first = Some(first);
    for at in shown {
        let (cell, width) = (&row[*at], widths[*at]);
        let is_first = first.is_some();
        let text = first.take().unwrap_or_else(|| cell.text.clone());
        let padding = " ".repeat(width.saturating_sub(text.width()));
        let painted = if color && cell.style != Style::new() {
            format!("{}{text}{:#}", cell.style, cell.style)
        } else {
            text
        };
        if is_first {
            line += &format!("{painted}{padding}");
        } else {
            line += &format!("{:GAP$}{padding}{painted}", "");
        }
    }
    line
}

/// Shortens a text to a width by omitting its middle.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    without(text, width, width.saturating_sub(1) / 2)
}

/// Shortens texts to a width so that they stay distinct, if omitting the same position in all of them achieves that.
fn shortened_apart(texts: &[&str], width: usize) -> Vec<String> {
    let middle = width.saturating_sub(1) / 2;
    let cut = |head: usize| -> Vec<String> {
        let cut = texts.iter().map(|text| without(text, width, head));
        cut.collect()
    };
    let distinct = |texts: &[String]| {
        let mut all: Vec<&String> = texts.iter().collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    // Prefer positions near the middle.
    let heads = (0..=middle).flat_map(|off| [middle - off, middle + off]);
    let heads = heads.filter(|head| *head < width);
    let mut best = cut(middle);
    let (mut most, whole) = (distinct(&best), {
        let whole: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        distinct(&whole)
    });
    for head in heads {
        if most == whole {
            break;
        }
        let other = cut(head);
        let apart = distinct(&other);
        if apart > most {
            (best, most) = (other, apart);
        }
    }
    best
}

/// Shortens a text to a width: its first `head` columns, and its end.
fn without(text: &str, width: usize, head: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
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
    fn texts_that_are_shortened_stay_apart() {
        let paths = [
            "/api/v1/items/1/parts/latest",
            "/api/v1/items/2/parts/latest",
        ];
        assert_eq!(
            shortened_apart(&paths, 20),
            ["/api/…1/parts/latest", "/api/…2/parts/latest"]
        );
        let ends = ["/a/very/long/path/to/one", "/a/very/long/path/to/two"];
        assert_eq!(shortened_apart(&ends, 11), ["/a/ve…o/one", "/a/ve…o/two"]);
        assert_eq!(
            shortened_apart(&["/same/same", "/same/same"], 5),
            ["/s…me", "/s…me"]
        );
    }

    #[test]
    fn columns_that_may_go_do_so_before_numbers_wrap() {
        let mut table = Table::new(&["name", "count", "p50", "max"]).sparing(&["max", "p50"]);
        let cells = ["GET /items/{id}/parts", "1,000", "12.3 ms", "345 ms"];
        table.row(cells.map(|cell| Cell::plain(cell.to_owned())).into());
        assert_eq!(
            table.lines(usize::MAX, false)[1],
            "GET /items/{id}/parts  1,000  12.3 ms  345 ms"
        );
        assert_eq!(
            table.lines(40, false)[1],
            "GET /items/{id}/parts  1,000  12.3 ms"
        );
        assert_eq!(table.lines(30, false)[1], "GET /items/{id}/parts  1,000");
        assert_eq!(table.lines(20, false)[1], "GET /i…/parts  1,000");
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
