//! The record file: what is written is read, up to the last whole frame, and nothing else breaks it.

#![expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "tests of bytes: what is read is what was written, to the bit"
)]

mod damage;
mod docs;
mod hostile;
mod known;
mod reading;
