//! Minimum, median and maximum of repeated measurements.

/// Minimum, median and maximum.
pub(super) struct SummaryStats {
    pub(super) min: f64,
    pub(super) median: f64,
    pub(super) max: f64,
}

impl SummaryStats {
    /// Computes the statistics of the values; NaN if there are no values.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self {
            min: at(0),
            median: f64::midpoint(at(last / 2), at(last.div_ceil(2))),
            max: at(last),
        }
    }

    /// Three cells of a Markdown table with this number of decimals.
    pub(super) fn cells(&self, decimals: usize) -> String {
        let Self { min, median, max } = self;
        format!("{min:.decimals$} | {median:.decimals$} | {max:.decimals$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_show_minimum_median_and_maximum() {
        let cells = |values: &[f64]| SummaryStats::of(values.iter().copied()).cells(1);
        assert_eq!(cells(&[3.0, 1.0, 2.0, 5.0, 4.0]), "1.0 | 3.0 | 5.0");
        assert_eq!(cells(&[4.0, 1.0]), "1.0 | 2.5 | 4.0");
        assert_eq!(cells(&[7.0]), "7.0 | 7.0 | 7.0");
        assert_eq!(cells(&[]), "NaN | NaN | NaN");
    }
}
