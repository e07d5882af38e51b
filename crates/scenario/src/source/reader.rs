//! Reads a scenario file to the end: everything that is wrong with its shape, not only the first.
//!
//! The types of [`crate::spec`] say what a file may hold, and serde stops at the first thing that they do
//! not. So what it stops at is noted and mended in the table that was parsed, and the table is read again:
//! a field whose name is nearly a known one gets that name, anything else is taken out.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error};

use crate::source::diagnostic::{Diagnostic, near, suggestion};
use crate::spec::Spec;

/// A file with more mistakes than these is of another kind.
const PROBLEMS_MAX: usize = 50;

/// What was read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The file as it was mended; nothing where that could not be done.
    pub(crate) spec: Option<Spec>,
    /// What is wrong with its shape.
    pub(crate) diagnostics: Vec<Diagnostic>,
    taken_out: TakenOut,
}

/// What is missing since it was taken out: what else is wrong there may only come of that.
#[derive(Debug, Default)]
struct TakenOut {
    /// What was taken out, and the tables from which it was, each by its own place and by its key's.
    spans: Vec<Range<usize>>,
    /// Tables that had a field which is not known: what they miss is what was meant by it.
    misnamed: Vec<Range<usize>>,
    /// Whether something may be missing that other places refer to.
    is_referred_to: bool,
}

/// Reads a table; problems are those that are known of it.
pub(crate) fn read(table: DeTable, diagnostics: Vec<Diagnostic>) -> Reading {
    let mut reading = Reading {
        spec: None,
        diagnostics,
        taken_out: TakenOut::default(),
    };
    // What else is wrong with what TOML does not read cannot be told.
    if !reading.diagnostics.is_empty() {
        return reading;
    }
    let mut table = Spanned::new(0..0, table);
    loop {
        let error = match Spec::deserialize(table.clone().into_deserializer()) {
            Ok(spec) => {
                reading.spec = Some(spec);
                return reading;
            }
            Err(error) => error,
        };
        let is_missing = first_line(&error).starts_with("missing field");
        let comes_of_another = is_missing
            && error
                .span()
                .is_some_and(|span| reading.taken_out.misnamed.contains(&span));
        let mended = mend(table.get_mut(), &error, &mut reading.taken_out);
        let key = mended.as_ref().and_then(|mended| mended.key.as_deref());
        if !comes_of_another {
            reading.diagnostics.push(diagnostic(&error, key));
        }
        if mended.is_none() || reading.diagnostics.len() == PROBLEMS_MAX {
            return reading;
        }
    }
}

impl Reading {
    /// Whether a problem of the mended file is one of the file itself.
    pub(crate) fn is_of_the_file(&self, diagnostic: &Diagnostic) -> bool {
        let Some(span) = diagnostic.span() else {
            return self.diagnostics.is_empty();
        };
        !self.taken_out.is_referred_to && !self.taken_out.spans.contains(span)
    }
}

/// What was done.
struct Mended {
    /// The key that was renamed or taken out; none of an item of a list.
    key: Option<String>,
}

/// Mends what an error is about; nothing where that is not found.
fn mend(table: &mut DeTable, error: &Error, taken_out: &mut TakenOut) -> Option<Mended> {
    let span = error.span()?;
    let path = find(table, &span, unknown(error).map(|(name, _)| name))?;
    let (last, parents) = path.split_last()?;
    let holder = places(table, parents);
    let mended = match (last, at(table, parents)?) {
        (Step::Key(key), Place::Table(table)) => {
            let (known, value) = table.remove_entry(key.as_str())?;
            if let Some((name, fields)) = unknown(error) {
                match near(name, fields).filter(|meant| !table.contains_key(*meant)) {
                    Some(meant) => {
                        table.insert(Spanned::new(known.span(), meant.to_owned().into()), value);
                    }
                    // Nothing is missing that anyone knows of.
                    None => taken_out.misnamed.extend(holder),
                }
                return Some(Mended { key: None });
            }
            taken_out.note(key, &known.span(), &value);
            Mended {
                key: Some(key.clone()),
            }
        }
        (Step::Item(at), Place::List(list)) => {
            let kept = std::mem::replace(list, DeArray::new())
                .into_iter()
                .enumerate();
            *list = kept
                .filter(|(index, _)| index != at)
                .map(|(_, item)| item)
                .collect();
            taken_out.is_referred_to = true;
            Mended { key: None }
        }
        _ => return None,
    };
    taken_out.spans.extend(holder);
    Some(mended)
}

impl TakenOut {
    fn note(&mut self, key: &str, place: &Range<usize>, value: &Spanned<DeValue>) {
        // A request's name, what classes take over from each other, or a whole table.
        let is_scalar = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        self.is_referred_to |= matches!(key, "name" | "extends" | "tasks") || !is_scalar;
        self.spans.extend([place.clone(), value.span()]);
    }
}

/// The places of what a way leads to: its own, and that of its key.
fn places(table: &DeTable, path: &[Step]) -> Vec<Range<usize>> {
    let Some((Step::Key(first), rest)) = path.split_first() else {
        return Vec::new();
    };
    let entry = |table: &DeTable, key: &str| {
        let (key, value) = table.get_key_value(key)?;
        Some((key.span(), value.span()))
    };
    let Some((mut key_span, mut own_span)) = entry(table, first) else {
        return Vec::new();
    };
    let mut value = table.get(first.as_str()).map(Spanned::get_ref);
    for step in rest {
        value = match (step, value) {
            (Step::Key(key), Some(DeValue::Table(table))) => {
                if let Some((key, own)) = entry(table, key) {
                    (key_span, own_span) = (key, own);
                }
                table.get(key.as_str()).map(Spanned::get_ref)
            }
            (Step::Item(at), Some(DeValue::Array(list))) => {
                let item = list.get(*at);
                own_span = item.map_or(own_span, Spanned::span);
                item.map(Spanned::get_ref)
            }
            _ => None,
        };
    }
    vec![own_span, key_span]
}

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
}

/// What holds values.
enum Place<'a, 'i> {
    Table(&'a mut DeTable<'i>),
    List(&'a mut DeArray<'i>),
}

fn at<'a, 'i>(table: &'a mut DeTable<'i>, path: &[Step]) -> Option<Place<'a, 'i>> {
    let Some((first, rest)) = path.split_first() else {
        return Some(Place::Table(table));
    };
    let Step::Key(key) = first else {
        return None;
    };
    let mut value = table.get_mut(key.as_str())?.get_mut();
    for step in rest {
        value = match (step, value) {
            (Step::Key(key), DeValue::Table(table)) => table.get_mut(key.as_str())?.get_mut(),
            (Step::Item(at), DeValue::Array(list)) => list.get_mut(*at)?.get_mut(),
            _ => return None,
        };
    }
    match value {
        DeValue::Table(table) => Some(Place::Table(table)),
        DeValue::Array(list) => Some(Place::List(list)),
        _ => None,
    }
}

/// The way to the value that has this place in the file, or to the key of this name; to the innermost that
/// holds it where none is exactly there. What is under a header lies beside the header's own place, so all is
/// looked through.
fn find(table: &DeTable, span: &Range<usize>, name: Option<&str>) -> Option<Vec<Step>> {
    let mut search = Search {
        span,
        name,
        way: Vec::new(),
        found: None,
    };
    search.table(table);
    search.found.map(|(_, way)| way)
}

struct Search<'a> {
    span: &'a Range<usize>,
    /// The key that is looked for; none where it is a value.
    name: Option<&'a str>,
    way: Vec<Step>,
    /// How far beyond the span the nearest one reaches, and the way to it.
    found: Option<(usize, Vec<Step>)>,
}

impl Search<'_> {
    fn table(&mut self, table: &DeTable) {
        for (key, value) in table {
            self.way.push(Step::Key(key.get_ref().to_string()));
            if self.name == Some(key.get_ref().as_ref()) {
                self.look_at(key.span());
            }
            self.value(value);
            self.way.pop();
        }
    }

    fn value(&mut self, value: &Spanned<DeValue>) {
        if self.name.is_none() {
            self.look_at(value.span());
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(table),
            DeValue::Array(list) => {
                for (at, item) in list.iter().enumerate() {
                    self.way.push(Step::Item(at));
                    self.value(item);
                    self.way.pop();
                }
            }
            _ => {}
        }
    }

    fn look_at(&mut self, place: Range<usize>) {
        if place.start > self.span.start || place.end < self.span.end {
            return;
        }
        let beyond = place.len() - self.span.len();
        if self.found.as_ref().is_none_or(|(known, _)| beyond < *known) {
            self.found = Some((beyond, self.way.clone()));
        }
    }
}

/// The field that is not known, with those that are. The words are serde's: unknown field `x`, expected
/// one of `a`, `b`
fn unknown(error: &Error) -> Option<(&str, Vec<&str>)> {
    let rest = first_line(error).strip_prefix("unknown field `")?;
    let (name, known) = rest.split_once("`, ").or_else(|| rest.split_once('`'))?;
    Some((name, known.split('`').skip(1).step_by(2).collect()))
}

fn first_line(error: &Error) -> &str {
    error.message().lines().next().unwrap_or_default()
}

/// What serde says, in words that need no Rust.
fn diagnostic(error: &Error, key: Option<&str>) -> Diagnostic {
    let message = first_line(error);
    let placed = |diagnostic: Diagnostic, label: &str| match error.span() {
        Some(span) => diagnostic.at(span, label),
        None => diagnostic,
    };
    if let Some((name, known)) = unknown(error) {
        let diagnostic = placed(Diagnostic::new(format!("unknown key `{name}`")), "here");
        return diagnostic.help(suggestion(name, known));
    }
    if let Some(name) = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        let diagnostic = placed(Diagnostic::new(format!("`{name}` is missing")), "in here");
        return diagnostic.help(format!("add {name} = …"));
    }
    let wrong = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, expected)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return placed(Diagnostic::new(message), "here");
    };
    let what = key.map_or_else(
        || "an item of this list".to_owned(),
        |key| format!("`{key}`"),
    );
    let diagnostic = placed(
        Diagnostic::new(format!("{what} is {}", found_in_words(found))),
        "here",
    );
    diagnostic.help(format!("write {}", expected_in_words(expected, found)))
}

/// What was found: a number as it is, anything else by its kind.
fn found_in_words(found: &str) -> String {
    let quoted = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    let kinds = [
        ("string", "a text"),
        ("boolean", "true or false"),
        ("sequence", "a list"),
        ("map", "a table"),
        ("unit", "nothing"),
    ];
    if found.starts_with("integer") || found.starts_with("floating point") {
        return quoted(found);
    }
    let kind = kinds.iter().find(|(kind, _)| found.starts_with(kind));
    kind.map_or_else(|| found.to_owned(), |(_, words)| (*words).to_owned())
}

/// What is accepted.
fn expected_in_words(expected: &str, found: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number of 0 or more",
        "i64" => "a whole number",
        "f64" => "a number",
        "a string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" if found == "map" => {
            "a list; of tables, each begins with double brackets: [[…]]"
        }
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    words.to_owned()
}
