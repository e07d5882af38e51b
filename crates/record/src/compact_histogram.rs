//! Compact histograms: the counts of a histogram in few bytes. In this form, histograms are handed over between threads,
//! kept per interval, and stored in a record file.
//!
//! Layout, all unsigned LEB128: the count; if it is not 0, the sum; if it is more than 1, the minimum, the difference of the
//! maximum from it (nanoseconds), and each bucket that is not empty, in order. A bucket is twice its distance from the
//! bucket before (the first: from the bucket of the minimum, so 0), plus 1 if its count is more than 1; then the count
//! follows. A single duration is its own sum, which determines its bucket.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::buckets;
use crate::bytes::Bytes;
use crate::varint;

/// A histogram as owned or borrowed bytes. It is always well-formed: bytes from outside are checked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactHistogram<B = Vec<u8>> {
    bytes: B,
}

/// Count, sum and extremes of the durations of a histogram.
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) sum_ns: u128,
    pub(crate) min_ns: u64,
    pub(crate) max_ns: u64,
}

impl<'a> CompactHistogram<&'a [u8]> {
    /// Wraps bytes that are known to be a histogram.
    pub(crate) fn from_valid_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

impl CompactHistogram {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn new(
        summary: &Summary,
        buckets: impl Iterator<Item = (usize, u64)>,
        mut bytes: Vec<u8>,
    ) -> Self {
        varint::write(&mut bytes, summary.count.into());
        if summary.count > 0 {
            varint::write(&mut bytes, summary.sum_ns);
        }
        if summary.count > 1 {
            let over_ns = summary.max_ns.saturating_sub(summary.min_ns);
            varint::write(&mut bytes, summary.min_ns.into());
            varint::write(&mut bytes, over_ns.into());
            let mut before = buckets::index(summary.min_ns);
            for (index, count) in buckets {
                let several = u128::from(count > 1);
                varint::write(&mut bytes, (index - before) as u128 * 2 + several);
                if count > 1 {
                    varint::write(&mut bytes, count.into());
                }
                before = index;
            }
        }
        bytes.shrink_to_fit();
        Self { bytes }
    }

    /// The sum of two histograms.
    pub(crate) fn merged<A: AsRef<[u8]>, B: AsRef<[u8]>>(
        a: &CompactHistogram<A>,
        b: &CompactHistogram<B>,
    ) -> Self {
        let (one, other) = (a.summary(), b.summary());
        let summary = Summary {
            count: one.count.saturating_add(other.count),
            sum_ns: one.sum_ns.saturating_add(other.sum_ns),
            min_ns: one.min_ns.min(other.min_ns),
            max_ns: one.max_ns.max(other.max_ns),
        };
        let bytes = Vec::with_capacity(a.size() + b.size());
        Self::new(&summary, merged(a.buckets(), b.buckets()), bytes)
    }

    /// Wraps bytes from outside; `None` if they are not a histogram.
    fn from_untrusted_bytes(bytes: Vec<u8>) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let summary = read_summary(&mut rest)?;
        let mut index = buckets::index(summary.min_ns);
        let (mut total, mut first) = (0u64, true);
        while !rest.is_empty() {
            let (distance, count) = read_bucket(&mut rest)?;
            if count == 0 || first != (distance == 0) || summary.count < 2 {
                return None;
            }
            first = false;
            index = index
                .checked_add(distance)
                .filter(|index| *index < buckets::COUNT)?;
            total = total.checked_add(count)?;
        }
        (total == summary.count || summary.count < 2).then_some(Self { bytes })
    }
}

impl<B: AsRef<[u8]>> CompactHistogram<B> {
    /// Copies the histogram into owned bytes.
    pub(crate) fn to_owned_bytes(&self) -> CompactHistogram {
        CompactHistogram {
            bytes: self.bytes.as_ref().to_vec(),
        }
    }

    /// Size in memory and in a file, in bytes.
    pub fn size(&self) -> usize {
        self.bytes.as_ref().len()
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.summary().count
    }

    /// Longest duration in nanoseconds, exact.
    pub fn max_ns(&self) -> Option<u64> {
        let summary = self.summary();
        (summary.count > 0).then_some(summary.max_ns)
    }

    /// Sum of all durations, in nanoseconds.
    pub fn sum_ns(&self) -> u128 {
        self.summary().sum_ns
    }

    /// Adds the durations to counts by range: a count is the number of durations up to its bound and above the bound
    /// before, and the last count, which has no bound, the number above all bounds. Each bucket counts as its longest
    /// duration. The bounds ascend, and there is one count more than bounds.
    pub fn count_between(&self, bounds_ns: &[u64], counts: &mut [u64]) {
        let max_ns = self.summary().max_ns;
        for (index, count) in self.buckets() {
            let longest_ns = buckets::highest(index).min(max_ns);
            let at = bounds_ns.partition_point(|bound_ns| *bound_ns < longest_ns);
            if let Some(known) = counts.get_mut(at) {
                *known = known.saturating_add(count);
            }
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        self.open().0
    }

    /// Number of durations in buckets whose longest duration does not meet a condition.
    pub(crate) fn count_unless(&self, is_met: impl Fn(u64) -> bool) -> u64 {
        let missing = self.durations().filter(|(ns, _)| !is_met(*ns));
        missing.map(|(_, count)| count).sum()
    }

    /// The longest duration of each bucket, with the bucket's count.
    pub(crate) fn durations(&self) -> impl Iterator<Item = (u64, u64)> {
        let max_ns = self.summary().max_ns;
        self.buckets()
            .map(move |(index, count)| (buckets::highest(index).min(max_ns), count))
    }

    pub(crate) fn buckets(&self) -> impl Iterator<Item = (usize, u64)> {
        let (summary, mut rest) = self.open();
        let mut index = buckets::index(summary.min_ns);
        let only = (summary.count == 1).then_some((index, 1));
        let several = std::iter::from_fn(move || {
            let (distance, count) = read_bucket(&mut rest)?;
            index += distance;
            Some((index, count))
        });
        only.into_iter().chain(several)
    }

    fn open(&self) -> (Summary, &[u8]) {
        let mut rest = self.bytes.as_ref();
        let summary = read_summary(&mut rest).unwrap_or(Summary::empty());
        (summary, rest)
    }
}

/// The buckets of two histograms, in order.
fn merged(
    a: impl Iterator<Item = (usize, u64)>,
    b: impl Iterator<Item = (usize, u64)>,
) -> impl Iterator<Item = (usize, u64)> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || {
        let next = a.peek().into_iter().chain(b.peek());
        let index = next.map(|(index, _)| *index).min()?;
        let own = a.next_if(|(at, _)| *at == index);
        let others = b.next_if(|(at, _)| *at == index);
        let counts = own.into_iter().chain(others).map(|(_, count)| count);
        Some((index, counts.fold(0, u64::saturating_add)))
    })
}

impl Summary {
    fn empty() -> Self {
        Self {
            count: 0,
            sum_ns: 0,
            min_ns: u64::MAX,
            max_ns: 0,
        }
    }
}

fn read_u64(rest: &mut &[u8]) -> Option<u64> {
    u64::try_from(varint::read(rest)?).ok()
}

fn read_summary(rest: &mut &[u8]) -> Option<Summary> {
    let count = read_u64(rest)?;
    if count == 0 {
        return Some(Summary::empty());
    }
    let sum_ns = varint::read(rest)?;
    let (min_ns, over_ns) = match count {
        1 => (u64::try_from(sum_ns).ok()?, 0),
        _ => (read_u64(rest)?, read_u64(rest)?),
    };
    Some(Summary {
        count,
        sum_ns,
        min_ns,
        max_ns: min_ns.checked_add(over_ns)?,
    })
}

fn read_bucket(rest: &mut &[u8]) -> Option<(usize, u64)> {
    let twice = read_u64(rest)?;
    let distance = usize::try_from(twice / 2).ok()?;
    let count = if twice % 2 == 1 { read_u64(rest)? } else { 1 };
    Some((distance, count))
}

impl Serialize for CompactHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

impl<'de> Deserialize<'de> for CompactHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bytes(bytes) = Bytes::deserialize(deserializer)?;
        Self::from_untrusted_bytes(bytes).ok_or_else(|| serde::de::Error::custom("not a histogram"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Histogram;

    proptest! {
        #[test]
        fn histogram_round_trips(values in prop::collection::vec(any::<u64>(), 0..200)) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|ns| histogram.record(*ns));
            let stored = rmp_serde::to_vec_named(&CompactHistogram::from(&histogram)).unwrap();
            let compact: CompactHistogram = rmp_serde::from_slice(&stored).unwrap();
            let mut again = Histogram::default();
            again.merge_compact(&compact);
            prop_assert_eq!(again, histogram);
        }

        #[test]
        fn merge_equals_merge_of_histograms(
            a in prop::collection::vec(0..9_000_000u64, 0..60),
            b in prop::collection::vec(0..9_000_000u64, 0..60),
        ) {
            let of = |values: &[u64]| {
                let mut histogram = Histogram::default();
                values.iter().for_each(|ns| histogram.record(*ns));
                CompactHistogram::from(&histogram)
            };
            prop_assert_eq!(CompactHistogram::merged(&of(&a), &of(&b)), of(&[a, b].concat()));
        }

        #[test]
        fn any_bytes_are_read_or_rejected_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(compact) = CompactHistogram::from_untrusted_bytes(bytes) {
                let mut histogram = Histogram::default();
                histogram.merge_compact(&compact);
                prop_assert_eq!(histogram.count(), compact.summary().count);
            }
        }
    }
}
