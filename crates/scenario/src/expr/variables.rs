//! The table of variables while a scenario is read: names become slots, and a name that nothing sets is
//! found.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use indexmap::IndexSet;

use crate::expr::context::VariableId;
use crate::source::diagnostic::{Diagnostic, suggestion};

/// Variables named so far.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    known: IndexSet<String>,
    /// Set by the set-up, for all users.
    shared: HashSet<VariableId>,
    /// Set by the class that is being read.
    own: HashSet<VariableId>,
    used: Vec<(VariableId, Range<usize>)>,
    /// Columns of the rows that variables hold, where nothing else is put there.
    columns: HashMap<VariableId, Option<Vec<String>>>,
    columns_used: Vec<(VariableId, String, Range<usize>)>,
    hidden: usize,
}

impl Variables {
    /// A variable is set.
    pub(crate) fn set(&mut self, name: &str) -> VariableId {
        let id = self.id(name);
        self.own.insert(id);
        id
    }

    /// A variable is used, at a place of the file.
    pub(crate) fn use_at(&mut self, name: &str, place: &Range<usize>) -> VariableId {
        let id = self.id(name);
        self.used.push((id, place.clone()));
        id
    }

    /// A variable gets a value: a row with these columns, or (`None`) anything else.
    pub(crate) fn holds(&mut self, id: VariableId, columns: Option<Vec<String>>) {
        match self.columns.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(columns);
            }
            Entry::Occupied(mut entry) => match (entry.get_mut(), columns) {
                (Some(known), Some(columns)) => known.extend(columns),
                (known, _) => *known = None,
            },
        }
    }

    /// A column of the row that a variable holds is used, at a place of the file.
    pub(crate) fn use_column(&mut self, id: VariableId, column: &str, place: &Range<usize>) {
        self.columns_used
            .push((id, column.to_owned(), place.clone()));
    }

    /// A slot that no name leads to.
    pub(crate) fn hidden(&mut self) -> VariableId {
        self.hidden += 1;
        // No name begins with a digit.
        self.id(&format!("{} hidden", self.hidden))
    }

    fn id(&mut self, name: &str) -> VariableId {
        let (at, _) = self.known.insert_full(name.to_owned());
        VariableId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// What was set so far is there for all users; whether anything was.
    pub(crate) fn share(&mut self) -> bool {
        self.shared.extend(self.own.drain());
        !self.shared.is_empty()
    }

    /// Ends what is read of a class; what was used and is set nowhere goes to the problems.
    pub(crate) fn end_class(&mut self, others: &[&str], diagnostics: &mut Vec<Diagnostic>) {
        let is_set = |id: &VariableId| self.own.contains(id) || self.shared.contains(id);
        for (id, place) in &self.used {
            if is_set(id) {
                continue;
            }
            let name = &self.known[id.index()];
            let set = self.known.iter().enumerate().filter(|(at, name)| {
                is_set(&VariableId(u32::try_from(*at).unwrap_or(u32::MAX)))
                    && !name.ends_with(" hidden")
            });
            let known = set.map(|(_, name)| name.as_str());
            let known: Vec<&str> = known.chain(others.iter().copied()).collect();
            let diagnostic = Diagnostic::new(format!("nothing is named `{name}` here"))
                .at(place.clone(), "used here")
                .help(suggestion(name, known));
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
        for (id, column, place) in self.columns_used.drain(..) {
            let columns = self.columns.get(&id).and_then(Option::as_deref);
            if let Err(diagnostic) = check_column(&column, columns, &place)
                && !diagnostics.contains(&diagnostic)
            {
                diagnostics.push(diagnostic);
            }
        }
        self.columns.retain(|id, _| self.shared.contains(id));
        self.used.clear();
        self.own.clear();
        self.hidden = 0;
    }

    /// What is in each slot of a user; names with a blank are hidden.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.known.iter()
    }
}

/// Whether rows have a column.
pub(crate) fn check_column(
    column: &str,
    columns: Option<&[String]>,
    place: &Range<usize>,
) -> Result<(), Diagnostic> {
    match columns {
        Some(columns) if !columns.iter().any(|known| known == column) => {
            let known = columns.iter().map(String::as_str);
            Err(
                Diagnostic::new(format!("the rows have no column `{column}`"))
                    .at(place.clone(), "used here")
                    .help(suggestion(column, known)),
            )
        }
        _ => Ok(()),
    }
}
