//! Conversions of floats to whole numbers.

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and moments of a run are not negative"
)]
pub(crate) fn whole_number(value: f64) -> usize {
    value as usize
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and durations are not negative"
)]
pub(crate) fn in_ns(ms: f64) -> u64 {
    (ms * 1e6) as u64
}
