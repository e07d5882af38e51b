//! Application Agent: a service that monitors the quality of LLM responses. It ships with brunt as the demo service, and
//! depends on no other crate of brunt.
//!
//! The API is JSON over HTTP. Statistics are running sums over the stored analyses, and the retention bounds memory. The
//! state is in SQLite, in a file or in memory.

#![expect(
    clippy::print_stderr,
    reason = "a service prints errors to standard error"
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
