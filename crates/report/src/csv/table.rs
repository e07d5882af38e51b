//! CSV tables and the format of their cells.

use crate::number;

/// A table as CSV text.
pub(super) struct Table {
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    pub(super) fn new<C: AsRef<[u8]>>(columns: &[C]) -> Self {
        Self::ending_lines_with(csv::Terminator::Any(b'\n'), columns)
    }

    pub(super) fn ending_lines_with<C: AsRef<[u8]>>(
        terminator: csv::Terminator,
        columns: &[C],
    ) -> Self {
        let mut writer = csv::WriterBuilder::new();
        let mut table = Self {
            writer: writer.terminator(terminator).from_writer(Vec::new()),
        };
        table.row(columns);
        table
    }

    pub(super) fn row<C: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.writer
            .write_record(cells)
            .expect("rows as long as the header, written to memory");
    }

    pub(super) fn into_text(self) -> String {
        let bytes = self.writer.into_inner().expect("memory takes everything");
        String::from_utf8(bytes).expect("cells are texts")
    }
}

/// Text that no spreadsheet interprets as a formula, without control characters.
pub(super) fn text(cell: &str) -> String {
    let is_kept = |letter| number::is_shown(letter) || letter == '\n';
    let shown = |letter| if is_kept(letter) { letter } else { ' ' };
    let shown: String = cell.chars().map(shown).collect();
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{shown}")
    } else {
        shown
    }
}

/// A number with at most three decimals; empty if it is not known.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    })
}

pub(super) fn megabytes(bytes: Option<u64>) -> String {
    number(bytes.map(|bytes| bytes as f64 / 1e6))
}

pub(super) fn count(value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
