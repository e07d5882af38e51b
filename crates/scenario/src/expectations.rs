//! Expectations: what was typed of checks and extraction, and what it means.

use std::ops::Range;

use regex::bytes::Regex;
use toml::Spanned;

use crate::builder::{Builder, positive_duration};
use crate::check::{Check, Comparison, Condition, Test};
use crate::extract::{Extract, From, Take};
use crate::json_path::Path;
use crate::problem::{Problem, suggestion};
use crate::quantity;
use crate::spec::{CheckSpec, ExtractSpec, ExtractTable, Json};
use crate::statuses::Statuses;
use crate::value::Encoding;

type Place = Range<usize>;

impl Builder<'_> {
    /// The statuses that are accepted, where that is said, and the other checks.
    pub(crate) fn checks(&mut self, typed: Option<&CheckSpec>) -> (Option<Statuses>, Vec<Check>) {
        let Some(typed) = typed else {
            return (None, Vec::new());
        };
        let mut accepted = self.statuses(typed);
        let mut checks = self.conditions(typed, false);
        if let Some(not) = &typed.not {
            if let Some(refused) = self.statuses(not) {
                let all = accepted.unwrap_or_else(Statuses::all).without(&refused);
                if all.is_empty() {
                    let place = not.status.as_ref().map_or(0..0, Spanned::span);
                    self.problems.push(
                        Problem::new("no status is accepted")
                            .at(place, "here")
                            .help("leave some status that is not refused"),
                    );
                }
                accepted = Some(all);
            }
            if let Some(place) = not.not.as_ref().and_then(|twice| twice.place()) {
                self.problems.push(
                    Problem::new("a check is negated twice")
                        .at(place, "here")
                        .help("write it without `not`"),
                );
            }
            checks.extend(self.conditions(not, true));
        }
        (accepted, checks)
    }

    fn statuses(&mut self, typed: &CheckSpec) -> Option<Statuses> {
        Statuses::parse(typed.status.as_ref()?)
            .map_err(|problem| self.problems.push(problem))
            .ok()
    }

    fn conditions(&mut self, typed: &CheckSpec, is_negated: bool) -> Vec<Check> {
        let mut all = Vec::new();
        for (text, place) in texts(typed.contains.as_ref(), self.problems) {
            if text.is_empty() {
                self.problems.push(
                    Problem::new("every answer holds an empty text")
                        .at(place.clone(), "here")
                        .help("write a text that the answer has to hold"),
                );
            }
            let template = self.text_at(text, &place, Encoding::Plain);
            all.push(Condition::Contains(template));
        }
        for (text, place) in texts(typed.matches.as_ref(), self.problems) {
            all.extend(self.pattern(text, &place).map(Condition::Matches));
        }
        if let Some(text) = &typed.equals {
            all.push(Condition::Equals(self.text(text, Encoding::Plain)));
        }
        for (path, test) in typed.json.iter().flatten() {
            let path = self.json_path(path.get_ref(), &path.span());
            let test = self.test(test.get_ref(), &test.span());
            all.extend(
                path.zip(test)
                    .map(|(path, test)| Condition::Json(path, test)),
            );
        }
        for (name, test) in typed.header.iter().flatten() {
            let test = self.test(test.get_ref(), &test.span());
            all.extend(test.map(|test| Condition::Header(name.get_ref().clone(), test)));
        }
        if let Some(size) = &typed.size {
            match size_range(size) {
                Ok((least, most)) => all.push(Condition::Size(least, most)),
                Err(problem) => self.problems.push(problem),
            }
        }
        if let Some(time) = &typed.time {
            match positive_duration(time) {
                Ok(time) => {
                    let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                    all.push(Condition::TimeNs(ns));
                }
                Err(problem) => self.problems.push(problem),
            }
        }
        let check = |what| Check { what, is_negated };
        all.into_iter().map(check).collect()
    }

    /// What is asked of found values: a value that one of them is, or a table.
    fn test(&mut self, typed: &Json, place: &Place) -> Option<Test> {
        let Json::Table(entries) = typed else {
            return Some(Test::Equals(self.value(typed, place)));
        };
        let mut tests = Vec::new();
        for (key, value) in entries {
            let (typed, place) = (value.get_ref(), value.span());
            let test = match (key.as_str(), typed) {
                ("exists", Json::Bool(exists)) => Some(Test::Exists(*exists)),
                ("equals", _) => Some(Test::Equals(self.value(typed, &place))),
                ("contains", Json::Text(text)) => {
                    Some(Test::Contains(self.text_at(text, &place, Encoding::Plain)))
                }
                ("matches", Json::Text(text)) => self.pattern(text, &place).map(Test::Matches),
                ("count", _) => match count_range(typed) {
                    Some((least, most)) => Some(Test::Count(least, most)),
                    None => self.wrong_test(
                        "count",
                        "a number like 3 or a range like \"1..10\"",
                        &place,
                    ),
                },
                ("above", _) => self.comparison(Comparison::Above, key, typed, &place),
                ("below", _) => self.comparison(Comparison::Below, key, typed, &place),
                ("at_least", _) => self.comparison(Comparison::AtLeast, key, typed, &place),
                ("at_most", _) => self.comparison(Comparison::AtMost, key, typed, &place),
                ("exists", _) => self.wrong_test("exists", "true or false", &place),
                ("contains" | "matches", _) => self.wrong_test(key, "a text", &place),
                _ => {
                    let known = [
                        "exists", "equals", "contains", "matches", "count", "above", "below",
                        "at_least", "at_most",
                    ];
                    self.problems.push(
                        Problem::new(format!("no check of a value is named `{key}`"))
                            .at(place, "this one")
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
            return self.wrong_test(
                "a value",
                "a value, or a table like { exists = true }",
                place,
            );
        }
        Some(Test::All(tests))
    }

    fn comparison(
        &mut self,
        comparison: Comparison,
        key: &str,
        typed: &Json,
        place: &Place,
    ) -> Option<Test> {
        match typed {
            Json::Integer(_) | Json::Float(_) => {
                let limit = typed.to_value().as_number()?;
                Some(Test::Compares(comparison, limit))
            }
            _ => self.wrong_test(key, "a number", place),
        }
    }

    fn wrong_test<T>(&mut self, what: &str, accepted: &str, place: &Place) -> Option<T> {
        self.problems.push(
            Problem::new(format!("the check of {what} is none"))
                .at(place.clone(), "here")
                .help(format!("write {accepted}")),
        );
        None
    }

    fn pattern(&mut self, text: &str, place: &Place) -> Option<Regex> {
        Regex::new(text)
            .map_err(|error| {
                // The last line says what; those before draw the pattern.
                let error = error.to_string();
                let reason = error.lines().last().unwrap_or_default();
                let reason = reason.trim().trim_start_matches("error: ");
                self.problems.push(
                    Problem::new(format!("`{text}` is no regular expression: {reason}"))
                        .at(place.clone(), "here")
                        .help("in TOML, '…' leaves backslashes as they are"),
                );
            })
            .ok()
    }

    fn json_path(&mut self, text: &str, place: &Place) -> Option<Path> {
        let problem = |message: String, help: &str| {
            Problem::new(message).at(place.clone(), "here").help(help)
        };
        match Path::parse(text) {
            Err(error) => {
                let shown: String = text.chars().take(80).collect();
                let message = format!("invalid JSONPath `{shown}`: {error}");
                self.problems.push(problem(
                    message,
                    "write one like \"$.items[0].id\" (RFC 9535)",
                ));
                None
            }
            Ok(_) if selects_nothing(text) => {
                self.problems.push(problem(
                    format!("`{text}` can never find anything"),
                    "a slice goes from its first item to before its last: [0:3]",
                ));
                None
            }
            Ok(path) => Some(path),
        }
    }

    /// What is taken of an answer.
    pub(crate) fn extracts<'a>(
        &mut self,
        typed: impl Iterator<Item = (&'a Spanned<String>, &'a Spanned<ExtractSpec>)>,
    ) -> Vec<Extract> {
        let mut extracts = Vec::new();
        for (name, from) in typed {
            let built = match from.get_ref() {
                ExtractSpec::Path(path) => self
                    .json_path(path, &from.span())
                    .map(|path| (From::Json(path), Take::First, None)),
                ExtractSpec::Table(table) => self.extract(table, &from.span()),
            };
            // Its name is known even where something is wrong with it.
            let slot = self.variable(name);
            self.naming.variables.holds(slot, None);
            if let Some((from, take, default)) = built {
                extracts.push(Extract {
                    slot,
                    from,
                    take,
                    default,
                });
            }
        }
        extracts
    }

    fn extract(
        &mut self,
        table: &ExtractTable,
        place: &Place,
    ) -> Option<(From, Take, Option<crate::expression::Expression>)> {
        let group = table.group.as_ref().filter(|_| table.regex.is_none());
        if let Some(group) = group {
            self.problems.push(
                Problem::new("a group is of a regex")
                    .at(group.span(), "here")
                    .help("write regex = \"…\" beside it, or leave it out"),
            );
            return None;
        }
        let sources = [
            table.json.is_some(),
            table.regex.is_some(),
            table.header.is_some(),
            table.cookie.is_some(),
            table.body == Some(true),
            table.status == Some(true),
        ];
        if sources.iter().filter(|given| **given).count() != 1 {
            self.problems.push(
                Problem::new("a variable is extracted from one thing")
                    .at(place.clone(), "from none, or from several")
                    .help("write one of json, regex, header, cookie = \"…\", body = true, status = true"),
            );
            return None;
        }
        let from = if let Some(path) = &table.json {
            From::Json(self.json_path(path.get_ref(), &path.span())?)
        } else if let Some(pattern) = &table.regex {
            self.regex_group(pattern, table.group.as_ref())?
        } else if let Some(name) = &table.header {
            From::Header(name.get_ref().clone())
        } else if let Some(name) = &table.cookie {
            From::Cookie(name.get_ref().clone())
        } else if table.body == Some(true) {
            From::Body
        } else {
            From::Status
        };
        let take = match &table.take {
            None => Take::First,
            Some(typed) => {
                let Some(take) = Take::named(typed.get_ref()) else {
                    let known = ["first", "last", "all", "random", "count"];
                    self.problems.push(
                        Problem::new(format!("`{}` cannot be taken", typed.get_ref()))
                            .at(typed.span(), "here")
                            .help(suggestion(typed.get_ref(), known)),
                    );
                    return None;
                };
                take
            }
        };
        let default = table.default.as_ref().map(|value| self.expression(value));
        Some((from, take, default))
    }

    fn regex_group(
        &mut self,
        pattern: &Spanned<String>,
        group: Option<&Spanned<Json>>,
    ) -> Option<From> {
        let regex = self.pattern(pattern.get_ref(), &pattern.span())?;
        let groups = regex.captures_len();
        let found = match group.map(Spanned::get_ref) {
            // The first group, or the whole where there is none.
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
            self.problems.push(
                Problem::new("the regex has no such group")
                    .at(group.map_or(pattern.span(), Spanned::span), "here")
                    .help(format!("it has groups 0 (the whole) to {}", groups - 1)),
            );
            return None;
        };
        Some(From::Regex(regex, found))
    }
}

impl CheckSpec {
    /// Where it stands, as far as that is known.
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
    problems: &mut Vec<Problem>,
) -> Vec<(&'a str, Place)> {
    let Some(typed) = typed else {
        return Vec::new();
    };
    let mut wrong = |place: Place| {
        let problem = Problem::new("this is no text").at(place, "here");
        problems.push(problem.help("write a text, or a list of texts"));
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

fn size_range(typed: &Spanned<Json>) -> Result<(u64, u64), Problem> {
    let wrong = || {
        Problem::new("this is no size")
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
                    .or_else(|_| quantity::bytes(text))
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

/// Whether a path holds a slice that ends before it begins.
fn selects_nothing(path: &str) -> bool {
    let Ok(slices) = regex::Regex::new(r"\[\s*(\d+)\s*:\s*(\d+)\s*\]") else {
        return false;
    };
    slices.captures_iter(path).any(|slice| {
        let number = |at: usize| slice[at].parse::<u64>().ok();
        number(1) >= number(2)
    })
}
