//! Interrupts: signals by which the user or the system asks brunt to end.
//!
//! SIGINT, SIGTERM and SIGHUP ask it to end; SIGXFSZ (a file would grow beyond the limit) asks once. Before anything was
//! measured, the first ends brunt at once. After that, the first stops the load, the second cuts it off, and whatever
//! brunt does then, it has ended within a second, and all that it started with it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::time::Duration;

use brunt_record::StoppedBy;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::exit::{Exit, print_error};
use crate::system::child_processes;

/// How long brunt may take to judge and to report once it was asked to end twice.
const ENDS_WITHIN: Duration = Duration::from_millis(900);
/// How long it may take to print that it did not.
const PRINT_WITHIN: Duration = Duration::from_millis(50);

/// Counter of the signals that ask brunt to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupts {
    seen: Arc<AtomicU32>,
    first: Arc<AtomicI32>,
    is_disarmed: Arc<AtomicBool>,
}

/// What comes of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    /// Nothing.
    Ignore,
    /// The measurement in progress ends, and is reported.
    Stop,
    /// The same at once: brunt ends within this time, whatever it does.
    EndWithin(Duration),
    /// brunt ends now.
    EndNow,
}

impl Reaction {
    /// What comes of a signal after so many, before or after something was measured.
    fn to(signal: i32, seen: u32, is_disarmed: bool) -> Self {
        match (signal, seen, is_disarmed) {
            // The write that failed is an error of its own, and reports are written after it.
            (SIGXFSZ, 1.., _) | (SIGXFSZ, _, true) => Self::Ignore,
            (_, _, true) | (_, 2.., false) => Self::EndNow,
            (_, 0, false) => Self::Stop,
            (_, 1, false) => Self::EndWithin(ENDS_WITHIN),
        }
    }
}

impl Interrupts {
    /// Starts to count signals.
    pub(crate) fn watch() -> io::Result<Self> {
        let all = [SIGINT, SIGTERM, SIGHUP, SIGXFSZ];
        // A brunt that was started with nohup outlives the terminal.
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
                    // Without a thread nothing can wait.
                    end_now();
                }
            }
            Reaction::EndNow => end_now(),
            Reaction::Ignore | Reaction::Stop => {}
        }
    }

    /// Lets an interrupt end brunt at once, since nothing has been measured yet.
    pub(crate) fn disarm(&self) {
        self.is_disarmed.store(true, Ordering::SeqCst);
    }

    /// Counts interrupts from now on: a measurement is in progress, and ends by itself.
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

/// Ends brunt after so long, if it has not ended by then.
fn end_after(limit: Duration) {
    std::thread::sleep(limit.saturating_sub(PRINT_WITHIN));
    // The reader of standard error may be stopped as well: brunt does not wait for it.
    let print = || {
        print_error(
            "brunt ended before its report was complete; `brunt report` makes it from the record",
        );
    };
    std::thread::Builder::new().spawn(print).ok();
    std::thread::sleep(PRINT_WITHIN);
    end_now();
}

/// Ends brunt and all that it started, whatever its other threads do.
fn end_now() -> ! {
    child_processes::kill_all();
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

    /// When brunt has ended, after the first signal, if its main thread never does anything again.
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
