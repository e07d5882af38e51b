//! The keeper: the connections and TLS sessions that a user keeps from request to request.

use crate::connections::connection::Link;
use crate::net::tls::Sessions;

#[derive(Default)]
pub(crate) struct Keeper {
    /// At most one for each origin.
    kept: Vec<Link>,
    pub(crate) sessions: Option<Sessions>,
}

impl Keeper {
    /// Takes the connection to an origin.
    #[inline]
    pub(crate) fn take(&mut self, origin: usize) -> Option<Link> {
        let at = self.kept.iter().position(|kept| kept.origin() == origin)?;
        Some(self.kept.swap_remove(at))
    }

    #[inline]
    pub(crate) fn put(&mut self, link: Link) {
        if self.kept.capacity() == 0 {
            // A user speaks to one host; more is rare.
            self.kept.reserve_exact(1);
        }
        self.kept.push(link);
    }

    /// Closes all connections; the sessions stay.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Forgets all that it holds.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}
