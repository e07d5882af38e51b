//! Waits: the think time of a user between two tasks.

use std::time::Duration;

use brunt_record::duration_ns;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::random::standard_normal;
use crate::source::units;

/// Think time of a user between two tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Constant.
    Constant(Duration),
    /// Uniform between two durations.
    Uniform(Duration, Duration),
    /// Normal with mean and standard deviation, cut at zero.
    Normal(Duration, Duration),
    /// Exponential with this mean.
    Exponential(Duration),
    /// Time from the start of a task to the start of the next, however long they take.
    Pace(Duration),
}

impl Wait {
    /// A wait such as `0s`, `2s`, `1s..3s` or `normal(2s, 500ms)`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let trimmed = text.trim();
        if trimmed == "none" {
            return Ok(Self::Constant(Duration::ZERO));
        }
        if let Some((name, arguments)) = trimmed
            .strip_suffix(')')
            .and_then(|call| call.split_once('('))
        {
            return Self::of_call(name.trim(), arguments).ok_or_else(|| expected(text));
        }
        let Some((low, high)) = trimmed.split_once("..") else {
            return units::duration(text)
                .map(Self::Constant)
                .map_err(|_| expected(text));
        };
        let low = units::duration(low).map_err(|_| expected(text))?;
        let high = units::duration(high).map_err(|_| expected(text))?;
        if low > high {
            return Err(format!(
                "invalid wait `{text}`: the shorter duration must come first"
            ));
        }
        Ok(Self::Uniform(low, high))
    }

    fn of_call(name: &str, arguments: &str) -> Option<Self> {
        let arguments: Vec<&str> = arguments.split(',').collect();
        let duration = |text: &str| units::duration(text).ok();
        match (name, &arguments[..]) {
            ("normal", [mean, deviation]) => {
                Some(Self::Normal(duration(mean)?, duration(deviation)?))
            }
            ("exponential", [mean]) => Some(Self::Exponential(duration(mean)?)),
            ("pace", [period]) => Some(Self::Pace(
                duration(period).filter(|period| !period.is_zero())?,
            )),
            ("throughput", [rate]) => {
                let rate = units::rate(rate).ok().filter(|rate| *rate > 0.0)?;
                let period = Duration::try_from_secs_f64(1.0 / rate).ok()?;
                Some(Self::Pace(period)).filter(|_| !period.is_zero())
            }
            _ => None,
        }
    }

    /// Mean.
    pub fn mean(self) -> Duration {
        match self {
            Self::Constant(wait) | Self::Exponential(wait) | Self::Pace(wait) => wait,
            Self::Uniform(low, high) => (low + high) / 2,
            Self::Normal(mean, deviation) => mean_of_cut_normal(mean, deviation),
        }
    }

    /// Draws the next wait, in nanoseconds; the period of a pace.
    #[inline]
    pub fn draw(self, random: &mut Xoshiro256PlusPlus) -> u64 {
        match self {
            Self::Constant(wait) | Self::Pace(wait) => duration_ns(wait),
            Self::Uniform(low, high) => random.random_range(duration_ns(low)..=duration_ns(high)),
            Self::Normal(mean, deviation) => {
                let drawn = standard_normal(random) * deviation.as_secs_f64();
                from_seconds(mean.as_secs_f64() + drawn)
            }
            // 1 − u is never 0, since u is below 1.
            Self::Exponential(mean) => {
                from_seconds(-(1.0 - random.random::<f64>()).ln() * mean.as_secs_f64())
            }
        }
    }

    /// Intended start of the next task, after one with this intended start and end.
    #[inline]
    pub fn next(self, intended_ns: u64, done_ns: u64, random: &mut Xoshiro256PlusPlus) -> u64 {
        let wait_ns = self.draw(random);
        match self {
            Self::Pace(_) => intended_ns.saturating_add(wait_ns),
            _ => done_ns.saturating_add(wait_ns),
        }
    }
}

/// The mean of max(0, X) for a normal X: μΦ(μ/σ) + σφ(μ/σ), with Φ by Abramowitz and Stegun, 7.1.26.
fn mean_of_cut_normal(mean: Duration, deviation: Duration) -> Duration {
    let (mean_s, deviation_s) = (mean.as_secs_f64(), deviation.as_secs_f64());
    if deviation_s <= 0.0 {
        return mean;
    }
    let z = mean_s / deviation_s;
    let t = 1.0 / (1.0 + 0.327_591_1 * z / std::f64::consts::SQRT_2);
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let bell = (-z * z / 2.0).exp();
    let below = 1.0 - series * bell / 2.0;
    let density = bell / std::f64::consts::TAU.sqrt();
    Duration::try_from_secs_f64(mean_s * below + deviation_s * density).unwrap_or(mean)
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = units::duration_in_words;
        match self {
            Self::Constant(wait) if wait.is_zero() => f.write_str("none"),
            Self::Constant(wait) => f.write_str(&words(*wait)),
            Self::Uniform(low, high) => write!(f, "{}..{}", words(*low), words(*high)),
            Self::Normal(mean, deviation) => {
                write!(f, "normal({}, {})", words(*mean), words(*deviation))
            }
            Self::Exponential(mean) => write!(f, "exponential({})", words(*mean)),
            Self::Pace(period) => write!(f, "pace({})", words(*period)),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and nothing is the least wait"
)]
fn from_seconds(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e9) as u64
}

fn expected(text: &str) -> String {
    format!(
        "invalid wait `{text}`: must be a duration like 2s, a range like 1s..3s, normal(2s, 500ms), \
         exponential(2s), pace(5s), throughput(0.2/s) or none"
    )
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn draws_stay_in_range_and_have_the_mean() {
        // Standard deviations of the distributions; that of the mean of 10,000 draws is a hundredth of them.
        let laws = [
            ("500ms..1500ms", 289e6),
            ("normal(1s, 100ms)", 100e6),
            ("normal(1s, 2s)", 1_500e6),
            ("exponential(2s)", 2_000e6),
            ("pace(2s)", 0.0),
            ("throughput(0.5/s)", 0.0),
            ("none", 0.0),
        ];
        for (text, deviation_ns) in laws {
            let wait = Wait::parse(text).unwrap();
            let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
            let draws: Vec<u64> = (0..10_000).map(|_| wait.draw(&mut random)).collect();
            let mean_ns = draws.iter().sum::<u64>() as f64 / 1e4;
            let expected_ns = wait.mean().as_secs_f64() * 1e9;
            let allowed_ns = deviation_ns / 100.0 * 4.0 + 1.0;
            assert!(
                (mean_ns - expected_ns).abs() <= allowed_ns,
                "{text}: {mean_ns} ns, not {expected_ns} ns"
            );
        }
        let wait = Wait::parse("500ms..1500ms").unwrap();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        assert!(
            (0..10_000)
                .all(|_| { (500_000_000..=1_500_000_000).contains(&wait.draw(&mut random)) })
        );
    }

    #[test]
    fn a_pace_counts_from_the_intended_start() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let next = |text: &str, random: &mut _| Wait::parse(text).unwrap().next(10, 500, random);
        assert_eq!(next("pace(1us)", &mut random), 1_010);
        assert_eq!(next("1us", &mut random), 1_500);
    }

    #[test]
    fn a_wait_reads_as_it_is_written() {
        for text in [
            "2s",
            "1s..3s",
            "normal(2s, 500ms)",
            "exponential(2s)",
            "pace(5s)",
            "none",
        ] {
            assert_eq!(Wait::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn invalid_wait_error_names_the_remedy() {
        for (text, part) in [
            ("soon", "like 2s"),
            ("3s..1s", "shorter duration must come first"),
            ("1s..", "range"),
            ("normal(2s)", "normal(2s, 500ms)"),
            ("pace(0s)", "pace(5s)"),
            ("throughput(0)", "throughput(0.2/s)"),
            ("poisson(2s)", "exponential"),
        ] {
            assert!(Wait::parse(text).unwrap_err().contains(part), "{text}");
        }
    }
}
