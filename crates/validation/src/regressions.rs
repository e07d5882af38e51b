//! Regressions: slower runs are found and equal runs are not, compared with a stored baseline, in A/B tests, and in a
//! history of runs.

mod baselines;
mod histories;
mod sequential_ab;
mod trials;

use crate::row::{Effort, Row};

/// The rows of this validation.
pub fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = baselines::rows(effort);
    rows.extend(sequential_ab::rows(effort));
    rows.extend(histories::rows(effort));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_holds() {
        for row in rows(Effort::Reduced) {
            assert!(row.holds, "{row:#?}");
        }
    }
}
