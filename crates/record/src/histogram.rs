//! Histograms of durations: exact counts in buckets of three significant digits, and exact sum, minimum and maximum.
//! Merging adds, so that many merged histograms equal a joint one, bit for bit.

use crate::buckets;
use crate::compact_histogram::{CompactHistogram, Summary};

const PAGE: usize = 64;
const PAGES: usize = buckets::COUNT.div_ceil(PAGE);
const NO_PAGE: u16 = u16::MAX;

/// A histogram of durations in nanoseconds. It allocates a page when a value first falls into it, and keeps its pages when
/// it is cleared.
#[derive(Clone)]
pub struct Histogram {
    page_of: Box<[u16; PAGES]>,
    pages: Vec<[u64; PAGE]>,
    pages_used: usize,
    count: u64,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            page_of: Box::new([NO_PAGE; PAGES]),
            pages: Vec::new(),
            pages_used: 0,
            count: 0,
            sum_ns: 0,
            min_ns: u64::MAX,
            max_ns: 0,
        }
    }
}

impl Histogram {
    /// Counts one duration.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        *self.bucket(buckets::index(ns)) += 1;
        self.count += 1;
        self.sum_ns += u128::from(ns);
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (index, count) in other.buckets() {
            *self.bucket(index) += count;
        }
        self.merge_summary(other.count, other.sum_ns, other.min_ns, other.max_ns);
    }

    /// Adds the counts of a compact histogram.
    pub fn merge_compact<B: AsRef<[u8]>>(&mut self, compact: &CompactHistogram<B>) {
        let summary = compact.summary();
        for (index, count) in compact.buckets() {
            let bucket = self.bucket(index);
            *bucket = bucket.saturating_add(count);
        }
        self.merge_summary(
            summary.count,
            summary.sum_ns,
            summary.min_ns,
            summary.max_ns,
        );
    }

    fn merge_summary(&mut self, count: u64, sum_ns: u128, min_ns: u64, max_ns: u64) {
        if count > 0 {
            // Recorded values never come near the limits; those of a damaged file may.
            self.count = self.count.saturating_add(count);
            self.sum_ns = self.sum_ns.saturating_add(sum_ns);
            self.min_ns = self.min_ns.min(min_ns);
            self.max_ns = self.max_ns.max(max_ns);
        }
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "PAGES is below u16::MAX, checked below"
    )]
    fn bucket(&mut self, index: usize) -> &mut u64 {
        let page = &mut self.page_of[index / PAGE];
        if *page == NO_PAGE {
            *page = self.pages_used as u16;
            if self.pages_used == self.pages.len() {
                self.pages.push([0; PAGE]);
            }
            self.pages_used += 1;
        }
        &mut self.pages[usize::from(*page)][index % PAGE]
    }

    /// Removes all counts and keeps the memory.
    pub fn clear(&mut self) {
        for page in &mut self.pages[..self.pages_used] {
            page.fill(0);
        }
        self.page_of.fill(NO_PAGE);
        self.pages_used = 0;
        self.count = 0;
        self.sum_ns = 0;
        self.min_ns = u64::MAX;
        self.max_ns = 0;
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether it has no durations.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Sum of all durations, in nanoseconds.
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// Shortest duration, in nanoseconds.
    pub fn min_ns(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min_ns)
    }

    /// Longest duration, in nanoseconds.
    pub fn max_ns(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_ns)
    }

    /// Mean duration, in nanoseconds.
    pub fn mean_ns(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns as f64 / self.count as f64)
    }

    /// Duration at a rank (1: the shortest), in nanoseconds: the upper end of its bucket, at most the maximum. `None` if
    /// the rank is 0 or more than the count.
    pub fn at_rank(&self, rank: u64) -> Option<u64> {
        if rank == 0 || rank > self.count {
            return None;
        }
        let mut seen = 0;
        for (index, count) in self.buckets() {
            seen = count.saturating_add(seen);
            if seen >= rank {
                return Some(buckets::highest(index).min(self.max_ns));
            }
        }
        None
    }

    /// Number of durations in buckets above the bucket of `ns`.
    pub fn count_above(&self, ns: u64) -> u64 {
        let limit = buckets::index(ns);
        self.buckets()
            .filter(|(index, _)| *index > limit)
            .map(|(_, count)| count)
            .sum()
    }

    /// The buckets that are not empty, as (upper end in nanoseconds, count), in ascending order.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.buckets()
            .map(|(index, count)| (buckets::highest(index).min(self.max_ns), count))
    }

    pub(crate) fn buckets(&self) -> impl Iterator<Item = (usize, u64)> {
        let used = self
            .page_of
            .iter()
            .enumerate()
            .filter(|(_, page)| **page != NO_PAGE);
        used.flat_map(|(number, page)| {
            let counts = self.pages[usize::from(*page)].iter().enumerate();
            counts
                .filter(|(_, count)| **count > 0)
                .map(move |(at, count)| (number * PAGE + at, *count))
        })
    }
}

const _: () = assert!(PAGES < NO_PAGE as usize);

impl From<&Histogram> for CompactHistogram {
    fn from(histogram: &Histogram) -> Self {
        let summary = Summary {
            count: histogram.count(),
            sum_ns: histogram.sum_ns(),
            min_ns: histogram.min_ns().unwrap_or(u64::MAX),
            max_ns: histogram.max_ns().unwrap_or(0),
        };
        Self::new(&summary, histogram.buckets(), Vec::new())
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.sum_ns, self.min_ns, self.max_ns)
            == (other.count, other.sum_ns, other.min_ns, other.max_ns)
            && self.buckets().eq(other.buckets())
    }
}

impl Eq for Histogram {}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Histogram")
            .field("count", &self.count)
            .field("min_ns", &self.min_ns())
            .field("mean_ns", &self.mean_ns())
            .field("max_ns", &self.max_ns())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Distribution;

    fn histogram_of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|ns| histogram.record(*ns));
        histogram
    }

    fn durations() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(
            (0..46u32, any::<u64>()).prop_map(|(bits, v)| v % (1 << bits)),
            0..300,
        )
    }

    proptest! {
        #[test]
        fn merge_equals_joint_recording(a in durations(), b in durations()) {
            let mut merged = histogram_of(&a);
            merged.merge(&histogram_of(&b));
            let together = histogram_of(&[a, b].concat());
            prop_assert_eq!(merged, together);
        }

        #[test]
        fn ranks_agree_with_the_sorted_values(mut values in durations()) {
            let histogram = histogram_of(&values);
            values.sort_unstable();
            for (at, exact) in values.iter().enumerate() {
                let found = histogram.at_rank(at as u64 + 1).unwrap();
                prop_assert!(found >= *exact && found - exact <= exact / 1024, "{} for {}", found, exact);
            }
            prop_assert_eq!(histogram.at_rank(values.len() as u64 + 1), None);
            prop_assert_eq!(histogram.max_ns(), values.last().copied());
        }

        #[test]
        fn percentiles_agree_with_hdrhistogram(values in durations(), q in 0.0..=1.0f64) {
            prop_assume!(!values.is_empty());
            let mut reference = hdrhistogram::Histogram::<u64>::new(3).unwrap();
            values.iter().for_each(|ns| reference.record(*ns).unwrap());
            let ok = histogram_of(&values);
            let ours = Distribution { ok, unanswered: 0 }.percentile(q).unwrap();
            let ours = ours.ms().unwrap() * 1e6;
            let theirs = reference.value_at_quantile(q) as f64;
            prop_assert!((ours - theirs).abs() <= theirs / 512.0 + 1.0, "{} against {}", ours, theirs);
        }

        #[test]
        fn cleared_histogram_equals_a_new_one(a in durations(), b in durations()) {
            let mut reused = histogram_of(&a);
            reused.clear();
            b.iter().for_each(|ns| reused.record(*ns));
            prop_assert_eq!(reused, histogram_of(&b));
        }
    }
}
