//! Extraction of values from responses into variables.

use std::borrow::Cow;

use regex::bytes::Regex;

use crate::expr::context::{EvalContext, VariableId};
use crate::expr::error::EvalError;
use crate::expr::expression::Expression;
use crate::json::path::{Path, Values};
use crate::model::check::length;
use crate::model::response::ResponseView;
use crate::random::draw_index;
use crate::value::Value;

/// Extraction of a value from a response into a variable.
#[derive(Debug, Clone)]
pub struct Extract {
    /// The variable.
    pub variable: VariableId,
    pub(crate) from: From,
    /// A pattern to search for in the source, with the number of its group.
    pub(crate) pattern: Option<(Regex, usize)>,
    pub(crate) take: Take,
    /// Value if nothing is found; `None`: the request fails.
    pub(crate) default: Option<Expression>,
}

#[derive(Debug, Clone)]
pub(crate) enum From {
    Json(Path),
    Header(String),
    /// A cookie that the response sets, or that the user has for its URL.
    Cookie(String),
    /// The URL of the response, after redirects.
    Url,
    Body,
    Status,
}

/// Selection among the found values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    First,
    Last,
    All,
    Random,
    Count,
}

impl Take {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "first" => Self::First,
            "last" => Self::Last,
            "all" => Self::All,
            "random" => Self::Random,
            "count" => Self::Count,
            _ => return None,
        })
    }
}

impl Extract {
    pub(crate) fn needs_body(&self) -> bool {
        matches!(self.from, From::Json(_) | From::Body)
    }

    pub(crate) fn needs_fields(&self) -> bool {
        matches!(self.from, From::Header(_) | From::Cookie(_))
    }

    pub(crate) fn needs_url(&self) -> bool {
        matches!(self.from, From::Url | From::Cookie(_))
    }

    /// Returns the value, or the reason why there is no value.
    pub fn value(
        &self,
        response: &ResponseView,
        context: &mut EvalContext,
    ) -> Result<Result<Value, String>, EvalError> {
        let found = match self.found(response) {
            Ok(found) => found,
            Err(missing) => return self.default(missing, context),
        };
        let found = found.as_slice();
        Ok(Ok(match self.take {
            Take::Count => Value::Integer(i64::try_from(self.count(found)).unwrap_or(i64::MAX)),
            Take::All => Value::list(found),
            _ if found.is_empty() => return self.default(self.missing(), context),
            Take::First => found[0].clone(),
            Take::Last => found[found.len() - 1].clone(),
            Take::Random => found[draw_index(found.len(), context.random)].clone(),
        }))
    }

    /// Number of values; number of items of the list that a path of at most one value finds.
    fn count(&self, found: &[Value]) -> u64 {
        match &self.from {
            From::Json(path) if path.is_singular() && self.pattern.is_none() => length(found),
            _ => found.len() as u64,
        }
    }

    fn default(
        &self,
        missing: String,
        context: &mut EvalContext,
    ) -> Result<Result<Value, String>, EvalError> {
        match &self.default {
            Some(default) => Ok(Ok(default.evaluate(context)?)),
            None => Ok(Err(missing)),
        }
    }

    /// All found values, regardless of the selection.
    pub fn found_values(&self, response: &ResponseView) -> Vec<Value> {
        let found = self.found(response);
        found.map_or_else(|_| Vec::new(), |found| found.as_slice().to_vec())
    }

    fn found<'a>(&self, response: &'a ResponseView) -> Result<Cow<'a, Values>, String> {
        let Some((pattern, group)) = &self.pattern else {
            return self.found_in_source(response);
        };
        let mut found = Vec::new();
        let mut search = |bytes: &[u8]| {
            let captures = pattern.captures_iter(bytes);
            let groups = captures.filter_map(|captures| captures.get(*group));
            found.extend(groups.map(|group| text_of(group.as_bytes())));
        };
        if matches!(self.from, From::Body) {
            search(response.body());
        } else {
            let values = self.found_in_source(response)?;
            for value in values.as_slice() {
                search(value.in_text().as_bytes());
            }
        }
        Ok(Cow::Owned(Values::Many(found)))
    }

    fn found_in_source<'a>(&self, response: &'a ResponseView) -> Result<Cow<'a, Values>, String> {
        Ok(Cow::Owned(match &self.from {
            From::Json(path) => {
                let not_json = || format!("nothing found at {path}: the body is not JSON");
                return response.values(path).ok_or_else(not_json);
            }
            From::Header(name) => Values::Many(response.header(name).map(Value::text).collect()),
            From::Cookie(name) => {
                let set: Vec<Value> = response.cookie(name).map(Value::text).collect();
                Values::Many(if set.is_empty() {
                    response.own_cookie(name).map(Value::text).collect()
                } else {
                    set
                })
            }
            From::Url => Values::One(response.url().map(Value::text)),
            From::Body => Values::One(Some(text_of(response.body()))),
            From::Status => Values::One(Some(Value::Integer(response.status().into()))),
        }))
    }

    fn missing(&self) -> String {
        let missing = match &self.from {
            From::Json(path) => format!("nothing found at {path}"),
            From::Header(name) => format!("the response has no header {name}"),
            From::Cookie(name) => {
                format!("the response does not set cookie {name}, and the user does not have it")
            }
            From::Body | From::Status | From::Url => {
                "the response has nothing to extract".to_owned()
            }
        };
        match (&self.pattern, &self.from) {
            (None, _) => missing,
            (Some((pattern, _)), From::Body) => format!("nothing matches `{pattern}`"),
            (Some((pattern, _)), From::Url) => format!("`{pattern}` does not match the URL"),
            (Some((pattern, _)), _) => format!("{missing} that matches `{pattern}`"),
        }
    }
}

fn text_of(bytes: &[u8]) -> Value {
    Value::text(String::from_utf8_lossy(bytes))
}
