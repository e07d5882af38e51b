//! Shutdown of a server.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A flag that interrupts waiting threads.
#[derive(Debug, Default)]
pub(crate) struct ShutdownFlag {
    set: Mutex<bool>,
    changed: Condvar,
}

/// The server is stopping.
#[derive(Debug)]
pub(crate) struct ServerStopping;

impl ShutdownFlag {
    pub(crate) fn set(&self) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for a duration. Fails if the server stops before its end.
    pub(crate) fn sleep(&self, duration: Duration) -> Result<(), ServerStopping> {
        let until = Instant::now() + duration;
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        while !*set {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            set = self
                .changed
                .wait_timeout(set, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Err(ServerStopping)
    }
}
