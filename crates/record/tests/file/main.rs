//! The record file: it can be read up to its last complete frame, whatever its bytes are.

#![expect(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "values are read exactly as they were written"
)]

mod damage;
mod docs;
mod hostile;
mod known;
mod reading;
