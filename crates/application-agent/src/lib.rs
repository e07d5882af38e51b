//! The Application Agent: a service that watches the quality of LLM answers. It ships with brunt as the
//! service under test, and stands alone.
//!
//! JSON over HTTP. Answers are computed from the analyses that were kept, by running sums; memory is
//! bounded by the retention. State lies in SQLite, in a file or in memory.

#![expect(
    clippy::print_stderr,
    reason = "a service says on standard error what went wrong"
)]

mod agent;
mod analysis;
mod baseline;
mod error;
mod history;
mod input;
mod routes;
mod scoring;
mod state;
mod store;
mod usage;
mod validation;

pub use agent::{Agent, RETENTION_DEFAULT, Settings};
pub use error::AgentError;
pub use store::Database;
