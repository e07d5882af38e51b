//! Starts: what became of what users do before their tasks.

use std::cell::{Cell, RefCell};

/// How a core's users started. Each counts once, however often it comes and goes.
#[derive(Default)]
pub(crate) struct Starts {
    well: Cell<u32>,
    failed: Cell<u32>,
    reason: RefCell<Option<String>>,
}

/// How users started, with what they do before their tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Started {
    /// So many could go on.
    pub well: u32,
    /// So many could not, and stopped.
    pub failed: u32,
    /// Why the first of them could not.
    pub reason: Option<String>,
}

impl Starts {
    pub(crate) fn go_well(&self) {
        self.well.set(self.well.get() + 1);
    }

    pub(crate) fn fail(&self, reason: impl FnOnce() -> String) {
        self.failed.set(self.failed.get() + 1);
        self.reason.borrow_mut().get_or_insert_with(reason);
    }

    pub(crate) fn told(&self) -> Started {
        Started {
            well: self.well.get(),
            failed: self.failed.get(),
            reason: self.reason.borrow().clone(),
        }
    }
}

impl Started {
    /// Adds how others started.
    pub fn add(&mut self, other: Self) {
        self.well += other.well;
        self.failed += other.failed;
        self.reason = self.reason.take().or(other.reason);
    }

    /// Why nobody could go on; `None` where somebody could, or nobody tried.
    pub fn all_failed(&self) -> Option<&str> {
        match self {
            Self {
                well: 0,
                failed: 1..,
                reason: Some(reason),
            } => Some(reason),
            _ => None,
        }
    }
}
