//! Checks: what an answer has to be beside its status.

use regex::bytes::Regex;
use serde_json::Value as JsonValue;

use crate::expr::context::EvalContext;
use crate::expr::error::EvalError;
use crate::expr::expression::Compiled;
use crate::expr::expression::Template;
use crate::json::path::Path;
use crate::model::response::ResponseView;
use crate::value::Value;

/// Something that an answer has to be, or must not be.
#[derive(Debug, Clone)]
pub struct Check {
    pub(crate) what: Condition,
    pub(crate) is_negated: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// The body holds a text.
    Contains(Template),
    /// The body matches.
    Matches(Regex),
    /// The body is a text.
    Equals(Template),
    /// What a path finds in the body.
    Json(Path, Test),
    /// The values of a header field.
    Header(String, Test),
    /// The body has so many bytes.
    Size(u64, u64),
    /// The response time is at most so long, in nanoseconds.
    TimeNs(u64),
}

/// What is asked of found values.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// There is one, or there is none.
    Exists(bool),
    /// One of them is a value.
    Equals(Compiled),
    /// There are so many.
    Count(u64, u64),
    /// One of them compares so with a number.
    Compares(Comparison, f64),
    /// One of them matches, as a text.
    Matches(Regex),
    /// One of them holds a text.
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

/// What was asked, and whether it holds.
struct Found {
    holds: bool,
    /// As in "the answer …".
    asked: String,
    /// What there was instead.
    instead: Option<String>,
}

impl Check {
    /// Whether it looks into the body.
    pub(crate) fn needs_body(&self) -> bool {
        !matches!(self.what, Condition::Header(..) | Condition::TimeNs(_))
    }

    pub(crate) fn needs_fields(&self) -> bool {
        matches!(self.what, Condition::Header(..))
    }

    /// What is wrong with an answer; `None` where nothing is.
    pub fn fault(
        &self,
        response: &ResponseView,
        context: &mut EvalContext,
    ) -> Result<Option<String>, EvalError> {
        let Found {
            holds,
            asked,
            instead,
        } = match self.quick(response, context)? {
            Some(holds) if holds != self.is_negated => return Ok(None),
            _ => self.look(response, context)?,
        };
        if holds != self.is_negated {
            return Ok(None);
        }
        let instead = instead.map_or_else(String::new, |instead| format!(", but {instead}"));
        Ok(Some(if self.is_negated {
            format!("the check `not {asked}` failed{instead}")
        } else {
            format!("the check `{asked}` failed{instead}")
        }))
    }

    /// What is asked, in words.
    pub fn in_words(
        &self,
        response: &ResponseView,
        context: &mut EvalContext,
    ) -> Result<String, EvalError> {
        let asked = self.look(response, context)?.asked;
        Ok(if self.is_negated {
            format!("not {asked}")
        } else {
            asked
        })
    }

    /// Whether it holds, where that can be said without a word and as often as one likes.
    fn quick(
        &self,
        response: &ResponseView,
        context: &mut EvalContext,
    ) -> Result<Option<bool>, EvalError> {
        Ok(match &self.what {
            Condition::Contains(text) => text
                .literal_bytes()
                .map(|text| memchr::memmem::find(response.body(), text).is_some()),
            Condition::Equals(text) => text.literal_bytes().map(|text| response.body() == text),
            Condition::Json(path, test) if test.is_steady() => match response.values(path) {
                Some(values) => Some(test.holds(values.as_slice(), context)?),
                None => None,
            },
            Condition::Matches(pattern) => Some(pattern.is_match(response.body())),
            Condition::Size(least, most) => {
                Some((*least..=*most).contains(&(response.body().len() as u64)))
            }
            Condition::TimeNs(most) => Some(response.took_ns() <= *most),
            _ => None,
        })
    }

    fn look(&self, response: &ResponseView, context: &mut EvalContext) -> Result<Found, EvalError> {
        let plain = |holds, asked: String| Found {
            holds,
            asked,
            instead: None,
        };
        Ok(match &self.what {
            Condition::Contains(text) => {
                let asked = format!("contains {}", quoted(&rendered(text, context)?));
                plain(holds(response.body(), text, context)?, asked)
            }
            Condition::Matches(pattern) => plain(
                pattern.is_match(response.body()),
                format!("matches {}", quoted(pattern.as_str().as_bytes())),
            ),
            Condition::Equals(text) => {
                let text = rendered(text, context)?;
                plain(response.body() == text, format!("equals {}", quoted(&text)))
            }
            Condition::Size(least, most) => Found {
                holds: (*least..=*most).contains(&(response.body().len() as u64)),
                asked: format!("size {}", range_in_words(*least, *most)),
                instead: Some(format!("it has {} bytes", response.body().len())),
            },
            Condition::TimeNs(most) => Found {
                holds: response.took_ns() <= *most,
                asked: format!("time {}", milliseconds(*most)),
                instead: Some(format!("it took {}", milliseconds(response.took_ns()))),
            },
            Condition::Json(path, test) => {
                let Some(values) = response.values(path) else {
                    // What is no JSON is not what was asked, negated or not.
                    return Ok(Found {
                        holds: self.is_negated,
                        asked: format!("json {path} {}", test.in_words(context)?),
                        instead: Some("it is no JSON".to_owned()),
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
) -> Result<Found, EvalError> {
    let instead = match values {
        [] => "there is none".to_owned(),
        [value] => format!("it is {}", excerpt(&value.to_json().to_string())),
        [first, ..] => format!(
            "there are {}, the first {}",
            values.len(),
            excerpt(&first.to_json().to_string())
        ),
    };
    Ok(Found {
        holds: test.holds(values, context)?,
        asked: format!("{what} {}", test.in_words(context)?),
        instead: Some(instead),
    })
}

impl Test {
    /// Whether it is the same each time that it is asked: nothing is drawn for it.
    fn is_steady(&self) -> bool {
        match self {
            Self::Equals(expression) => expression.is_steady(),
            Self::Contains(text) => text.literal_bytes().is_some(),
            Self::All(tests) => tests.iter().all(Self::is_steady),
            Self::Exists(_) | Self::Count(..) | Self::Compares(..) | Self::Matches(_) => true,
        }
    }

    fn holds(&self, values: &[Value], context: &mut EvalContext) -> Result<bool, EvalError> {
        Ok(match self {
            Self::Exists(wanted) => values.is_empty() != *wanted,
            Self::Count(least, most) => (*least..=*most).contains(&(values.len() as u64)),
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
            Self::Count(least, most) => format!("count {}", range_in_words(*least, *most)),
            Self::Equals(expression) => {
                format!(
                    "is {}",
                    excerpt(&expression.evaluate(context)?.to_json().to_string())
                )
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

/// Whether two values are the same; numbers are, whatever their form.
pub(crate) fn is_equal(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Integer(_) | Value::Float(_) => value.as_number(),
        _ => None,
    };
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one == other,
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => (one - other).abs() <= 0.0,
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
