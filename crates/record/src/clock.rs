//! The run's clock: nanoseconds since the load started, and conversions to and from them. All of them saturate.

use std::time::Duration;

/// Longest possible run, in seconds: a year.
pub(crate) const SECONDS_MAX: u32 = 366 * 86_400;

/// Second of the run's clock that contains a moment, from 0.
pub fn second_of(ns: u64) -> u32 {
    u32::try_from(ns / 1_000_000_000).unwrap_or(u32::MAX)
}

/// Nanoseconds of a duration.
pub fn duration_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Whole milliseconds of a duration.
pub fn duration_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Nearest number of nanoseconds to a number of seconds; 0 for negative numbers and NaN. From 2^52 ns (52 days) on,
/// where an `f64` is no more precise than that, the result may be one nanosecond off.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates"
)]
pub fn seconds_to_ns(seconds: f64) -> u64 {
    // Each arrival is converted, and `round` is a call into the C library.
    (seconds * 1e9 + 0.5) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_round_and_saturate() {
        assert_eq!(second_of(999_999_999), 0);
        assert_eq!(second_of(u64::MAX), u32::MAX);
        assert_eq!(duration_ns(Duration::MAX), u64::MAX);
        assert_eq!(duration_ms(Duration::from_micros(1_999)), 1);
        for (seconds, ns) in [
            (-1.0, 0),
            (f64::NAN, 0),
            (0.4e-9, 0),
            (0.6e-9, 1),
            (1.234_567_890_4, 1_234_567_890),
            (1.234_567_890_6, 1_234_567_891),
            (1e30, u64::MAX),
        ] {
            assert_eq!(seconds_to_ns(seconds), ns, "{seconds} s");
        }
    }
}
