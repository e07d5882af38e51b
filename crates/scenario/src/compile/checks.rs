//! Compiles checks and extraction.

use std::ops::Range;

use brunt_record::duration_ns;
use regex::bytes::Regex;

use crate::compile::compiler::Compiler;
use crate::expr::expression::Expression;
use crate::json::path::Path;
use crate::model::check::{Check, Comparison, Condition, Test};
use crate::model::extract::{Extract, From, Take};
use crate::model::status_set::StatusSet;
use crate::source::diagnostic::{Diagnostic, suggestion};
use crate::source::units;
use crate::source::units::positive_duration;
use crate::spec::{CheckSpec, ExtractSpec, ExtractTable, Json, Spanned};
use crate::value::Encoding;

type Place = Range<usize>;

/// The accepted status codes, if the check has any, and the other checks.
pub(crate) fn compile_checks(
    compiler: &mut Compiler,
    typed: Option<&CheckSpec>,
) -> (Option<StatusSet>, Vec<Check>) {
    let Some(typed) = typed else {
        return (None, Vec::new());
    };
    let mut accepted = accepted_statuses(compiler, typed);
    let mut checks = compile_conditions(compiler, typed, false);
    if let Some(not) = &typed.not {
        if let Some(refused) = accepted_statuses(compiler, not) {
            let all = accepted.unwrap_or_else(StatusSet::all).without(&refused);
            if all.is_empty() {
                let place = not.status.as_ref().map_or(0..0, Spanned::span);
                compiler.diagnostics.push(
                    Diagnostic::new("no status code is accepted")
                        .at(place, "here")
                        .help("`not` rejects every accepted status code; accept another one"),
                );
            }
            accepted = Some(all);
        }
        if let Some(place) = not.not.as_ref().and_then(|twice| twice.place()) {
            compiler.diagnostics.push(
                Diagnostic::new("a check is negated twice")
                    .at(place, "here")
                    .help("remove both `not`"),
            );
        }
        checks.extend(compile_conditions(compiler, not, true));
    }
    (accepted, checks)
}

fn accepted_statuses(compiler: &mut Compiler, typed: &CheckSpec) -> Option<StatusSet> {
    StatusSet::parse(typed.status.as_ref()?)
        .map_err(|diagnostic| compiler.diagnostics.push(diagnostic))
        .ok()
}

fn compile_conditions(compiler: &mut Compiler, typed: &CheckSpec, is_negated: bool) -> Vec<Check> {
    let mut all = Vec::new();
    for (text, place) in texts(typed.contains.as_ref(), compiler.diagnostics) {
        if text.is_empty() {
            compiler.diagnostics.push(
                Diagnostic::new(
                    "invalid `contains`: the string is empty, and every body contains it",
                )
                .at(place.clone(), "here")
                .help("write a string that the body must contain"),
            );
        }
        let template = compiler.text_at(text, &place, Encoding::Plain);
        all.push(Condition::Contains(template));
    }
    for (text, place) in texts(typed.matches.as_ref(), compiler.diagnostics) {
        all.extend(compile_regex(compiler, text, &place).map(Condition::Matches));
    }
    if let Some(text) = &typed.equals {
        all.push(Condition::Equals(compiler.text(text, Encoding::Plain)));
    }
    for (path, test) in typed.json.iter().flatten() {
        let path = compile_json_path(compiler, path.get_ref(), &path.span());
        let test = compile_test(compiler, test.get_ref(), &test.span());
        all.extend(path.zip(test).map(|(path, test)| {
            let test = if path.is_singular() {
                test.of_one_value()
            } else {
                test
            };
            Condition::Json(path, test)
        }));
    }
    for (name, test) in typed.header.iter().flatten() {
        let test = compile_test(compiler, test.get_ref(), &test.span());
        all.extend(test.map(|test| Condition::Header(name.get_ref().clone(), test)));
    }
    if let Some(size) = &typed.size {
        match size_range(size) {
            Ok((least, most)) => all.push(Condition::Size(least, most)),
            Err(diagnostic) => compiler.diagnostics.push(diagnostic),
        }
    }
    if let Some(time) = &typed.time {
        match positive_duration(time) {
            Ok(time) => all.push(Condition::TimeNs(duration_ns(time))),
            Err(diagnostic) => compiler.diagnostics.push(diagnostic),
        }
    }
    let check = |condition| Check {
        condition,
        is_negated,
    };
    all.into_iter().map(check).collect()
}

/// Compiles a test of found values: a value that one of them must be equal to, or a table.
fn compile_test(compiler: &mut Compiler, typed: &Json, place: &Place) -> Option<Test> {
    let Json::Table(entries) = typed else {
        return Some(Test::Equals(compiler.value(typed, place)));
    };
    let mut tests = Vec::new();
    for (key, value) in entries {
        let (typed, place) = (value.get_ref(), value.span());
        let test = match (key.as_str(), typed) {
            ("exists", Json::Bool(exists)) => Some(Test::Exists(*exists)),
            ("equals", _) => Some(Test::Equals(compiler.value(typed, &place))),
            ("contains", Json::Text(text)) => Some(Test::Contains(compiler.text_at(
                text,
                &place,
                Encoding::Plain,
            ))),
            ("matches", Json::Text(text)) => {
                compile_regex(compiler, text, &place).map(Test::Matches)
            }
            ("count", _) => match count_range(typed) {
                Some((least, most)) => Some(Test::Count(least, most)),
                None => invalid_test(
                    compiler,
                    "count",
                    "a number like 3 or a range like \"1..10\"",
                    &place,
                ),
            },
            ("above", _) => compile_comparison(compiler, Comparison::Above, key, typed, &place),
            ("below", _) => compile_comparison(compiler, Comparison::Below, key, typed, &place),
            ("at_least", _) => {
                compile_comparison(compiler, Comparison::AtLeast, key, typed, &place)
            }
            ("at_most", _) => compile_comparison(compiler, Comparison::AtMost, key, typed, &place),
            ("exists", _) => invalid_test(compiler, "exists", "true or false", &place),
            ("contains" | "matches", _) => invalid_test(compiler, key, "a string", &place),
            _ => {
                let known = [
                    "exists", "equals", "contains", "matches", "count", "above", "below",
                    "at_least", "at_most",
                ];
                compiler.diagnostics.push(
                    Diagnostic::new(format!("unknown check `{key}` of a value"))
                        .at(place, "here")
                        .help(suggestion(key, known)),
                );
                None
            }
        };
        tests.push(test?);
    }
    if tests.len() == 1 {
        return tests.pop();
    }
    if tests.is_empty() {
        return invalid_test(
            compiler,
            "{}",
            "a value, or a table like { exists = true }",
            place,
        );
    }
    Some(Test::All(tests))
}

fn compile_comparison(
    compiler: &mut Compiler,
    comparison: Comparison,
    key: &str,
    typed: &Json,
    place: &Place,
) -> Option<Test> {
    match typed {
        Json::Integer(_) | Json::Float(_) | Json::Number(_) => {
            let limit = typed.to_value().as_number()?;
            Some(Test::Compares(comparison, limit))
        }
        _ => invalid_test(compiler, key, "a number", place),
    }
}

fn invalid_test<T>(compiler: &mut Compiler, key: &str, accepted: &str, place: &Place) -> Option<T> {
    compiler.diagnostics.push(
        Diagnostic::new(format!("invalid check `{key}`: must be {accepted}"))
            .at(place.clone(), "here"),
    );
    None
}

fn compile_regex(compiler: &mut Compiler, text: &str, place: &Place) -> Option<Regex> {
    Regex::new(text)
        .map_err(|error| {
            // The last line is the reason; those before it show the pattern.
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default();
            let reason = reason.trim().trim_start_matches("error: ");
            compiler.diagnostics.push(
                Diagnostic::new(format!("invalid regular expression `{text}`: {reason}"))
                    .at(place.clone(), "here")
                    .help("in TOML, backslashes need single quotes, like '\\d+'"),
            );
        })
        .ok()
}

fn compile_json_path(compiler: &mut Compiler, text: &str, place: &Place) -> Option<Path> {
    let diagnostic = |message: String, help: &str| {
        Diagnostic::new(message)
            .at(place.clone(), "here")
            .help(help)
    };
    match Path::parse(text) {
        Err(error) => {
            let shown: String = text.chars().take(80).collect();
            let message = format!("invalid JSONPath `{shown}`: {error}");
            compiler.diagnostics.push(diagnostic(
                message,
                "write one like \"$.items[0].id\" (RFC 9535)",
            ));
            None
        }
        Ok(_) if selects_nothing(text) => {
            compiler.diagnostics.push(diagnostic(
                format!("JSONPath `{text}` never selects anything"),
                "the first index of a slice must be below the second, like [0:3]",
            ));
            None
        }
        Ok(path) => Some(path),
    }
}

/// Compiles the variables to extract from a response.
pub(crate) fn compile_extracts<'a>(
    compiler: &mut Compiler,
    typed: impl Iterator<Item = (&'a Spanned<String>, &'a Spanned<ExtractSpec>)>,
) -> Vec<Extract> {
    let mut extracts = Vec::new();
    for (name, from) in typed {
        let built = match from.get_ref() {
            ExtractSpec::Path(path) => {
                compile_json_path(compiler, path, &from.span()).map(|path| Source {
                    from: From::Json(path),
                    pattern: None,
                    take: Take::First,
                    default: None,
                })
            }
            ExtractSpec::Table(table) => compile_extract(compiler, table, &from.span()),
        };
        // The name is defined even if its value is invalid.
        let variable = compiler.variable(name);
        compiler.resolver.variables.holds(variable, None);
        compiler.resolver.variables.note_encoding(variable, false);
        if let Some(source) = built {
            extracts.push(Extract {
                variable,
                from: source.from,
                pattern: source.pattern,
                take: source.take,
                default: source.default,
            });
        }
    }
    extracts
}

/// Source of a variable.
struct Source {
    from: From,
    pattern: Option<(Regex, usize)>,
    take: Take,
    default: Option<Expression>,
}

fn compile_extract(compiler: &mut Compiler, table: &ExtractTable, place: &Place) -> Option<Source> {
    let group = table.group.as_ref().filter(|_| table.regex.is_none());
    if let Some(group) = group {
        compiler.diagnostics.push(
            Diagnostic::new("`group` without `regex`")
                .at(group.span(), "here")
                .help("add regex = \"…\", or remove `group`"),
        );
        return None;
    }
    let sources = [
        table.json.is_some(),
        table.header.is_some(),
        table.cookie.is_some(),
        table.url == Some(true),
        table.body == Some(true),
        table.status == Some(true),
    ];
    let count = sources.iter().filter(|given| **given).count();
    if count > 1 || count == 0 && table.regex.is_none() {
        compiler.diagnostics.push(
            Diagnostic::new("a variable must have exactly one source")
                .at(place.clone(), "here")
                .help(
                    "write one of json, header, cookie = \"…\", url = true, body = true, status = true, and regex = \"…\" to \
                     search in it; regex alone searches in the body",
                ),
        );
        return None;
    }
    let pattern = match &table.regex {
        Some(pattern) => Some(compile_regex_group(
            compiler,
            pattern,
            table.group.as_ref(),
        )?),
        None => None,
    };
    let from = if let Some(path) = &table.json {
        From::Json(compile_json_path(compiler, path.get_ref(), &path.span())?)
    } else if let Some(name) = &table.header {
        From::Header(name.get_ref().clone())
    } else if let Some(name) = &table.cookie {
        From::Cookie(name.get_ref().clone())
    } else if table.url == Some(true) {
        From::Url
    } else if table.status == Some(true) {
        From::Status
    } else {
        From::Body
    };
    let take = match &table.take {
        None => Take::First,
        Some(typed) => compile_take(compiler, typed)?,
    };
    let default = table
        .default
        .as_ref()
        .map(|value| compiler.expression(value));
    Some(Source {
        from,
        pattern,
        take,
        default,
    })
}

fn compile_take(compiler: &mut Compiler, typed: &Spanned<String>) -> Option<Take> {
    let take = Take::named(typed.get_ref());
    if take.is_none() {
        let known = ["first", "last", "all", "random", "count"];
        compiler.diagnostics.push(
            Diagnostic::new(format!("unknown selection `{}`", typed.get_ref()))
                .at(typed.span(), "here")
                .help(suggestion(typed.get_ref(), known)),
        );
    }
    take
}

fn compile_regex_group(
    compiler: &mut Compiler,
    pattern: &Spanned<String>,
    group: Option<&Spanned<Json>>,
) -> Option<(Regex, usize)> {
    let regex = compile_regex(compiler, pattern.get_ref(), &pattern.span())?;
    let groups = regex.captures_len();
    let found = match group.map(Spanned::get_ref) {
        // The first group, or the complete match of a pattern without groups.
        None => Some(usize::from(groups > 1)),
        Some(Json::Integer(number)) => usize::try_from(*number)
            .ok()
            .filter(|number| *number < groups),
        Some(Json::Text(name)) => regex
            .capture_names()
            .position(|known| known == Some(name.as_str())),
        Some(_) => None,
    };
    let Some(found) = found else {
        compiler.diagnostics.push(
            Diagnostic::new("the regular expression has no such group")
                .at(group.map_or(pattern.span(), Spanned::span), "here")
                .help(format!(
                    "its groups are 0 (the complete match) to {}",
                    groups - 1
                )),
        );
        return None;
    };
    Some((regex, found))
}

impl CheckSpec {
    /// Location of one of its keys, if any is known.
    fn place(&self) -> Option<Place> {
        let status = self.status.as_ref().map(Spanned::span);
        let texts = self.contains.as_ref().or(self.matches.as_ref());
        let json = self.json.iter().flatten().next();
        status
            .or(texts.map(Spanned::span))
            .or(json.map(|(path, _)| path.span()))
    }
}

/// A text, or a list of them.
fn texts<'a>(
    typed: Option<&'a Spanned<Json>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(&'a str, Place)> {
    let Some(typed) = typed else {
        return Vec::new();
    };
    let mut wrong = |place: Place| {
        let message = "invalid value: must be a string, or a list of strings";
        diagnostics.push(Diagnostic::new(message).at(place, "here"));
    };
    match typed.get_ref() {
        Json::Text(text) => vec![(text, typed.span())],
        Json::List(items) => {
            let mut texts = Vec::new();
            for item in items {
                match item.get_ref() {
                    Json::Text(text) => texts.push((text.as_str(), item.span())),
                    _ => wrong(item.span()),
                }
            }
            texts
        }
        _ => {
            wrong(typed.span());
            Vec::new()
        }
    }
}

fn size_range(typed: &Spanned<Json>) -> Result<(u64, u64), Diagnostic> {
    let wrong = || {
        Diagnostic::new("invalid size")
            .at(typed.span(), "here")
            .help("write bytes like 100, or a range like \"1KiB..10MB\", \"1KiB..\" or \"..10MB\"")
    };
    match typed.get_ref() {
        Json::Integer(bytes) => u64::try_from(*bytes)
            .map(|bytes| (bytes, bytes))
            .map_err(|_| wrong()),
        Json::Text(text) => {
            let (least, most) = text.split_once("..").ok_or_else(wrong)?;
            let bytes = |text: &str, open: u64| match text.trim() {
                "" => Ok(open),
                text => text
                    .parse()
                    .or_else(|_| units::bytes(text))
                    .map_err(|_| wrong()),
            };
            let (least, most) = (bytes(least, 0)?, bytes(most, u64::MAX)?);
            if least > most {
                return Err(wrong());
            }
            Ok((least, most))
        }
        _ => Err(wrong()),
    }
}

fn count_range(typed: &Json) -> Option<(u64, u64)> {
    match typed {
        Json::Integer(count) => u64::try_from(*count).ok().map(|count| (count, count)),
        Json::Text(text) => {
            let (least, most) = text.split_once("..")?;
            let number = |text: &str, open: u64| match text.trim() {
                "" => Some(open),
                text => text.parse().ok(),
            };
            let (least, most) = (number(least, 0)?, number(most, u64::MAX)?);
            (least <= most).then_some((least, most))
        }
        _ => None,
    }
}

/// Whether a path has a slice that ends before it begins.
fn selects_nothing(path: &str) -> bool {
    let Ok(slices) = regex::Regex::new(r"\[\s*(\d+)\s*:\s*(\d+)\s*\]") else {
        return false;
    };
    slices.captures_iter(path).any(|slice| {
        let number = |at: usize| slice[at].parse::<u64>().ok();
        number(1) >= number(2)
    })
}
