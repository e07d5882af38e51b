//! Interrupts: how often the user or the system asked brunt to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use record::StoppedBy;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Counts SIGINT and SIGTERM from now on.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    seen: Arc<AtomicU32>,
    first: Arc<AtomicU32>,
}

impl Interrupts {
    pub(crate) fn watch() -> io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let interrupts = Self {
            seen: Arc::default(),
            first: Arc::default(),
        };
        let counting = interrupts.clone();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in signals.forever() {
                    if counting.seen.fetch_add(1, Ordering::SeqCst) == 0 {
                        counting
                            .first
                            .store(signal.unsigned_abs(), Ordering::SeqCst);
                    }
                }
            })?;
        Ok(interrupts)
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
