//! The table of request names while a scenario is read.

use indexmap::IndexSet;
use record::{NameId, RequestName};

/// Names interned so far.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: IndexSet<RequestName>,
}

impl Names {
    /// The number of a name; the same name with the same method has the same number.
    pub(crate) fn intern(&mut self, name: &str, method: &str, setup: bool) -> NameId {
        let name = RequestName {
            name: name.to_owned(),
            method: method.to_owned(),
            setup,
        };
        let (at, _) = self.known.insert_full(name);
        NameId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The judged names, without their methods.
    pub(crate) fn judged(&self) -> impl Iterator<Item = &str> {
        self.known
            .iter()
            .filter(|name| !name.setup)
            .map(|name| name.name.as_str())
    }

    /// The number of the first judged name that reads so.
    pub(crate) fn find(&self, wanted: &str) -> Option<NameId> {
        let at = self
            .known
            .iter()
            .position(|name| !name.setup && name.name == wanted)?;
        u32::try_from(at).ok().map(NameId)
    }

    pub(crate) fn into_table(self) -> Vec<RequestName> {
        self.known.into_iter().collect()
    }
}
