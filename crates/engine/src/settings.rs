//! Settings: how the engine is to run.

use std::time::Duration;

/// How the engine is to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The seed of all randomness.
    pub seed: u64,
    /// Threads to make load with, at least one.
    pub threads: usize,
    /// The cores to pin them to, one each in turn; empty: none.
    pub cores: Vec<usize>,
    /// This engine's share of the users: every `of`-th, beginning with number `share`.
    pub share: u32,
    /// How many engines there are.
    pub of: u32,
    /// How long what is under way may take to end once the load is stopped.
    pub stop_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            threads: 1,
            cores: Vec::new(),
            share: 0,
            of: 1,
            stop_timeout: Duration::from_secs(30),
        }
    }
}
