//! The table of variables while a scenario is read: names become slots, and a name that nothing sets is
//! found.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use indexmap::IndexSet;

use crate::expr::context::Slot;
use crate::source::diagnostic::{Problem, suggestion};

/// Variables named so far.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    known: IndexSet<String>,
    /// Set by the set-up, for all users.
    shared: HashSet<Slot>,
    /// Set by the class that is being read.
    own: HashSet<Slot>,
    used: Vec<(Slot, Range<usize>)>,
    /// Columns of the rows that variables hold, where nothing else is put there.
    columns: HashMap<Slot, Option<Vec<String>>>,
    columns_used: Vec<(Slot, String, Range<usize>)>,
    hidden: usize,
}

impl Variables {
    /// A variable is set.
    pub(crate) fn set(&mut self, name: &str) -> Slot {
        let slot = self.slot(name);
        self.own.insert(slot);
        slot
    }

    /// A variable is used, at a place of the file.
    pub(crate) fn use_at(&mut self, name: &str, place: &Range<usize>) -> Slot {
        let slot = self.slot(name);
        self.used.push((slot, place.clone()));
        slot
    }

    /// A variable gets a value: a row with these columns, or (`None`) anything else.
    pub(crate) fn holds(&mut self, slot: Slot, columns: Option<Vec<String>>) {
        match self.columns.entry(slot) {
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
    pub(crate) fn use_column(&mut self, slot: Slot, column: &str, place: &Range<usize>) {
        self.columns_used
            .push((slot, column.to_owned(), place.clone()));
    }

    /// A slot that no name leads to.
    pub(crate) fn hidden(&mut self) -> Slot {
        self.hidden += 1;
        // No name begins with a digit.
        self.slot(&format!("{} hidden", self.hidden))
    }

    fn slot(&mut self, name: &str) -> Slot {
        let (at, _) = self.known.insert_full(name.to_owned());
        Slot(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// What was set so far is there for all users; whether anything was.
    pub(crate) fn share(&mut self) -> bool {
        self.shared.extend(self.own.drain());
        !self.shared.is_empty()
    }

    /// Ends what is read of a class; what was used and is set nowhere goes to the problems.
    pub(crate) fn end_class(&mut self, others: &[&str], problems: &mut Vec<Problem>) {
        let is_set = |slot: &Slot| self.own.contains(slot) || self.shared.contains(slot);
        for (slot, place) in &self.used {
            if is_set(slot) {
                continue;
            }
            let name = &self.known[slot.index()];
            let set = self.known.iter().enumerate().filter(|(at, name)| {
                is_set(&Slot(u32::try_from(*at).unwrap_or(u32::MAX))) && !name.ends_with(" hidden")
            });
            let known = set.map(|(_, name)| name.as_str());
            let known: Vec<&str> = known.chain(others.iter().copied()).collect();
            let problem = Problem::new(format!("nothing is named `{name}` here"))
                .at(place.clone(), "used here")
                .help(suggestion(name, known));
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        for (slot, column, place) in self.columns_used.drain(..) {
            let columns = self.columns.get(&slot).and_then(Option::as_deref);
            if let Err(problem) = check_column(&column, columns, &place)
                && !problems.contains(&problem)
            {
                problems.push(problem);
            }
        }
        self.columns.retain(|slot, _| self.shared.contains(slot));
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
) -> Result<(), Problem> {
    match columns {
        Some(columns) if !columns.iter().any(|known| known == column) => {
            let known = columns.iter().map(String::as_str);
            Err(Problem::new(format!("the rows have no column `{column}`"))
                .at(place.clone(), "used here")
                .help(suggestion(column, known)))
        }
        _ => Ok(()),
    }
}
