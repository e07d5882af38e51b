//! The spread of some figures.

/// Smallest, median and largest.
pub(super) struct SummaryStats {
    pub(super) min: f64,
    pub(super) median: f64,
    pub(super) max: f64,
}

impl SummaryStats {
    /// Of these; not a number where there are none.
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or(f64::NAN);
        let last = figures.len().saturating_sub(1);
        Self {
            min: at(0),
            median: f64::midpoint(at(last / 2), at(last.div_ceil(2))),
            max: at(last),
        }
    }

    /// As three cells of a table, with so many digits.
    pub(super) fn cells(&self, digits: usize) -> String {
        let Self { min, median, max } = self;
        format!("{min:.digits$} | {median:.digits$} | {max:.digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        let cells = |figures: &[f64]| SummaryStats::of(figures.iter().copied()).cells(1);
        assert_eq!(cells(&[3.0, 1.0, 2.0, 5.0, 4.0]), "1.0 | 3.0 | 5.0");
        assert_eq!(cells(&[4.0, 1.0]), "1.0 | 2.5 | 4.0");
        assert_eq!(cells(&[7.0]), "7.0 | 7.0 | 7.0");
        assert_eq!(cells(&[]), "NaN | NaN | NaN");
    }
}
