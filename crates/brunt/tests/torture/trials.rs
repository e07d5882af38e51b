//! Trials: a guarantee is checked many times with random choices, in bounded time. The short form is part of the tests and has
//! a fixed seed; `cargo xtask torture` selects the long form by environment variables.

use std::any::Any;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Random number generator of a trial.
pub(crate) type Random = Xoshiro256PlusPlus;

/// Environment variable with the maximum duration of the long form in minutes; the default is 60.
const MINUTES: &str = "BRUNT_TORTURE_MINUTES";
/// Environment variable with the file to which a row is appended for each guarantee; it selects the long form.
pub(crate) const TABLE: &str = "BRUNT_TORTURE_TABLE";
/// Seed of the short form.
const SEED: u64 = 20;

/// Guarantee, and how it is checked.
pub(crate) struct Promise {
    /// The guarantee.
    pub(crate) says: &'static str,
    /// The injected faults.
    pub(crate) how: &'static str,
    /// Number of trials in the short form.
    pub(crate) short: u32,
    /// Number of trials in the long form.
    pub(crate) long: u32,
    /// Maximum duration of this guarantee in a long form of an hour; the short form has only the bounds of the trials.
    pub(crate) bound: Duration,
}

impl Promise {
    /// Runs the trials. A trial returns an error if the guarantee is broken.
    ///
    /// # Panics
    ///
    /// A trial failed; the message contains the seed and the number of the trial.
    pub(crate) fn hold(&self, mut trial: impl FnMut(u32, &mut Random) -> Result<(), String>) {
        let table = std::env::var_os(TABLE);
        let (most, seed) = match &table {
            Some(_) => (self.long, random_seed()),
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
            // A panic in a trial, such as a timeout, is an error of the trial.
            let attempt = AssertUnwindSafe(|| trial(number, &mut random));
            let result = catch_unwind(attempt).unwrap_or_else(|panic| Err(message_of(&*panic)));
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

fn random_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() ^ u64::from(now.subsec_nanos()) << 32)
}
