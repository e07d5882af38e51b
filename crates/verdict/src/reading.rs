//! Readings: which second one tells of.

/// A reading may come so much after the second that it tells of.
const READ_LATE_MS: u64 = 500;

/// The second of the run that a reading tells of: the one that has just ended. `None` where none has.
pub(crate) fn second_told(at_ms: u64) -> Option<usize> {
    let since_ms = at_ms.checked_sub(READ_LATE_MS)?;
    usize::try_from(since_ms / 1_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_tells_of_the_second_that_has_just_ended() {
        for (at_ms, second) in [
            (20, None),
            (499, None),
            (990, Some(0)),
            (1_000, Some(0)),
            (1_499, Some(0)),
            (1_500, Some(1)),
            (2_010, Some(1)),
        ] {
            assert_eq!(second_told(at_ms), second, "{at_ms} ms");
        }
    }
}
