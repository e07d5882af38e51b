//! Rows of the table of results, and the effort of a validation.

/// Effort of a validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For tests: fewer seeds, and goals that allow for their chance.
    Reduced,
    /// All seeds.
    Full,
}

impl Effort {
    /// The value for this effort.
    pub fn choose<T>(self, reduced: T, full: T) -> T {
        match self {
            Self::Reduced => reduced,
            Self::Full => full,
        }
    }
}

/// Result of a validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Validated method, and the simulated runs.
    pub method: String,
    /// Truth about the runs.
    pub truth: String,
    /// Result of the method.
    pub result: String,
    /// Result that is required.
    pub goal: String,
    /// Result of a variant that is deliberately wrong.
    pub negative_control: String,
    /// Whether the method reaches the goal, and the negative control misses it.
    pub holds: bool,
}

/// Results of one run for each of the seeds from 0 on, which are distributed over all cores.
pub(crate) fn in_parallel<T: Send>(runs: u64, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        let run = &run;
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let seeds = (worker..runs).step_by(threads as usize);
                scope.spawn(move || seeds.map(run).collect::<Vec<T>>())
            })
            .collect();
        let results = workers
            .into_iter()
            .map(|worker| worker.join().expect("no panic"));
        results.flatten().collect()
    })
}
