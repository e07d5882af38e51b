//! Reads a scenario file and finds all errors in its structure, not only the first.
//!
//! Serde stops at the first value that the types of [`crate::spec`] do not accept. The reader reports it, repairs the
//! parsed table, and reads again: a key that resembles a known one is renamed, and any other value is removed.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error};

use crate::json::numbers;
use crate::source::diagnostic::{Diagnostic, near, suggestion};
use crate::spec::{ANY_VALUE, Spec};

/// Largest number of reported errors.
const PROBLEMS_MAX: usize = 50;

/// The result of reading a file.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The repaired file; `None` if it could not be repaired.
    pub(crate) spec: Option<Spec>,
    /// Errors in its structure.
    pub(crate) diagnostics: Vec<Diagnostic>,
    removed: Removed,
}

/// Removed values. Later errors at their locations may only be consequences.
#[derive(Debug, Default)]
struct Removed {
    /// Locations of removed values and of the tables that contained them, and of their keys.
    spans: Vec<Range<usize>>,
    /// Tables with an unknown key: a missing key may be the one that was meant.
    misnamed: Vec<Range<usize>>,
    /// Whether a removed value may be referenced elsewhere.
    is_referred_to: bool,
}

/// Reads a table; `diagnostics` are its known errors.
pub(crate) fn read(table: DeTable, diagnostics: Vec<Diagnostic>) -> Reading {
    let mut reading = Reading {
        spec: None,
        diagnostics,
        removed: Removed::default(),
    };
    // A file with syntax errors is not read further.
    if !reading.diagnostics.is_empty() {
        return reading;
    }
    let mut table = Spanned::new(0..0, table);
    let mut dates = Vec::new();
    prepare_scenario(table.get_mut(), &mut dates);
    loop {
        let error = match Spec::deserialize(table.clone().into_deserializer()) {
            Ok(spec) => {
                reading.spec = Some(spec);
                let reported = dates.iter().map(|date| date.span.clone());
                reading.removed.spans.extend(reported);
                let unreported = dates.into_iter().filter(|date| !date.is_reported);
                reading.diagnostics.extend(unreported.map(Date::diagnostic));
                return reading;
            }
            Err(error) => error,
        };
        let span = error.span();
        let date = dates
            .iter_mut()
            .find(|date| span.as_ref() == Some(&date.span));
        let date = date.map(|date| {
            date.is_reported = true;
            date.kind
        });
        let is_missing = first_line(&error).starts_with("missing field");
        let comes_of_another = is_missing
            && error
                .span()
                .is_some_and(|span| reading.removed.misnamed.contains(&span));
        let repair = repair_error(table.get_mut(), &error, &mut reading.removed);
        let key = repair.as_ref().and_then(|repair| repair.key.as_deref());
        if !comes_of_another {
            reading.diagnostics.push(diagnostic(&error, key, date));
        }
        if repair.is_none() || reading.diagnostics.len() == PROBLEMS_MAX {
            return reading;
        }
    }
}

impl Reading {
    /// Whether an error of the repaired file is also one of the file itself.
    pub(crate) fn is_of_the_file(&self, diagnostic: &Diagnostic) -> bool {
        let Some(span) = diagnostic.span() else {
            return self.diagnostics.is_empty();
        };
        !self.removed.is_referred_to && !self.removed.spans.contains(span)
    }
}

/// A date or a time of TOML, which no key takes. It is read as the string that was meant.
struct Date {
    span: Range<usize>,
    key: Option<String>,
    text: String,
    kind: &'static str,
    /// Whether its key does not take strings either, and an error says so.
    is_reported: bool,
}

impl Date {
    fn diagnostic(self) -> Diagnostic {
        let what = in_words(self.key.as_deref());
        Diagnostic::new(format!("invalid value: {what} is {}", self.kind))
            .at(self.span, "here")
            .help(format!("write it in quotes: \"{}\"", self.text))
    }
}

/// Keys whose values are sent or compared, in which numbers stay as they are written.
const KEYS_OF_VALUES: [&str; 11] = [
    "query", "form", "json", "headers", "header", "set", "data", "measure", "in", "default",
    "equals",
];

/// Tables whose keys are names.
const TABLES_OF_NAMES: [&str; 5] = [
    "users",
    "profiles",
    "request_targets",
    "group_targets",
    "metric_targets",
];

/// Replaces dates by strings and, within values that are sent, numbers like `1.50` by marked strings.
fn prepare_scenario(table: &mut DeTable, dates: &mut Vec<Date>) {
    for (key, value) in table.iter_mut() {
        let key: &str = key.get_ref().as_ref();
        match value.get_mut() {
            DeValue::Table(names) if TABLES_OF_NAMES.contains(&key) => {
                for (name, value) in names.iter_mut() {
                    prepare(Some(name.get_ref().as_ref()), value, false, dates);
                }
            }
            _ => prepare(Some(key), value, KEYS_OF_VALUES.contains(&key), dates),
        }
    }
}

fn prepare_table(table: &mut DeTable, is_value: bool, dates: &mut Vec<Date>) {
    for (key, value) in table.iter_mut() {
        let key: &str = key.get_ref().as_ref();
        let is_value = is_value || KEYS_OF_VALUES.contains(&key);
        prepare(Some(key), value, is_value, dates);
    }
}

fn prepare(key: Option<&str>, value: &mut Spanned<DeValue>, is_value: bool, dates: &mut Vec<Date>) {
    let span = value.span();
    let replaced = match value.get_mut() {
        DeValue::Table(table) => return prepare_table(table, is_value, dates),
        DeValue::Array(list) => {
            let items = list.iter_mut();
            return items.for_each(|item| prepare(None, item, is_value, dates));
        }
        DeValue::Float(number) if is_value && is_written_otherwise(number.as_str()) => {
            numbers::marked_text(number.as_str())
        }
        DeValue::Datetime(date) => {
            let text = date.to_string();
            dates.push(Date {
                span,
                key: key.map(str::to_owned),
                text: text.clone(),
                kind: match (&date.date, &date.time) {
                    (Some(_), Some(_)) => "a date with a time",
                    (Some(_), None) => "a date",
                    (None, _) => "a time",
                },
                is_reported: false,
            });
            text
        }
        _ => return,
    };
    *value.get_mut() = DeValue::String(replaced.into());
}

/// Whether a number would be sent with other digits than it is written with.
fn is_written_otherwise(number: &str) -> bool {
    let is_finite = number.parse::<f64>().is_ok_and(f64::is_finite);
    is_finite && numbers::is_number(number) && !numbers::is_kept(number)
}

/// A repair.
struct Repair {
    /// The renamed or removed key; `None` for an item of a list.
    key: Option<String>,
}

/// Repairs the cause of an error; `None` if it is not found.
fn repair_error(table: &mut DeTable, error: &Error, removed: &mut Removed) -> Option<Repair> {
    let span = error.span()?;
    let path = find(table, &span, unknown(error).map(|(name, _)| name))?;
    let (last, parents) = path.split_last()?;
    let holder = places(table, parents);
    let repair = match (last, at(table, parents)?) {
        (Step::Key(key), Place::Table(table)) => {
            let (known, value) = table.remove_entry(key.as_str())?;
            if let Some((name, fields)) = unknown(error) {
                match near(name, fields).filter(|meant| !table.contains_key(*meant)) {
                    Some(meant) => {
                        table.insert(Spanned::new(known.span(), meant.to_owned().into()), value);
                    }
                    // The intended key is unknown.
                    None => removed.misnamed.extend(holder),
                }
                return Some(Repair { key: None });
            }
            removed.note(key, &known.span(), &value);
            Repair {
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
            removed.is_referred_to = true;
            Repair { key: None }
        }
        _ => return None,
    };
    removed.spans.extend(holder);
    Some(repair)
}

impl Removed {
    fn note(&mut self, key: &str, place: &Range<usize>, value: &Spanned<DeValue>) {
        // Values that others refer to: names of requests, inherited keys, and complete tables.
        let is_scalar = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        self.is_referred_to |= matches!(key, "name" | "extends" | "tasks") || !is_scalar;
        self.spans.extend([place.clone(), value.span()]);
    }
}

/// Locations of a value and its key.
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

/// A step of a path to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
}

/// A table or list that contains a value.
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

/// Path to the value at a location, or to the key of this name: the innermost one that contains the location. Contents
/// of a table are not within the location of its header, so the complete file is searched.
fn find(table: &DeTable, span: &Range<usize>, name: Option<&str>) -> Option<Vec<Step>> {
    let mut search = Search {
        span,
        name,
        path: Vec::new(),
        found: None,
    };
    search.table(table);
    search.found.map(|(_, path)| path)
}

struct Search<'a> {
    span: &'a Range<usize>,
    /// Key to find; `None` to find a value.
    name: Option<&'a str>,
    path: Vec<Step>,
    /// Nearest match: its excess length over the span, and its path.
    found: Option<(usize, Vec<Step>)>,
}

impl Search<'_> {
    fn table(&mut self, table: &DeTable) {
        for (key, value) in table {
            self.path.push(Step::Key(key.get_ref().to_string()));
            if self.name == Some(key.get_ref().as_ref()) {
                self.consider(key.span());
            }
            self.value(value);
            self.path.pop();
        }
    }

    fn value(&mut self, value: &Spanned<DeValue>) {
        if self.name.is_none() {
            self.consider(value.span());
        }
        match value.get_ref() {
            DeValue::Table(table) => self.table(table),
            DeValue::Array(list) => {
                for (at, item) in list.iter().enumerate() {
                    self.path.push(Step::Item(at));
                    self.value(item);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }

    fn consider(&mut self, place: Range<usize>) {
        if place.start > self.span.start || place.end < self.span.end {
            return;
        }
        let beyond = place.len() - self.span.len();
        if self.found.as_ref().is_none_or(|(known, _)| beyond < *known) {
            self.found = Some((beyond, self.path.clone()));
        }
    }
}

/// The unknown field and the known ones, from serde's message: unknown field `x`, expected one of `a`, `b`
fn unknown(error: &Error) -> Option<(&str, Vec<&str>)> {
    let rest = first_line(error).strip_prefix("unknown field `")?;
    let (name, known) = rest.split_once("`, ").or_else(|| rest.split_once('`'))?;
    Some((name, known.split('`').skip(1).step_by(2).collect()))
}

fn first_line(error: &Error) -> &str {
    error.message().lines().next().unwrap_or_default()
}

/// A value in words, by its key.
fn in_words(key: Option<&str>) -> String {
    key.map_or_else(
        || "an item of the list".to_owned(),
        |key| format!("`{key}`"),
    )
}

/// Largest and smallest whole number of TOML in words.
const WHOLE_NUMBERS: &str = "a whole number from -9223372036854775808 to 9223372036854775807";

/// Converts an error of serde to a diagnostic without terms of Rust. `date` is the kind of the value if it is a date.
fn diagnostic(error: &Error, key: Option<&str>, date: Option<&str>) -> Diagnostic {
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
        let diagnostic = placed(
            Diagnostic::new(format!("key `{name}` is missing")),
            "in this table",
        );
        return diagnostic.help(format!("add {name} = …"));
    }
    if let Some(kind) = message.strip_suffix(" number overflowed") {
        let what = in_words(key);
        let diagnostic = placed(
            Diagnostic::new(format!(
                "invalid value: {what} is a number that is too large"
            )),
            "here",
        );
        return diagnostic.help(if kind == "integer" {
            format!("write {WHOLE_NUMBERS}, or a larger one as a JSON number in an expression: \"{{{{ … }}}}\"")
        } else {
            "write a number below 1.8e308, or a larger one as a JSON number in an expression: \"{{ 1e400 }}\"".to_owned()
        });
    }
    let wrong = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, expected)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return placed(Diagnostic::new(message), "here");
    };
    let what = in_words(key);
    let found_words = date.map_or_else(|| found_in_words(found), str::to_owned);
    let diagnostic = placed(
        Diagnostic::new(format!("invalid value: {what} is {found_words}")),
        "here",
    );
    let is_large = found_words.parse::<i128>().is_ok() && found_words.parse::<i64>().is_err();
    diagnostic.help(if is_large && expected == ANY_VALUE {
        format!(
            "write {WHOLE_NUMBERS}; a larger one is a JSON number in an expression: \"{{{{ {found_words} }}}}\""
        )
    } else {
        format!("write {}", expected_in_words(expected, found))
    })
}

/// Describes the found value: a number literally, any other by its type.
fn found_in_words(found: &str) -> String {
    let quoted = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    let kinds = [
        ("string", "a string"),
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

/// Describes the accepted values.
fn expected_in_words(expected: &str, found: &str) -> String {
    let words = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number of 0 or more",
        "i64" => "a whole number",
        "f64" => "a number",
        "a string" => "a string in quotes",
        "a boolean" => "true or false",
        "a sequence" if found == "map" => {
            "a list; each table of a list begins with double brackets: [[…]]"
        }
        "a sequence" => "a list in brackets",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    words.to_owned()
}
