//! Trials: a promise, tried many times with random choices, in bounded time. The short form is part of the tests and
//! draws the same choices each time; `cargo xtask torture` asks for the long one by the environment.

use std::any::Any;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// What draws the choices of a trial.
pub(crate) type Random = Xoshiro256PlusPlus;

/// Minutes that the long form takes at most; an hour unless it is set.
const MINUTES: &str = "BRUNT_TORTURE_MINUTES";
/// Set to a file that a row is appended to for each promise: the long form.
pub(crate) const TABLE: &str = "BRUNT_TORTURE_TABLE";
/// The seed of the short form.
const SEED: u64 = 20;

/// A promise, and how it is tried.
pub(crate) struct Promise {
    /// What brunt promises.
    pub(crate) says: &'static str,
    /// What is done to it.
    pub(crate) how: &'static str,
    /// Number of trials in the short form.
    pub(crate) short: u32,
    /// Number of trials in the long form.
    pub(crate) long: u32,
    /// The longest that the long form of an hour takes; the short form has no bound but that of each trial.
    pub(crate) bound: Duration,
}

impl Promise {
    /// Tries it. A trial returns what went wrong.
    ///
    /// # Panics
    /// If a trial failed; the message has the seed and the number of the trial.
    pub(crate) fn hold(&self, mut trial: impl FnMut(u32, &mut Random) -> Result<(), String>) {
        let table = std::env::var_os(TABLE);
        let (most, seed) = match &table {
            Some(_) => (self.long, drawn_seed()),
            None => (self.short, SEED),
        };
        let minutes = std::env::var(MINUTES).ok();
        let minutes = minutes.and_then(|text| text.parse::<u32>().ok());
        let bound = self.bound * minutes.unwrap_or(60) / 60;
        let start = Instant::now();
        let (mut count, mut failed) = (0, Vec::new());
        for number in 0..most {
            if table.is_some() && start.elapsed() > bound {
                break;
            }
            let mut random = Random::seed_from_u64(seed ^ u64::from(number) << 32);
            count += 1;
            // What panics in a trial, such as a wait in vain, is what went wrong.
            let tried = AssertUnwindSafe(|| trial(number, &mut random));
            let result = catch_unwind(tried).unwrap_or_else(|panic| Err(message_of(&*panic)));
            if let Err(wrong) = result {
                failed.push(format!("trial {number} of seed {seed}: {wrong}"));
            }
        }
        let result = match failed.len() {
            0 => "all hold".to_owned(),
            broken => format!("{broken} do not hold"),
        };
        let row = format!("| {} | {} | {count} | {result} |\n", self.says, self.how);
        if let Some(path) = table {
            let file = OpenOptions::new().append(true).create(true).open(path);
            let mut file = file.expect("the table");
            file.write_all(row.as_bytes()).expect("the table");
        }
        assert!(failed.is_empty(), "{}:\n{}", self.says, failed.join("\n"));
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("no text"))
}

fn drawn_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() ^ u64::from(now.subsec_nanos()) << 32)
}
