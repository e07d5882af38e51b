//! Counts of a server.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Exact counts of a server. Each count is made before the client can observe its effect,
/// so that it is complete when the client has its response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted connections.
    pub connections: u64,
    /// Connections that the server closed or reset, except by its stop.
    pub closed: u64,
    /// Requests that were read completely, body included.
    pub requests: u64,
    /// These requests by path, without the query.
    pub by_path: BTreeMap<String, u64>,
    /// Requests that violate HTTP/1.1; each gets a 400.
    pub malformed: u64,
    /// Requests that were cut off by the end of the connection.
    pub cut_off: u64,
    /// Final responses that were completely handed to the kernel, by status.
    pub responses: BTreeMap<u16, u64>,
    /// Final responses that were started and not completed, because of a fault or since the client had disconnected.
    pub unfinished: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes handed to the kernel.
    pub bytes_written: u64,
}

/// The counts of a running server.
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

    /// Counts a request and returns its number on this server, from 1.
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

    pub(crate) fn count_response(&self, status: u16) {
        *self.lock().responses.entry(status).or_default() += 1;
    }

    /// Takes back a counted response whose sending failed.
    pub(crate) fn withdraw(&self, status: u16) {
        let mut counts = self.lock();
        if let Some(count) = counts.responses.get_mut(&status) {
            *count -= 1;
            if *count == 0 {
                counts.responses.remove(&status);
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

    /// Takes back counted bytes that were not written.
    pub(crate) fn not_written(&self, bytes: usize) {
        self.lock().bytes_written -= bytes as u64;
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
