//! `testbed timer`: a minimal loop over a timerfd, as the lower bound of a load generator's lag.

use anyhow::Context;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

/// Options of the loop.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rate of due times, per second
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Duration in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
}

/// Waits for evenly spaced due times and does nothing else. Prints the percentiles of the delays.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let count = options.rate * options.seconds;
    let mut late_ns = Vec::with_capacity(usize::try_from(count)?);
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let start_ns = monotonic_ns()? + 1_000_000;
    for number in 0..count {
        let due_ns = start_ns + number * 1_000_000_000 / options.rate;
        let mut now_ns = monotonic_ns()?;
        if now_ns < due_ns {
            let once = Itimerspec {
                it_interval: Timespec::default(),
                it_value: Timespec {
                    tv_sec: i64::try_from(due_ns / 1_000_000_000)?,
                    tv_nsec: i64::try_from(due_ns % 1_000_000_000)?,
                },
            };
            timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME, &once)?;
            rustix::io::retry_on_intr(|| rustix::io::read(&timer, &mut [0_u8; 8]))?;
            now_ns = monotonic_ns()?;
        }
        late_ns.push(now_ns.saturating_sub(due_ns));
    }
    late_ns.sort_unstable();
    println!("count {count}");
    for (name, percent) in [("p50", 50), ("p99", 99), ("max", 100)] {
        let rank = (late_ns.len() * percent).div_ceil(100);
        let value_ns = late_ns.get(rank - 1).context("no due time has passed")?;
        println!("late_{name}_us {:.1}", *value_ns as f64 / 1e3);
    }
    Ok(())
}

fn monotonic_ns() -> anyhow::Result<u64> {
    let now = clock_gettime(ClockId::Monotonic);
    Ok(u64::try_from(now.tv_sec * 1_000_000_000 + now.tv_nsec)?)
}
