//! Redaction: values that no report, screen or file of brunt may show, found in texts in whatever encoding they have
//! there, and names that stand for them.

mod encodings;
mod named;
mod names;
mod secrets;

pub(crate) use named::{is_before_secret, is_expression, literals};
pub use names::is_sensitive_name;
pub use secrets::{MASK, Secrets};
