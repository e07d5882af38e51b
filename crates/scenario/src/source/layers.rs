//! Layers of a scenario. From the lowest: included files, the file itself, the environment, the command line. Each
//! overrides the ones before it, value by value.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::source::diagnostic::{Diagnostic, syntax};
use crate::source::source_map::SourceMap;

/// Largest number of included files, including those that they include.
const INCLUDES_MAX: usize = 32;

/// Layers below and above a scenario file.
#[derive(Clone, Copy)]
pub struct Layers<'a> {
    /// Values from the environment and the command line, the lowest first.
    pub assignments: &'a [Assignment],
    /// Reads an included file.
    pub file: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl std::fmt::Debug for Layers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers")
            .field("assignments", &self.assignments)
            .finish_non_exhaustive()
    }
}

/// A value from the environment or the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Origin of the value in messages.
    by: String,
    /// The keys that lead to the value.
    path: Vec<String>,
    /// Whether keys are written as in environment variables: in capitals, without hyphens.
    is_of_environment: bool,
    /// The complete text; the value begins at `value_at`.
    text: String,
    value_at: usize,
}

impl Assignment {
    /// Parses an argument of `--set`, such as `users.normal.wait=1s`. Keys are TOML keys, and list items are numbered
    /// from 0. A value that is not TOML is a text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let ends = text.match_indices('=').map(|(at, _)| at);
        let read = |at: usize| Some((at, keys(&text[..at])?));
        let Some((at, path)) = ends.into_iter().find_map(read) else {
            return Err(format!(
                "invalid assignment `{text}`: must be like users.normal.wait=1s"
            ));
        };
        Ok(Self {
            by: "--set".to_owned(),
            path,
            is_of_environment: false,
            text: text.to_owned(),
            value_at: at + 1,
        })
    }

    /// The host of a user class, from `--host CLASS=URL`.
    pub fn of_class_host(class: &str, url: &str) -> Self {
        let path = ["users", class, "host"].map(str::to_owned);
        Self {
            by: "--host".to_owned(),
            path: path.into(),
            is_of_environment: false,
            text: format!("{class}={url}"),
            value_at: class.len() + 1,
        }
    }

    /// The HTTP version, from `--http VERSION`.
    pub fn of_http(version: &str) -> Self {
        let key = "http";
        Self {
            by: "--http".to_owned(),
            path: vec![key.to_owned()],
            is_of_environment: false,
            text: format!("{key}=\"{version}\""),
            value_at: key.len() + 1,
        }
    }

    /// Parses an environment variable; `None` if it does not belong to a scenario. `BRUNT__` and the keys in capitals,
    /// separated by two underscores: `BRUNT__USERS__NORMAL__WAIT`.
    pub fn of_environment(name: &str, value: &str) -> Option<Self> {
        let keys = name
            .strip_prefix("BRUNT__")
            .filter(|keys| !keys.is_empty())?;
        Some(Self {
            by: "the environment".to_owned(),
            path: keys.split("__").map(str::to_lowercase).collect(),
            is_of_environment: true,
            text: format!("{name}={value}"),
            value_at: name.len() + 1,
        })
    }
}

/// Parts of a dotted key.
fn keys(text: &str) -> Option<Vec<String>> {
    if text.contains(['\n', '#']) {
        return None;
    }
    let line = format!("{text} = 0");
    let mut table = DeTable::parse(&line).ok()?.into_inner();
    let mut path = Vec::new();
    loop {
        let (key, value) = table.into_iter().next()?;
        path.push(key.into_inner().into_owned());
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(path),
        }
    }
}

/// The texts of a scenario and its layers, and the errors of its includes. Texts are identified by their positions in
/// the source map: files (lowest first), then assignments.
pub(crate) struct Collected {
    pub(crate) sources: SourceMap,
    files: Vec<usize>,
    assignments: Vec<usize>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Reads all layers.
pub(crate) fn collect(file: &str, text: &str, layers: Layers) -> Collected {
    let mut collected = Collected {
        sources: SourceMap::default(),
        files: Vec::new(),
        assignments: Vec::new(),
        diagnostics: Vec::new(),
    };
    let mut including = vec![PathBuf::from(file)];
    collected.include(file, text, layers, &mut including);
    for assignment in layers.assignments {
        let base = collected.sources.add(&assignment.by, &assignment.text);
        collected.assignments.push(base);
    }
    collected
}

impl Collected {
    /// Adds a file, and below it the files that it includes.
    fn include(&mut self, name: &str, text: &str, layers: Layers, including: &mut Vec<PathBuf>) {
        let base = self.sources.add(name, text);
        let (table, _) = DeTable::parse_recoverable(text);
        let included = table.get_ref().get("include").map(Spanned::get_ref);
        let included = match included {
            Some(DeValue::Array(list)) => list.iter().collect(),
            _ => Vec::new(),
        };
        for typed in included {
            // Values of other types are reported when the file is read.
            let Some(path) = typed.get_ref().as_str() else {
                continue;
            };
            let folder = Path::new(name).parent().unwrap_or(Path::new(""));
            let path = folder.join(path);
            let span = typed.span().start + base..typed.span().end + base;
            let shown = path.display().to_string();
            if including.contains(&path) || self.files.len() + including.len() > INCLUDES_MAX {
                let diagnostic = Diagnostic::new(format!(
                    "{shown} includes itself, or more than {INCLUDES_MAX} files are included"
                ));
                self.diagnostics.push(
                    diagnostic
                        .at(span, "here")
                        .help("remove one of the includes"),
                );
                continue;
            }
            match (layers.file)(&path) {
                Ok(text) => {
                    including.push(path);
                    self.include(&shown, &text, layers, including);
                    including.pop();
                }
                Err(error) => {
                    let diagnostic =
                        Diagnostic::new(format!("cannot read {shown}: {error}")).at(span, "here");
                    self.diagnostics
                        .push(diagnostic.help("paths are relative to the including file"));
                }
            }
        }
        self.files.push(base);
    }

    /// Merges all layers. Errors go to the diagnostics.
    pub(crate) fn table<'t>(
        &'t self,
        layers: Layers,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> DeTable<'t> {
        let mut whole = DeTable::new();
        for base in &self.files {
            let text = self.sources.at(*base);
            let (table, errors) = DeTable::parse_recoverable(text);
            let mut found: Vec<Diagnostic> =
                errors.iter().map(|error| syntax(error, text)).collect();
            // One syntax error can cause others in the same line.
            found.dedup_by_key(|diagnostic| line_of(diagnostic, text));
            diagnostics.extend(found.into_iter().map(|diagnostic| diagnostic.moved(*base)));
            let mut table = moved_table(table.into_inner(), *base);
            if *base > 0 {
                table.remove("include");
            }
            merge(&mut whole, table);
        }
        for (assignment, base) in layers.assignments.iter().zip(&self.assignments) {
            let text = self.sources.at(*base);
            if let Err(diagnostic) = assign(&mut whole, assignment, text, *base) {
                diagnostics.push(diagnostic);
            }
        }
        whole
    }
}

fn line_of(diagnostic: &Diagnostic, text: &str) -> Option<usize> {
    let before = text.get(..diagnostic.span()?.start)?;
    Some(before.matches('\n').count())
}

/// Merges a layer into those below: tables are merged, other values replaced.
fn merge<'t>(below: &mut DeTable<'t>, above: DeTable<'t>) {
    for (key, value) in above {
        match (below.get_mut(key.get_ref().as_ref()), value) {
            (Some(there), value) => match (there.get_mut(), value) {
                (DeValue::Table(there), value) if value.get_ref().is_table() => {
                    if let DeValue::Table(table) = value.into_inner() {
                        merge(there, table);
                    }
                }
                (_, value) => *there = value,
            },
            (None, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Sets a value, and adds the tables and lists above it that do not exist yet.
fn assign<'t>(
    whole: &mut DeTable<'t>,
    assignment: &Assignment,
    text: &'t str,
    base: usize,
) -> Result<(), Diagnostic> {
    let typed = &text[assignment.value_at..];
    let value = value_of(base + assignment.value_at, typed);
    let key_span = base..base + assignment.value_at - 1;
    assign_in_table(whole, assignment, &assignment.path, value, &key_span).map_err(|reason| {
        Diagnostic::new(format!("cannot set this value: {reason}")).at(key_span, "here")
    })
}

fn assign_in_table<'t>(
    table: &mut DeTable<'t>,
    assignment: &Assignment,
    path: &[String],
    value: Spanned<DeValue<'t>>,
    key_span: &Range<usize>,
) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(());
    };
    let key = assignment.key(table, first);
    let name = Spanned::new(key_span.clone(), key.clone().into());
    if rest.is_empty() {
        table.remove(key.as_str());
        table.insert(name, value);
        return Ok(());
    }
    let place = table.entry(name);
    let place = place.or_insert_with(|| Spanned::new(key_span.clone(), empty_for(rest)));
    match place.get_mut() {
        DeValue::Table(table) => assign_in_table(table, assignment, rest, value, key_span),
        DeValue::Array(list) => assign_in_list(list, &key, assignment, rest, value, key_span),
        _ => Err(format!("`{key}` is not a table")),
    }
}

/// Sets a value in an item of the list with this name.
fn assign_in_list<'t>(
    list: &mut DeArray<'t>,
    name: &str,
    assignment: &Assignment,
    path: &[String],
    value: Spanned<DeValue<'t>>,
    key_span: &Range<usize>,
) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(());
    };
    let Ok(number) = first.parse::<usize>() else {
        return Err(format!(
            "`{name}` is a list; add the number of an item, from 0"
        ));
    };
    if number > list.len() {
        let items = match list.len() {
            0 => "it is empty".to_owned(),
            1 => "it has 1 item, number 0".to_owned(),
            count => format!("it has {count} items, numbered from 0"),
        };
        return Err(format!("`{name}` has no item {number}: {items}"));
    }
    if rest.is_empty() {
        match list.get_mut(number) {
            Some(item) => *item = value,
            None => list.push(value),
        }
        return Ok(());
    }
    if number == list.len() {
        list.push(Spanned::new(key_span.clone(), empty_for(rest)));
    }
    let name = format!("{name}.{number}");
    match list.get_mut(number).map(Spanned::get_mut) {
        Some(DeValue::Table(table)) => assign_in_table(table, assignment, rest, value, key_span),
        Some(DeValue::Array(list)) => {
            assign_in_list(list, &name, assignment, rest, value, key_span)
        }
        _ => Err(format!("`{name}` is not a table")),
    }
}

/// Value that has to exist for a path into it: a list for its first item, otherwise a table.
fn empty_for<'t>(path: &[String]) -> DeValue<'t> {
    if path.first().is_some_and(|first| first == "0") {
        DeValue::Array(DeArray::new())
    } else {
        DeValue::Table(DeTable::new())
    }
}

/// Parses a value as TOML, or else as text. A date is text.
fn value_of(at: usize, typed: &str) -> Spanned<DeValue<'_>> {
    match DeValue::parse(typed) {
        Ok(value) if !matches!(value.get_ref(), DeValue::Datetime(_)) => moved(value, at),
        _ => Spanned::new(at..at + typed.len(), DeValue::String(typed.into())),
    }
}

impl Assignment {
    /// Key of a table that matches.
    fn key(&self, table: &DeTable, typed: &str) -> String {
        if !self.is_of_environment {
            return typed.to_owned();
        }
        let plain = |key: &str| key.to_lowercase().replace('-', "_");
        let mut known = table.keys().map(|key| key.get_ref().as_ref());
        let known = known.find(|known| plain(known) == plain(typed));
        known.unwrap_or(typed).to_owned()
    }
}

/// Shifts the locations of a value.
fn moved(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = value.span().start + by..value.span().end + by;
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(moved_table(table, by)),
        DeValue::Array(list) => {
            DeValue::Array(list.into_iter().map(|item| moved(item, by)).collect())
        }
        other => other,
    };
    Spanned::new(span, value)
}

fn moved_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    if by == 0 {
        return table;
    }
    let entries = table.into_iter().map(|(key, value)| {
        let span = key.span().start + by..key.span().end + by;
        (Spanned::new(span, key.into_inner()), moved(value, by))
    });
    entries.collect()
}
