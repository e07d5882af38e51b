//! Signals that stop brunt.
//!
//! SIGINT, SIGTERM and SIGHUP stop it each time; SIGXFSZ (a file would exceed the size limit) only once. Before anything is
//! measured, the first signal ends brunt at once. Later, the first one stops the load, and the second one aborts it: brunt
//! and its child processes then end within a second, whatever they are doing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use brunt_record::StoppedBy;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::exit::{Exit, print_error};
use crate::system::child_processes;

/// Time for the verdict and the report after the second signal.
const ABORT_TIMEOUT: Duration = Duration::from_millis(900);
/// Time for the error message if that was not enough.
const PRINT_TIMEOUT: Duration = Duration::from_millis(50);

/// Counter of stop signals.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupts {
    seen: Arc<AtomicU32>,
    first: Arc<AtomicI32>,
    is_disarmed: Arc<AtomicBool>,
}

/// Reaction to a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    Ignore,
    /// Stop the measurement, and report it.
    Stop,
    /// Abort the measurement; exit after this time at the latest.
    EndWithin(Duration),
    /// Exit.
    EndNow,
}

impl Reaction {
    /// Reaction to a signal, by the number of earlier signals; `is_disarmed`: nothing has been measured.
    fn to(signal: i32, seen: u32, is_disarmed: bool) -> Self {
        match (signal, seen, is_disarmed) {
            // The failed write is reported as an error, and the reports are still written.
            (SIGXFSZ, 1.., _) | (SIGXFSZ, _, true) => Self::Ignore,
            (_, _, true) | (_, 2.., false) => Self::EndNow,
            (_, 0, false) => Self::Stop,
            (_, 1, false) => Self::EndWithin(ABORT_TIMEOUT),
        }
    }
}

impl Interrupts {
    /// Starts to count signals.
    pub(crate) fn watch() -> io::Result<Self> {
        let all = [SIGINT, SIGTERM, SIGHUP, SIGXFSZ];
        // With nohup brunt outlives the terminal.
        let watched = all
            .into_iter()
            .filter(|signal| *signal != SIGHUP || !is_ignored(SIGHUP));
        let mut signals = Signals::new(watched)?;
        let interrupts = Self::default();
        let counting = interrupts.clone();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in signals.forever() {
                    counting.take(signal);
                }
            })?;
        Ok(interrupts)
    }

    fn take(&self, signal: i32) {
        let seen = self.seen.load(Ordering::SeqCst);
        let reaction = Reaction::to(signal, seen, self.is_disarmed.load(Ordering::SeqCst));
        if reaction == Reaction::Ignore {
            return;
        }
        if seen == 0 {
            self.first.store(signal, Ordering::SeqCst);
        }
        self.seen.fetch_add(1, Ordering::SeqCst);
        match reaction {
            Reaction::EndWithin(limit) => {
                let watchdog = std::thread::Builder::new().name("watchdog".into());
                if watchdog.spawn(move || end_after(limit)).is_err() {
                    // Without a thread there is no delayed exit.
                    end_now();
                }
            }
            Reaction::EndNow => end_now(),
            Reaction::Ignore | Reaction::Stop => {}
        }
    }

    /// Makes the next signal end brunt at once: nothing has been measured.
    pub(crate) fn disarm(&self) {
        self.is_disarmed.store(true, Ordering::SeqCst);
    }

    /// Makes the next signal stop the measurement in progress.
    pub(crate) fn arm(&self) {
        self.is_disarmed.store(false, Ordering::SeqCst);
    }

    /// Number of signals so far.
    pub(crate) fn count(&self) -> u32 {
        self.seen.load(Ordering::SeqCst)
    }

    /// Kind of the first signal.
    pub(crate) fn stopped_by(&self) -> StoppedBy {
        if self.first.load(Ordering::SeqCst) == SIGINT {
            StoppedBy::Interrupted
        } else {
            StoppedBy::Terminated
        }
    }
}

/// Exits after this time.
fn end_after(limit: Duration) {
    std::thread::sleep(limit.saturating_sub(PRINT_TIMEOUT));
    // The reader of standard error may hang, so the message is printed by another thread.
    let print = || {
        print_error(
            "stopped before the report was complete; write it from the record with: brunt report",
        );
    };
    std::thread::Builder::new().spawn(print).ok();
    std::thread::sleep(PRINT_TIMEOUT);
    end_now();
}

/// Kills all child processes, and exits.
fn end_now() -> ! {
    let _no_new_children = child_processes::kill_all();
    std::process::exit(Exit::Interrupted.code().into());
}

/// Whether brunt was started with a signal ignored.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    mask_of_ignored(&status).is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// The mask of ignored signals in `/proc/PID/status`.
fn mask_of_ignored(status: &str) -> Option<u64> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use brunt_testbed::interruptions::{Case, Kind, cases};

    use super::*;

    fn number(kind: Kind) -> i32 {
        match kind {
            Kind::Interrupt => SIGINT,
            Kind::Terminate => SIGTERM,
            Kind::HangUp => SIGHUP,
            Kind::FileSize => SIGXFSZ,
        }
    }

    /// Time from the start of the case to the exit, if the main thread hangs.
    fn ends_at(case: &Case) -> Option<Duration> {
        let (mut seen, mut at, mut ends) = (0, Duration::ZERO, None::<Duration>);
        for (kind, after) in &case.signals {
            at += *after;
            if ends.is_some_and(|ends| ends <= at) {
                break;
            }
            let reaction = Reaction::to(number(*kind), seen, case.state.is_before_the_load());
            let limit = match reaction {
                Reaction::Ignore => continue,
                Reaction::Stop => None,
                Reaction::EndWithin(limit) => Some(at + limit),
                Reaction::EndNow => Some(at),
            };
            seen += 1;
            ends = ends.into_iter().chain(limit).min();
        }
        ends
    }

    #[test]
    fn second_signal_ends_brunt_within_a_second_in_each_of_a_thousand_cases() {
        let cases = cases(1, 1_000);
        assert_eq!(cases.len(), 1_000);
        let mut ended = 0;
        for case in &cases {
            let ends = ends_at(case);
            assert_eq!(ends.is_some(), case.ends_by().is_some(), "{case:?}");
            if let (Some(ends), Some(by)) = (ends, case.ends_by()) {
                assert!(ends <= by, "{case:?}: {ends:?}");
                ended += 1;
            }
        }
        assert!(ended > 500, "{ended} of 1,000 have to end");
    }

    #[test]
    fn file_size_signal_asks_once_and_never_ends_a_report() {
        for seen in 1..5 {
            assert_eq!(Reaction::to(SIGXFSZ, seen, false), Reaction::Ignore);
        }
        assert_eq!(Reaction::to(SIGXFSZ, 0, false), Reaction::Stop);
        assert_eq!(Reaction::to(SIGXFSZ, 0, true), Reaction::Ignore);
    }

    #[test]
    fn ignored_signals_are_found_in_the_status_of_a_process() {
        let status =
            "Name:\tbrunt\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert_eq!(mask_of_ignored(status), Some(0x1001));
        assert_eq!(mask_of_ignored("Name:\tbrunt\n"), None);
        let own = std::fs::read_to_string("/proc/self/status").unwrap();
        assert!(mask_of_ignored(&own).is_some());
    }
}
