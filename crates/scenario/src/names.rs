//! The table of names while a scenario is read: those of requests, groups and metrics.

use indexmap::IndexSet;
use record::{NameId, NameKind, RequestName};

/// Names interned so far.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: IndexSet<RequestName>,
}

impl Names {
    /// The number of a request's name; the same name with the same method has the same number.
    pub(crate) fn intern(&mut self, name: &str, method: &str, setup: bool) -> NameId {
        self.intern_of(NameKind::Request, name, method, setup)
    }

    pub(crate) fn intern_group(&mut self, name: &str, setup: bool) -> NameId {
        self.intern_of(NameKind::Group, name, "", setup)
    }

    pub(crate) fn intern_metric(&mut self, name: &str) -> NameId {
        self.intern_of(NameKind::Metric, name, "", false)
    }

    fn intern_of(&mut self, kind: NameKind, name: &str, method: &str, setup: bool) -> NameId {
        let name = RequestName {
            name: name.to_owned(),
            method: method.to_owned(),
            setup,
            kind,
        };
        let (at, _) = self.known.insert_full(name);
        NameId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The names of a kind that targets may be of.
    pub(crate) fn judged(&self, kind: NameKind) -> impl Iterator<Item = &str> {
        self.known
            .iter()
            .filter(move |name| !name.setup && name.kind == kind)
            .map(|name| name.name.as_str())
    }

    /// The number of the first judged name of a kind that reads so.
    pub(crate) fn find(&self, kind: NameKind, wanted: &str) -> Option<NameId> {
        let is_it = |name: &RequestName| !name.setup && name.kind == kind && name.name == wanted;
        let at = self.known.iter().position(is_it)?;
        u32::try_from(at).ok().map(NameId)
    }

    pub(crate) fn into_table(self) -> Vec<RequestName> {
        self.known.into_iter().collect()
    }
}
