//! Sparse histograms: what a histogram counted, as a short run of bytes. The form in which
//! histograms are handed over, kept per interval, and stored in a record file.
//!
//! Layout, all unsigned LEB128: count; and where that is not 0: sum, minimum, maximum (nanoseconds),
//! then for each bucket that holds anything, in order: its distance from the bucket before (the
//! first: from bucket 0), its count.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::buckets;
use crate::histogram::Histogram;
use crate::varint;

/// A histogram as bytes. Always well-formed: bytes from outside are checked when they come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sparse {
    bytes: Vec<u8>,
}

pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) sum_ns: u128,
    pub(crate) min_ns: u64,
    pub(crate) max_ns: u64,
}

impl From<&Histogram> for Sparse {
    fn from(histogram: &Histogram) -> Self {
        let mut bytes = Vec::new();
        varint::write(&mut bytes, histogram.count().into());
        if let (Some(min_ns), Some(max_ns)) = (histogram.min_ns(), histogram.max_ns()) {
            varint::write(&mut bytes, histogram.sum_ns());
            varint::write(&mut bytes, min_ns.into());
            varint::write(&mut bytes, max_ns.into());
            let mut before = 0;
            for (index, count) in histogram.buckets() {
                varint::write(&mut bytes, (index - before) as u128);
                varint::write(&mut bytes, count.into());
                before = index;
            }
        }
        bytes.shrink_to_fit();
        Self { bytes }
    }
}

impl Sparse {
    /// Its size in memory and in a file, in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.summary().count
    }

    /// The sum of all, in nanoseconds.
    pub fn sum_ns(&self) -> u128 {
        self.summary().sum_ns
    }

    /// Adds to each of some counts the durations up to its bound and above the bound before; what is above the
    /// last bound to the count behind it. A duration stands for its bucket, which it is the longest of. The
    /// bounds ascend, and there is a count more than there are bounds.
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

    /// How many values are in buckets whose longest duration will not do.
    pub(crate) fn count_unless(&self, will_do: impl Fn(u64) -> bool) -> u64 {
        let missing = self.durations().filter(|(ns, _)| !will_do(*ns));
        missing.map(|(_, count)| count).sum()
    }

    /// The longest durations of its buckets, each with its count.
    pub(crate) fn durations(&self) -> impl Iterator<Item = (u64, u64)> {
        let max_ns = self.summary().max_ns;
        self.buckets()
            .map(move |(index, count)| (buckets::highest(index).min(max_ns), count))
    }

    pub(crate) fn buckets(&self) -> impl Iterator<Item = (usize, u64)> {
        let mut rest = self.open().1;
        let mut index = 0;
        std::iter::from_fn(move || {
            let (distance, count) = read_bucket(&mut rest)?;
            index += distance;
            Some((index, count))
        })
    }

    fn open(&self) -> (Summary, &[u8]) {
        let mut rest = self.bytes.as_slice();
        let summary = read_summary(&mut rest).unwrap_or(Summary {
            count: 0,
            sum_ns: 0,
            min_ns: u64::MAX,
            max_ns: 0,
        });
        (summary, rest)
    }

    /// Takes bytes from outside; `None` where they are no histogram.
    fn checked(bytes: Vec<u8>) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let summary = read_summary(&mut rest)?;
        let (mut index, mut total, mut first) = (0usize, 0u64, true);
        while !rest.is_empty() {
            let (distance, count) = read_bucket(&mut rest)?;
            if count == 0 || (distance == 0 && !first) {
                return None;
            }
            first = false;
            index = index
                .checked_add(distance)
                .filter(|index| *index < buckets::COUNT)?;
            total = total.checked_add(count)?;
        }
        (total == summary.count).then_some(Self { bytes })
    }
}

fn read_u64(rest: &mut &[u8]) -> Option<u64> {
    u64::try_from(varint::read(rest)?).ok()
}

fn read_summary(rest: &mut &[u8]) -> Option<Summary> {
    let count = read_u64(rest)?;
    if count == 0 {
        return rest.is_empty().then_some(Summary {
            count,
            sum_ns: 0,
            min_ns: u64::MAX,
            max_ns: 0,
        });
    }
    let sum_ns = varint::read(rest)?;
    let (min_ns, max_ns) = (read_u64(rest)?, read_u64(rest)?);
    Some(Summary {
        count,
        sum_ns,
        min_ns,
        max_ns,
    })
}

fn read_bucket(rest: &mut &[u8]) -> Option<(usize, u64)> {
    Some((usize::try_from(varint::read(rest)?).ok()?, read_u64(rest)?))
}

impl Serialize for Sparse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

impl<'de> Deserialize<'de> for Sparse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the bytes of a histogram")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        let bytes = deserializer.deserialize_byte_buf(Bytes)?;
        Self::checked(bytes).ok_or_else(|| serde::de::Error::custom("not a histogram"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_histogram_comes_back_whole(values in prop::collection::vec(any::<u64>(), 0..200)) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|ns| histogram.record(*ns));
            let stored = rmp_serde::to_vec_named(&Sparse::from(&histogram)).unwrap();
            let sparse: Sparse = rmp_serde::from_slice(&stored).unwrap();
            let mut again = Histogram::default();
            again.merge_sparse(&sparse);
            prop_assert_eq!(again, histogram);
        }

        #[test]
        fn any_bytes_are_taken_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(sparse) = Sparse::checked(bytes) {
                let mut histogram = Histogram::default();
                histogram.merge_sparse(&sparse);
                prop_assert_eq!(histogram.count(), sparse.summary().count);
            }
        }
    }
}
