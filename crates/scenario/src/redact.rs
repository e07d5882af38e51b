//! Redaction: secret values, which no report, screen or file of brunt may show, in any encoding, and secret names.

mod encodings;
mod named;
mod names;
mod secrets;

pub(crate) use named::{is_before_secret, is_expression, literals};
pub use names::is_sensitive_name;
pub use secrets::{MASK, Secrets};
