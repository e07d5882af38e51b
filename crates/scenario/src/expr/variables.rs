//! The table of variables while a scenario is compiled: names become slots, and names that are never set are reported.

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
    /// Set by the setup, for all users.
    shared: HashSet<VariableId>,
    /// Set by the current class.
    own: HashSet<VariableId>,
    used: Vec<(VariableId, Range<usize>)>,
    /// Columns of the rows that variables contain; `None` for variables with other values.
    columns: HashMap<VariableId, Option<Vec<String>>>,
    columns_used: Vec<(VariableId, String, Range<usize>)>,
    /// Whether variables only contain values that were percent-encoded.
    encoded: HashMap<VariableId, bool>,
    hidden: usize,
}

impl Variables {
    /// Defines a variable.
    pub(crate) fn set(&mut self, name: &str) -> VariableId {
        let id = self.id(name);
        self.own.insert(id);
        id
    }

    /// Notes the use of a variable at a location in the file.
    pub(crate) fn use_at(&mut self, name: &str, place: &Range<usize>) -> VariableId {
        let id = self.id(name);
        self.used.push((id, place.clone()));
        id
    }

    /// Notes that a variable gets a row with these columns, or another value (`None`).
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

    /// Notes whether a value that a variable gets is percent-encoded.
    pub(crate) fn note_encoding(&mut self, id: VariableId, is_encoded: bool) {
        *self.encoded.entry(id).or_insert(true) &= is_encoded;
    }

    /// Whether all values that a variable gets are percent-encoded.
    pub(crate) fn is_encoded(&self, id: VariableId) -> bool {
        self.encoded.get(&id).copied().unwrap_or(false)
    }

    /// Notes the use of a column of a variable at a location in the file.
    pub(crate) fn use_column(&mut self, id: VariableId, column: &str, place: &Range<usize>) {
        self.columns_used
            .push((id, column.to_owned(), place.clone()));
    }

    /// Adds a slot without a name.
    pub(crate) fn hidden(&mut self) -> VariableId {
        self.hidden += 1;
        // Names never begin with a digit.
        self.id(&format!("{} hidden", self.hidden))
    }

    fn id(&mut self, name: &str) -> VariableId {
        let (at, _) = self.known.insert_full(name.to_owned());
        VariableId(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// Shares all variables set so far with all users. Returns whether there are any.
    pub(crate) fn share(&mut self) -> bool {
        self.shared.extend(self.own.drain());
        !self.shared.is_empty()
    }

    /// Ends a class. Variables that are used and never set go to the diagnostics.
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
            let diagnostic = Diagnostic::new(format!("unknown variable or data `{name}`"))
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
        self.encoded.retain(|id, _| self.shared.contains(id));
        self.used.clear();
        self.own.clear();
        self.hidden = 0;
    }

    /// Names of the slots of a user. Names with a space are hidden.
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
