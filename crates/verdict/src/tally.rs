//! Tallies: the durations of a stretch block by block, sorted once, so that how many will not do can be asked
//! of many limits.

use brunt_record::{Measure, Scope};

use crate::blocks::Block;
use crate::stretch::Stretch;

/// The durations of one block.
struct Sorted {
    /// Each with how many are as long or shorter.
    up_to: Vec<(u64, u64)>,
    /// The never answered are among them.
    all: u64,
}

/// The durations of a stretch.
pub(crate) struct Tally {
    blocks: Vec<Sorted>,
}

impl Tally {
    pub(crate) fn of(stretch: Stretch, scope: Scope, measure: Measure) -> Self {
        let timeline = &stretch.record.timeline;
        let blocks = stretch.intervals().map(|interval| {
            let measure = stretch.measure_at(interval, measure);
            let (mut durations, unanswered) = timeline.durations_at(interval, scope, measure);
            durations.sort_unstable();
            let mut answered = 0;
            for (_, count) in &mut durations {
                answered += *count;
                *count = answered;
            }
            Sorted {
                up_to: durations,
                all: answered + unanswered,
            }
        });
        Self {
            blocks: blocks.collect(),
        }
    }

    /// Block by block: requests whose duration will not do, or that were never answered. Where a duration
    /// will do, every shorter one has to.
    pub(crate) fn missing(&self, will_do: impl Fn(u64) -> bool) -> Vec<Block> {
        let blocks = self.blocks.iter().map(|block| {
            let at = block.up_to.partition_point(|(ns, _)| will_do(*ns));
            let within = at.checked_sub(1).map_or(0, |last| block.up_to[last].1);
            Block {
                missing: (block.all - within) as f64,
                all: block.all as f64,
            }
        });
        blocks.collect()
    }
}
