//! Validations: simulated runs of a known truth pass through the record and the verdict like real runs, and the verdict is
//! compared with the truth. Each validation has a negative control: a variant that is deliberately wrong and must fail.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "moments of virtual time are not negative, and are converted to their second"
)]

pub mod attribution;
pub mod capacity_search;
pub mod coordinated_omission;
pub mod coverage;
pub mod leaks;
pub mod recovery;
pub mod regressions;
pub mod row;
pub mod simulated_run;
pub mod stopping;
pub mod undecided;
pub mod warm_ups;

use row::{Effort, Row};

/// Function that makes the rows of a validation.
pub type Validation = fn(Effort) -> Vec<Row>;

/// All validations by name.
pub const VALIDATIONS: [(&str, Validation); 10] = [
    ("capacity_search", capacity_search::rows),
    ("coverage", coverage::rows),
    ("attribution", attribution::rows),
    ("leaks", leaks::rows),
    ("coordinated_omission", coordinated_omission::rows),
    ("regressions", regressions::rows),
    ("recovery", recovery::rows),
    ("stopping", stopping::rows),
    ("undecided", undecided::rows),
    ("warm_ups", warm_ups::rows),
];
