//! Parsers for sizes and for sizes per time.

/// A number of bytes per duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PerTime {
    pub(crate) bytes: f64,
    pub(crate) seconds: f64,
}

const SIZES: [(&str, f64); 5] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("B", 1.0),
];

const TIMES: [(&str, f64); 3] = [("min", 60.0), ("h", 3_600.0), ("s", 1.0)];

/// Parses a size such as `4KiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 to 2^53"
    )]
    measured(text, &SIZES)
        .filter(|bytes| (0.0..=9e15).contains(bytes))
        .map(|bytes| bytes as u64)
        .ok_or_else(|| format!("invalid size '{text}': must be like 4KiB or 20MB"))
}

/// Parses a size per time such as `2MB/min` or `20MB/60s`.
pub(crate) fn per_time(text: &str) -> Result<PerTime, String> {
    let parsed = text.split_once('/').and_then(|(size, time)| {
        let bytes = measured(size, &SIZES)?;
        let seconds = measured(time, &TIMES).filter(|seconds| *seconds > 0.0)?;
        Some(PerTime { bytes, seconds })
    });
    parsed
        .ok_or_else(|| format!("invalid size per time '{text}': must be like 2MB/min or 20MB/60s"))
}

/// Parses a number and its unit; a unit alone is one of it.
fn measured(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    units.iter().find_map(|(unit, factor)| {
        let number = match text.strip_suffix(unit)? {
            "" => 1.0,
            number => number.parse().ok()?,
        };
        Some(number * factor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(bytes("4KiB"), Ok(4096));
        assert_eq!(bytes("100B"), Ok(100));
        for (text, size, time_s) in [("2MB/min", 2e6, 60.0), ("20MB/60s", 2e7, 60.0)] {
            let found = per_time(text).unwrap();
            assert!((found.bytes - size).abs() < 1.0 && (found.seconds - time_s).abs() < 1e-9);
        }
        for wrong in ["4", "KB", "2MB/0s", "2MB", "2MB/day"] {
            assert!(per_time(wrong).is_err(), "{wrong}");
        }
    }
}
