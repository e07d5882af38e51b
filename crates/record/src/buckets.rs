//! Histogram buckets: logarithmic, with 1,024 linear steps per octave, so that a bucket is never wider than 1/1024 of its
//! values (three significant digits, as in `HdrHistogram`).

const STEP_BITS: u32 = 10;
const STEPS: u64 = 1 << STEP_BITS;
/// Durations at or above 2^46 ns (19.5 hours) share the last bucket.
const LIMIT_NS: u64 = 1 << 46;

/// Number of buckets.
pub(crate) const COUNT: usize = (46 - STEP_BITS as usize + 1) << STEP_BITS;

/// Index of the bucket of a duration in nanoseconds.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a bucket is below COUNT, about 38,000"
)]
pub(crate) fn index(ns: u64) -> usize {
    let ns = ns.min(LIMIT_NS - 1);
    let octave = (ns | STEPS).ilog2() - STEP_BITS;
    ((u64::from(octave) << STEP_BITS) + (ns >> octave)) as usize
}

/// Longest duration of a bucket, in nanoseconds.
pub(crate) fn highest(index: usize) -> u64 {
    let index = index as u64;
    let octave = (index >> STEP_BITS).saturating_sub(1);
    let low = (index - (octave << STEP_BITS)) << octave;
    low + (1 << octave) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_contains_its_bounds_and_no_more() {
        assert_eq!(index(LIMIT_NS - 1), index(u64::MAX));
        let used = index(u64::MAX) + 1;
        assert!(used <= COUNT, "{used} buckets used of {COUNT}");
        for bucket in 0..used {
            let high = highest(bucket);
            assert_eq!(index(high), bucket);
            if bucket + 1 < used {
                assert_eq!(index(high + 1), bucket + 1);
            }
        }
    }

    #[test]
    fn bucket_is_at_most_a_1024th_of_its_values_wide() {
        for bucket in 1..COUNT {
            let width = highest(bucket) - highest(bucket - 1);
            assert!(width * 1024 <= highest(bucket).max(1024), "bucket {bucket}");
        }
    }
}
