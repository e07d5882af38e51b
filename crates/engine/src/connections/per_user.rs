//! The connections and TLS sessions that a user keeps between requests.

use super::connection::Connection;
use crate::net::tls::TlsSessions;

#[derive(Default)]
pub(crate) struct UserConnections {
    /// At most one connection per origin.
    idle: Vec<Connection>,
    pub(crate) sessions: Option<TlsSessions>,
}

impl UserConnections {
    /// Takes the connection to an origin.
    #[inline]
    pub(crate) fn take(&mut self, origin: usize) -> Option<Connection> {
        let at = self.idle.iter().position(|idle| idle.origin() == origin)?;
        Some(self.idle.swap_remove(at))
    }

    #[inline]
    pub(crate) fn put(&mut self, connection: Connection) {
        if self.idle.capacity() == 0 {
            // Most users send to one host.
            self.idle.reserve_exact(1);
        }
        self.idle.push(connection);
    }

    /// Closes all connections; the TLS sessions stay.
    pub(crate) fn close_all(&mut self) {
        self.idle.clear();
    }

    /// Closes all connections and drops the TLS sessions.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}
