//! Verdicts on whole runs.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod baselines;
mod findings;
mod grades;
mod long;
mod run;
mod sentences;
mod signals;
mod stalls;
mod stopping;
mod undecided;
mod users;
