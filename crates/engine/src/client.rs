//! The HTTP client of a user: exchanges with redirects, cookies and checks, and the recording of samples.

mod checks;
pub(crate) mod context;
mod cookie_date;
#[cfg(test)]
mod cookie_jar_tests;
mod cookies;
pub(crate) mod exchange;
pub(crate) mod failure_example;
mod parser_thread;
pub(crate) mod recorder;
#[cfg(test)]
mod redaction_tests;
mod redirects;
mod request_sender;
pub(crate) mod session;
pub(crate) mod trace;
