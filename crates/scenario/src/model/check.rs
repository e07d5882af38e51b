//! Checks of responses, except their status codes.

use regex::bytes::Regex;
use serde_json::Value as JsonValue;

use crate::expr::context::EvalContext;
use crate::expr::error::EvalError;
use crate::expr::expression::Compiled;
use crate::expr::expression::Template;
use crate::json::path::Path;
use crate::model::response::ResponseView;
use crate::value::Value;

/// A condition that a response must meet, or must not meet.
#[derive(Debug, Clone)]
pub struct Check {
    pub(crate) condition: Condition,
    pub(crate) is_negated: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// The body contains a text.
    Contains(Template),
    /// The body matches.
    Matches(Regex),
    /// The body is a text.
    Equals(Template),
    /// Values that a path finds in the body.
    Json(Path, Test),
    /// The values of a header field.
    Header(String, Test),
    /// Size of the body in bytes, from … to ….
    Size(u64, u64),
    /// Longest response time, in nanoseconds.
    TimeNs(u64),
}

/// A test of found values.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// Whether there is a value.
    Exists(bool),
    /// One of them is equal to a value.
    Equals(Compiled),
    /// Number of values, from … to ….
    Count(u64, u64),
    /// Number of items of the list that the path of at most one value finds, from … to ….
    Length(u64, u64),
    /// One of them has this relation to a number.
    Compares(Comparison, f64),
    /// One of them matches, as a text.
    Matches(Regex),
    /// One of them contains a text.
    Contains(Template),
    /// All of these.
    All(Vec<Test>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Above,
    Below,
    AtLeast,
    AtMost,
}

impl Comparison {
    const fn words(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
            Self::AtLeast => "at least",
            Self::AtMost => "at most",
        }
    }

    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::Below => value < limit,
            Self::AtLeast => value >= limit,
            Self::AtMost => value <= limit,
        }
    }
}

/// Result of a check.
struct CheckResult {
    holds: bool,
    /// The condition in words.
    condition: String,
    /// The actual value in words.
    actual: Option<String>,
}

impl Check {
    /// Whether it reads the body.
    pub(crate) fn needs_body(&self) -> bool {
        !matches!(self.condition, Condition::Header(..) | Condition::TimeNs(_))
    }

    pub(crate) fn needs_fields(&self) -> bool {
        matches!(self.condition, Condition::Header(..))
    }

    /// Reason why a response fails the check; `None` if it passes.
    pub fn fault(
        &self,
        response: &ResponseView,
        context: &mut EvalContext,
    ) -> Result<Option<String>, EvalError> {
        let CheckResult {
            holds,
            condition,
            actual,
        } = match self.quick(response, context)? {
            Some(holds) if holds != self.is_negated => return Ok(None),
            _ => self.look(response, context)?,
        };
        if holds != self.is_negated {
            return Ok(None);
        }
        let actual = actual.map_or_else(String::new, |actual| format!(", but {actual}"));
        Ok(Some(if self.is_negated {
            format!("the check `not {condition}` failed{actual}")
        } else {
            format!("the check `{condition}` failed{actual}")
        }))
    }

    /// The condition in words.
    pub fn in_words(
        &self,
        response: &ResponseView,
        context: &mut EvalContext,
    ) -> Result<String, EvalError> {
        let condition = self.look(response, context)?.condition;
        Ok(if self.is_negated {
            format!("not {condition}")
        } else {
            condition
        })
    }

    /// Whether it holds; `None` if the slow path has to decide, which also describes the result.
    fn quick(
        &self,
        response: &ResponseView,
        context: &mut EvalContext,
    ) -> Result<Option<bool>, EvalError> {
        Ok(match &self.condition {
            Condition::Contains(text) => text
                .literal_bytes()
                .map(|text| memchr::memmem::find(response.body(), text).is_some()),
            Condition::Equals(text) => text.literal_bytes().map(|text| response.body() == text),
            Condition::Json(path, test) if test.is_steady() => match response.values(path) {
                Some(values) => Some(test.holds(values.as_slice(), context)?),
                None => None,
            },
            Condition::Matches(pattern) => Some(pattern.is_match(response.body())),
            Condition::Size(least, most) => Some((*least..=*most).contains(&response.body_bytes())),
            Condition::TimeNs(most) => Some(response.took_ns() <= *most),
            _ => None,
        })
    }

    fn look(
        &self,
        response: &ResponseView,
        context: &mut EvalContext,
    ) -> Result<CheckResult, EvalError> {
        let plain = |holds, condition: String| CheckResult {
            holds,
            condition,
            actual: None,
        };
        Ok(match &self.condition {
            Condition::Contains(text) => {
                let condition = format!("contains {}", quoted(&rendered(text, context)?));
                plain(holds(response.body(), text, context)?, condition)
            }
            Condition::Matches(pattern) => plain(
                pattern.is_match(response.body()),
                format!("matches {}", quoted(pattern.as_str().as_bytes())),
            ),
            Condition::Equals(text) => {
                let text = rendered(text, context)?;
                plain(response.body() == text, format!("equals {}", quoted(&text)))
            }
            Condition::Size(least, most) => CheckResult {
                holds: (*least..=*most).contains(&response.body_bytes()),
                condition: format!("size {}", range_in_words(*least, *most)),
                actual: Some(format!("the body has {} bytes", response.body_bytes())),
            },
            Condition::TimeNs(most) => CheckResult {
                holds: response.took_ns() <= *most,
                condition: format!("time {}", milliseconds(*most)),
                actual: Some(format!(
                    "the response took {}",
                    milliseconds(response.took_ns())
                )),
            },
            Condition::Json(path, test) => {
                let Some(values) = response.values(path) else {
                    // A body that is not JSON fails the check, negated or not.
                    return Ok(CheckResult {
                        holds: self.is_negated,
                        condition: format!("json {path} {}", test.in_words(context)?),
                        actual: Some("the body is not JSON".to_owned()),
                    });
                };
                found(&format!("json {path}"), test, values.as_slice(), context)?
            }
            Condition::Header(name, test) => {
                let values: Vec<Value> = response.header(name).map(Value::text).collect();
                found(&format!("header {name}"), test, &values, context)?
            }
        })
    }
}

fn found(
    what: &str,
    test: &Test,
    values: &[Value],
    context: &mut EvalContext,
) -> Result<CheckResult, EvalError> {
    let actual = match values {
        [Value::Json(json)] if test.is_of_length() && json.is_array() => {
            let count = length(values);
            let items = if count == 1 { "item" } else { "items" };
            format!(
                "the list has {count} {items}: {}",
                excerpt(&values[0].json_text())
            )
        }
        [] => "nothing was found".to_owned(),
        [value] => format!("the value is {}", excerpt(&value.json_text())),
        [first, ..] => format!(
            "{} values were found, the first is {}",
            values.len(),
            excerpt(&first.json_text())
        ),
    };
    Ok(CheckResult {
        holds: test.holds(values, context)?,
        condition: format!("{what} {}", test.in_words(context)?),
        actual: Some(actual),
    })
}

/// Number of items of a list; otherwise the number of values.
pub(crate) fn length(values: &[Value]) -> u64 {
    let items = match values {
        [Value::Json(json)] => json.as_array().map(Vec::len),
        _ => None,
    };
    items.unwrap_or(values.len()) as u64
}

impl Test {
    /// The test of a path that finds at most one value: it counts the items of a list.
    pub(crate) fn of_one_value(self) -> Self {
        match self {
            Self::Count(least, most) => Self::Length(least, most),
            Self::All(tests) => Self::All(tests.into_iter().map(Self::of_one_value).collect()),
            other => other,
        }
    }

    fn is_of_length(&self) -> bool {
        match self {
            Self::Length(..) => true,
            Self::All(tests) => tests.iter().any(Self::is_of_length),
            _ => false,
        }
    }

    /// Whether it has no random values.
    fn is_steady(&self) -> bool {
        match self {
            Self::Equals(expression) => expression.is_steady(),
            Self::Contains(text) => text.literal_bytes().is_some(),
            Self::All(tests) => tests.iter().all(Self::is_steady),
            Self::Exists(_)
            | Self::Count(..)
            | Self::Length(..)
            | Self::Compares(..)
            | Self::Matches(_) => true,
        }
    }

    fn holds(&self, values: &[Value], context: &mut EvalContext) -> Result<bool, EvalError> {
        Ok(match self {
            Self::Exists(wanted) => values.is_empty() != *wanted,
            Self::Count(least, most) => (*least..=*most).contains(&(values.len() as u64)),
            Self::Length(least, most) => (*least..=*most).contains(&length(values)),
            Self::Equals(expression) => {
                let wanted = expression.evaluate(context)?;
                values.iter().any(|value| is_equal(value, &wanted))
            }
            Self::Compares(comparison, limit) => values
                .iter()
                .filter_map(Value::as_number)
                .any(|value| comparison.holds(value, *limit)),
            Self::Matches(pattern) => values
                .iter()
                .any(|value| pattern.is_match(value.in_text().as_bytes())),
            Self::Contains(text) => {
                let text = rendered(text, context)?;
                let holds = |value: &Value| {
                    memchr::memmem::find(value.in_text().as_bytes(), &text).is_some()
                };
                values.iter().any(holds)
            }
            Self::All(tests) => {
                for test in tests {
                    if !test.holds(values, context)? {
                        return Ok(false);
                    }
                }
                true
            }
        })
    }

    fn in_words(&self, context: &mut EvalContext) -> Result<String, EvalError> {
        Ok(match self {
            Self::Exists(true) => "exists".to_owned(),
            Self::Exists(false) => "does not exist".to_owned(),
            Self::Count(least, most) | Self::Length(least, most) => {
                format!("count {}", range_in_words(*least, *most))
            }
            Self::Equals(expression) => {
                format!("is {}", excerpt(&expression.evaluate(context)?.json_text()))
            }
            Self::Compares(comparison, limit) => format!("is {} {limit}", comparison.words()),
            Self::Matches(pattern) => format!("matches {}", quoted(pattern.as_str().as_bytes())),
            Self::Contains(text) => format!("contains {}", quoted(&rendered(text, context)?)),
            Self::All(tests) => {
                let words: Result<Vec<_>, _> =
                    tests.iter().map(|test| test.in_words(context)).collect();
                words?.join(" and ")
            }
        })
    }
}

/// Whether two values are equal. Numbers of the same value are, however they are written.
pub(crate) fn is_equal(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Integer(_) | Value::Float(_) | Value::Number(_) => value.as_number(),
        _ => None,
    };
    match (one.as_whole(), other.as_whole()) {
        (Some(one), Some(other)) => one == other,
        _ => match (number(one), number(other)) {
            (Some(number), Some(wanted)) => one == other || (number - wanted).abs() <= 0.0,
            _ => one == other,
        },
    }
}

fn holds(body: &[u8], text: &Template, context: &mut EvalContext) -> Result<bool, EvalError> {
    Ok(match text.literal_bytes() {
        Some(text) => memchr::memmem::find(body, text).is_some(),
        None => memchr::memmem::find(body, &rendered(text, context)?).is_some(),
    })
}

fn rendered(text: &Template, context: &mut EvalContext) -> Result<Vec<u8>, EvalError> {
    let mut bytes = Vec::new();
    text.render(context, &mut bytes)?;
    Ok(bytes)
}

fn quoted(text: &[u8]) -> String {
    JsonValue::from(excerpt(&String::from_utf8_lossy(text))).to_string()
}

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn range_in_words(least: u64, most: u64) -> String {
    match (least, most) {
        (least, u64::MAX) => format!("{least} or more"),
        (0, most) => format!("at most {most}"),
        (least, most) if least == most => least.to_string(),
        (least, most) => format!("{least} to {most}"),
    }
}

fn milliseconds(ns: u64) -> String {
    format!("{} ms", ns as f64 / 1e6)
}
