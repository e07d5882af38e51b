//! Extraction of values from responses into variables.

use std::borrow::Cow;

use regex::bytes::Regex;

use crate::expr::context::{EvalContext, VariableId};
use crate::expr::error::EvalError;
use crate::expr::expression::Expression;
use crate::json::path::{Path, Values};
use crate::model::response::ResponseView;
use crate::random::draw_index;
use crate::value::Value;

/// Extraction of a value from a response into a variable.
#[derive(Debug, Clone)]
pub struct Extract {
    /// The variable.
    pub variable: VariableId,
    pub(crate) from: From,
    pub(crate) take: Take,
    /// Value if nothing is found; `None`: the request fails.
    pub(crate) default: Option<Expression>,
}

#[derive(Debug, Clone)]
pub(crate) enum From {
    Json(Path),
    /// A group of a pattern.
    Regex(Regex, usize),
    Header(String),
    Cookie(String),
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
        matches!(self.from, From::Json(_) | From::Regex(..) | From::Body)
    }

    pub(crate) fn needs_fields(&self) -> bool {
        matches!(self.from, From::Header(_) | From::Cookie(_))
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
            Take::Count => Value::Integer(i64::try_from(found.len()).unwrap_or(i64::MAX)),
            Take::All => Value::list(found),
            _ if found.is_empty() => return self.default(self.missing(), context),
            Take::First => found[0].clone(),
            Take::Last => found[found.len() - 1].clone(),
            Take::Random => found[draw_index(found.len(), context.random)].clone(),
        }))
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
        let text = |bytes: &[u8]| Value::text(String::from_utf8_lossy(bytes));
        Ok(Cow::Owned(match &self.from {
            From::Json(path) => {
                let not_json = || format!("nothing found at {path}: the body is not JSON");
                return response.values(path).ok_or_else(not_json);
            }
            From::Regex(pattern, group) => {
                let captures = pattern.captures_iter(response.body());
                let group = captures.filter_map(|captures| captures.get(*group));
                Values::Many(group.map(|group| text(group.as_bytes())).collect())
            }
            From::Header(name) => Values::Many(response.header(name).map(Value::text).collect()),
            From::Cookie(name) => Values::Many(response.cookie(name).map(Value::text).collect()),
            From::Body => Values::One(Some(text(response.body()))),
            From::Status => Values::One(Some(Value::Integer(response.status().into()))),
        }))
    }

    fn missing(&self) -> String {
        match &self.from {
            From::Json(path) => format!("nothing found at {path}"),
            From::Regex(pattern, _) => format!("nothing matches `{pattern}`"),
            From::Header(name) => format!("the response has no header {name}"),
            From::Cookie(name) => format!("the response does not set cookie {name}"),
            From::Body | From::Status => "the response has nothing to extract".to_owned(),
        }
    }
}
