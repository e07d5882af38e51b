//! Proofs: runs of a known truth in virtual time, put through the record and the verdict as a real run
//! is, and whether the verdict tells the truth. Each proof has a variant that is deliberately wrong, and
//! shows that it would be caught.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "moments of virtual time, from 0 on, tell the second that they lie in"
)]

pub mod breaking;
pub mod coverage;
pub mod doors;
pub mod leaks;
pub mod omission;
pub mod reckoned;
pub mod regressions;
pub mod spikes;
pub mod stopping;
pub mod undecided;
pub mod warm_ups;

/// How much work a proof may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For the tests: fewer seeds, and wider bounds for their chance.
    Reduced,
    /// All seeds.
    Full,
}

impl Effort {
    /// One of two values.
    pub fn choose<T>(self, reduced: T, full: T) -> T {
        match self {
            Self::Reduced => reduced,
            Self::Full => full,
        }
    }
}

/// What a proof came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What is proved.
    pub method: String,
    /// What is true of the runs.
    pub truth: String,
    /// What was reached.
    pub reached: String,
    /// What had to be.
    pub goal: String,
    /// What the broken variant reached.
    pub broken: String,
    /// The goal was reached, and the broken variant did not.
    pub holds: bool,
}

/// A page of proofs.
pub type Page = fn(Effort) -> Vec<Row>;

/// Every page, by its name.
pub const PAGES: [(&str, Page); 10] = [
    ("breaking", breaking::rows),
    ("coverage", coverage::rows),
    ("doors", doors::rows),
    ("leaks", leaks::rows),
    ("omission", omission::rows),
    ("regressions", regressions::rows),
    ("spikes", spikes::rows),
    ("stopping", stopping::rows),
    ("undecided", undecided::rows),
    ("warm_ups", warm_ups::rows),
];

/// One run for each of these seeds, from 0 on, on all cores.
pub(crate) fn in_parallel<T: Send>(runs: u64, one: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        let one = &one;
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let mine = (worker..runs).step_by(threads as usize);
                scope.spawn(move || mine.map(one).collect::<Vec<T>>())
            })
            .collect();
        let done = workers
            .into_iter()
            .map(|worker| worker.join().expect("no panic"));
        done.flatten().collect()
    })
}
