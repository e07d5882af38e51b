//! Waits: how long a user rests between two tasks.

use std::time::Duration;

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::quantity;

/// How long a user rests between two tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Always so long.
    Constant(Duration),
    /// Evenly spread between two durations.
    Uniform(Duration, Duration),
}

impl Wait {
    /// A wait such as `0s`, `2s` or `1s..3s`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let Some((low, high)) = text.split_once("..") else {
            return quantity::duration(text)
                .map(Self::Constant)
                .map_err(|_| expected(text));
        };
        let low = quantity::duration(low).map_err(|_| expected(text))?;
        let high = quantity::duration(high).map_err(|_| expected(text))?;
        if low > high {
            return Err(format!(
                "`{text}` ends before it begins; write the shorter wait first"
            ));
        }
        Ok(Self::Uniform(low, high))
    }

    /// The mean.
    pub fn mean(self) -> Duration {
        match self {
            Self::Constant(wait) => wait,
            Self::Uniform(low, high) => (low + high) / 2,
        }
    }

    /// The next wait, in nanoseconds.
    pub fn draw(self, random: &mut Xoshiro256PlusPlus) -> u64 {
        match self {
            Self::Constant(wait) => nanoseconds(wait),
            Self::Uniform(low, high) => random.random_range(nanoseconds(low)..=nanoseconds(high)),
        }
    }
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = quantity::duration_in_words;
        match self {
            Self::Constant(wait) if wait.is_zero() => f.write_str("none"),
            Self::Constant(wait) => f.write_str(&words(*wait)),
            Self::Uniform(low, high) => write!(f, "{}..{}", words(*low), words(*high)),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn expected(text: &str) -> String {
    format!("`{text}` is no wait; write a duration like 2s, or a range like 1s..3s")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn draws_stay_in_range_and_have_the_mean() {
        let wait = Wait::parse("500ms..1500ms").unwrap();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let draws: Vec<u64> = (0..10_000).map(|_| wait.draw(&mut random)).collect();
        assert!(
            draws
                .iter()
                .all(|ns| (500_000_000..=1_500_000_000).contains(ns))
        );
        let mean_ms = draws.iter().sum::<u64>() as f64 / 1e10;
        // The standard deviation of the mean of 10,000 draws is 2.9 ms.
        assert!(
            (mean_ms - wait.mean().as_secs_f64() * 1e3).abs() < 15.0,
            "mean {mean_ms} ms"
        );
    }

    #[test]
    fn wrong_waits_name_the_remedy() {
        for (text, part) in [
            ("soon", "like 2s"),
            ("3s..1s", "shorter wait first"),
            ("1s..", "range"),
        ] {
            assert!(Wait::parse(text).unwrap_err().contains(part), "{text}");
        }
    }
}
