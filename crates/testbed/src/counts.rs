//! What a server saw.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a server saw, to the request. A count is made before its effect can be seen by the client,
/// so that it is there when the client has its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were accepted.
    pub connections: u64,
    /// Of these, the ones that the server closed or reset; not those that ended with the server.
    pub closed: u64,
    /// Requests of which head and body were read completely.
    pub requests: u64,
    /// Of these, how many by path, without the query.
    pub by_path: BTreeMap<String, u64>,
    /// Requests that break HTTP/1.1; each is answered with 400.
    pub malformed: u64,
    /// Requests of which only a part came before the connection ended.
    pub cut_off: u64,
    /// Final answers that were handed to the kernel completely, by status.
    pub answers: BTreeMap<u16, u64>,
    /// Final answers that were begun and not completed, by a fault or since the client was gone.
    pub unfinished: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes handed to the kernel.
    pub bytes_written: u64,
}

/// The counts while they grow.
#[derive(Debug, Default)]
pub(crate) struct ServerCounters(Mutex<Counts>);

impl ServerCounters {
    pub(crate) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    pub(crate) fn connection(&self) {
        self.lock().connections += 1;
    }

    pub(crate) fn closed(&self) {
        self.lock().closed += 1;
    }

    /// Counts a request and tells its number on this server, from 1.
    pub(crate) fn request(&self, path: &str) -> u64 {
        let mut counts = self.lock();
        counts.requests += 1;
        match counts.by_path.get_mut(path) {
            Some(count) => *count += 1,
            None => {
                counts.by_path.insert(path.to_owned(), 1);
            }
        }
        counts.requests
    }

    pub(crate) fn malformed(&self) {
        self.lock().malformed += 1;
    }

    pub(crate) fn cut_off(&self) {
        self.lock().cut_off += 1;
    }

    pub(crate) fn answer(&self, status: u16) {
        *self.lock().answers.entry(status).or_default() += 1;
    }

    /// Takes an answer back that was counted and then failed on its way.
    pub(crate) fn withdraw(&self, status: u16) {
        let mut counts = self.lock();
        if let Some(count) = counts.answers.get_mut(&status) {
            *count -= 1;
            if *count == 0 {
                counts.answers.remove(&status);
            }
        }
        counts.unfinished += 1;
    }

    pub(crate) fn unfinished(&self) {
        self.lock().unfinished += 1;
    }

    pub(crate) fn read(&self, bytes: usize) {
        self.lock().bytes_read += bytes as u64;
    }

    pub(crate) fn written(&self, bytes: usize) {
        self.lock().bytes_written += bytes as u64;
    }

    /// Takes bytes back that were counted and then not written.
    pub(crate) fn not_written(&self, bytes: usize) {
        self.lock().bytes_written -= bytes as u64;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
