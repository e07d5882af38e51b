//! Interrupts: how often the user or the system asked brunt to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use record::StoppedBy;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Exit;

/// SIGINT and SIGTERM, counted. While nothing has been measured, the first one ends brunt at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupts {
    seen: Arc<AtomicU32>,
    first: Arc<AtomicU32>,
    nothing_to_lose: Arc<AtomicBool>,
}

impl Interrupts {
    /// Watches from now on.
    pub(crate) fn watch() -> io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let interrupts = Self::default();
        let counting = interrupts.clone();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in signals.forever() {
                    if counting.nothing_to_lose.load(Ordering::SeqCst) {
                        std::process::exit(Exit::Interrupted.code().into());
                    }
                    if counting.seen.fetch_add(1, Ordering::SeqCst) == 0 {
                        counting
                            .first
                            .store(signal.unsigned_abs(), Ordering::SeqCst);
                    }
                }
            })?;
        Ok(interrupts)
    }

    /// Nothing has been measured yet: an interrupt may end brunt at once.
    pub(crate) fn nothing_to_lose(&self) {
        self.nothing_to_lose.store(true, Ordering::SeqCst);
    }

    /// From now on something is measured: an interrupt is counted, and whoever measures ends.
    pub(crate) fn something_to_lose(&self) {
        self.nothing_to_lose.store(false, Ordering::SeqCst);
    }

    /// How often so far.
    pub(crate) fn count(&self) -> u32 {
        self.seen.load(Ordering::SeqCst)
    }

    /// What the first one was.
    pub(crate) fn stopped_by(&self) -> StoppedBy {
        if self.first.load(Ordering::SeqCst) == SIGTERM.unsigned_abs() {
            StoppedBy::Terminated
        } else {
            StoppedBy::Interrupted
        }
    }
}
