//! The table of names while a scenario is compiled: those of requests, groups and metrics.

use brunt_record::{NameId, NameKind, NameSet, RequestName};
use indexmap::IndexSet;

/// Prefix of a name that stands for the requests of every method.
const EVERY_METHOD: &str = "* ";

/// Phase in which requests are made. It determines how they count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// In tasks: they are judged.
    InTasks,
    /// Before a user's tasks.
    OnStart,
    /// Before or after the load, or after a user's tasks.
    SetUp,
}

/// Names interned so far.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: IndexSet<RequestName>,
}

impl Names {
    /// Identifier of a request's name. The same name and method have the same one.
    pub(crate) fn intern(&mut self, name: &str, method: &str, when: When) -> NameId {
        let kind = match when {
            When::OnStart => NameKind::Start,
            When::InTasks | When::SetUp => NameKind::Request,
        };
        self.intern_of(kind, name, method, when != When::InTasks)
    }

    pub(crate) fn intern_group(&mut self, name: &str, when: When) -> NameId {
        self.intern_of(NameKind::Group, name, "", when != When::InTasks)
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

    fn judged(&self, kind: NameKind) -> impl Iterator<Item = (NameId, &RequestName)> {
        let rows = (0u32..).map(NameId).zip(&self.known);
        rows.filter(move |(_, row)| !row.setup && row.kind == kind)
    }

    /// Valid names of targets of a kind: names, and requests with their method.
    pub(crate) fn targetable(&self, kind: NameKind) -> (Vec<&str>, Vec<String>) {
        let rows: Vec<&RequestName> = self.judged(kind).map(|(_, row)| row).collect();
        let with_method = match kind {
            NameKind::Request => rows.iter().map(|row| with_method(row)).collect(),
            NameKind::Group | NameKind::Metric | NameKind::Start => Vec::new(),
        };
        let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        names.dedup();
        (names, with_method)
    }

    /// Finds the requests, group or metric of a target: a name that requests of one method have, `METHOD NAME`, or
    /// `* NAME` for the requests of every method together.
    pub(crate) fn find(&self, kind: NameKind, wanted: &str) -> Result<NameSet, NotFound> {
        let is_it = |row: &RequestName| {
            row.name == wanted || kind == NameKind::Request && with_method(row) == wanted
        };
        let found: Vec<(NameId, &RequestName)> =
            self.judged(kind).filter(|(_, row)| is_it(row)).collect();
        match found[..] {
            [(id, _)] => Ok(id.into()),
            [] => self.find_every_method(kind, wanted).ok_or_else(|| {
                if self.known.iter().any(|row| row.setup && is_it(row)) {
                    NotFound::OfSetup
                } else {
                    NotFound::Unknown
                }
            }),
            _ => Err(NotFound::Ambiguous(
                found.iter().map(|(_, row)| with_method(row)).collect(),
            )),
        }
    }

    fn find_every_method(&self, kind: NameKind, wanted: &str) -> Option<NameSet> {
        let name = wanted.strip_prefix(EVERY_METHOD)?;
        let rows = self
            .judged(kind)
            .filter(|(_, row)| kind == NameKind::Request && row.name == name);
        NameSet::new(rows.map(|(id, _)| id))
    }

    pub(crate) fn into_table(self) -> Vec<RequestName> {
        self.known.into_iter().collect()
    }
}

/// Reason why a target's name matches nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    Unknown,
    /// Only requests of the setup have it.
    OfSetup,
    /// Requests of several methods have it. They are listed with their methods.
    Ambiguous(Vec<String>),
}

fn with_method(row: &RequestName) -> String {
    format!("{} {}", row.method, row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_without_a_method_is_ambiguous_if_several_requests_have_its_name() {
        let mut names = Names::default();
        let get = names.intern("/items", "GET", When::InTasks);
        let post = names.intern("/items", "POST", When::InTasks);
        let list = names.intern("list", "GET", When::InTasks);
        assert_eq!(names.intern("list", "GET", When::InTasks), list, "one row");
        let odd = names.intern("POST /items", "GET", When::InTasks);
        names.intern("/login", "POST", When::OnStart);
        names.intern_group("checkout", When::InTasks);
        let find = |wanted| names.find(NameKind::Request, wanted);
        assert_eq!(find("list"), Ok(list.into()));
        assert_eq!(find("GET list"), Ok(list.into()));
        assert_eq!(find("* list"), Ok(list.into()));
        assert_eq!(find("GET /items"), Ok(get.into()));
        assert_eq!(find("GET POST /items"), Ok(odd.into()));
        assert_eq!(
            Ok(find("* /items").unwrap()),
            NameSet::new([post, get]).ok_or(())
        );
        let ambiguous = |names: [&str; 2]| Err(NotFound::Ambiguous(names.map(Into::into).into()));
        assert_eq!(find("/items"), ambiguous(["GET /items", "POST /items"]));
        assert_eq!(
            find("POST /items"),
            ambiguous(["POST /items", "GET POST /items"])
        );
        assert_eq!(find("/login"), Err(NotFound::OfSetup));
        assert_eq!(find("POST /login"), Err(NotFound::OfSetup));
        assert_eq!(find("checkout"), Err(NotFound::Unknown));
        assert_eq!(find("* /login"), Err(NotFound::Unknown));
        names.find(NameKind::Group, "checkout").unwrap();
    }
}
