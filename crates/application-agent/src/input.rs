//! Input: fields of bodies and parameters of queries, with errors that name the expected value.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde_json::{Map, Value};

use crate::error::ApiError;

/// Maximum size of a body in bytes.
pub(crate) const BODY_MAX: usize = 1 << 20;
/// Maximum length of a name in bytes.
const NAME_MAX: usize = 200;

/// Fields of a JSON body.
pub(crate) struct Fields(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| {
            ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body: expected at most 1 MiB",
            )
        })?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(ApiError::unprocessable("body", "a JSON object")),
            Err(error) => Err(ApiError::unprocessable("body", &format!("JSON ({error})"))),
        }
    }
}

impl Fields {
    pub(crate) fn text(&mut self, name: &str) -> Result<String, ApiError> {
        self.optional_text(name)?
            .ok_or_else(|| ApiError::unprocessable(name, "a text"))
    }

    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ApiError::unprocessable(name, "a text")),
        }
    }

    /// Name with a limited length, since names are stored.
    pub(crate) fn name(&mut self, name: &str) -> Result<String, ApiError> {
        let text = self.text(name)?;
        short(name, text)
    }

    pub(crate) fn optional_name(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        self.optional_text(name)?
            .map(|text| short(name, text))
            .transpose()
    }

    pub(crate) fn name_or(&mut self, name: &str, default: &str) -> Result<String, ApiError> {
        Ok(self
            .optional_text(name)?
            .unwrap_or_else(|| default.to_owned()))
    }

    pub(crate) fn number(
        &mut self,
        name: &str,
        range: RangeInclusive<f64>,
    ) -> Result<f64, ApiError> {
        let number = self.0.remove(name).and_then(|value| value.as_f64());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let expected = format!("a number from {} to {}", range.start(), range.end());
                ApiError::unprocessable(name, &expected)
            })
    }

    pub(crate) fn number_or(
        &mut self,
        name: &str,
        range: RangeInclusive<f64>,
        default: f64,
    ) -> Result<f64, ApiError> {
        if self.0.get(name).is_none_or(Value::is_null) {
            Ok(default)
        } else {
            self.number(name, range)
        }
    }

    pub(crate) fn count_or(&mut self, name: &str, default: u64) -> Result<u64, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value
                .as_u64()
                .filter(|count| *count >= 1)
                .ok_or_else(|| ApiError::unprocessable(name, "a whole number of 1 or more")),
        }
    }

    pub(crate) fn one_of(
        &mut self,
        name: &str,
        known: &[&'static str],
    ) -> Result<&'static str, ApiError> {
        let text = self.name_or(name, known[0])?;
        one_of(name, &text, known)
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Map<String, Value>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object),
            Some(_) => Err(ApiError::unprocessable(name, "an object")),
        }
    }
}

fn short(name: &str, text: String) -> Result<String, ApiError> {
    if text.len() > NAME_MAX {
        return Err(ApiError::unprocessable(name, "a text of at most 200 bytes"));
    }
    Ok(text)
}

/// Parameters of a query.
pub(crate) struct Parameters(HashMap<String, String>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Query::from_request_parts(parts, state)
            .await
            .map(|Query(parameters)| Self(parameters))
            .map_err(|error| {
                ApiError::unprocessable("query", &format!("name=value pairs ({error})"))
            })
    }
}

impl Parameters {
    pub(crate) fn one_of(
        &self,
        name: &str,
        known: &[&'static str],
        default: &'static str,
    ) -> Result<&'static str, ApiError> {
        self.0
            .get(name)
            .map_or(Ok(default), |text| one_of(name, text, known))
    }

    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>, ApiError> {
        let text = self.0.get(name).map_or("", String::as_str);
        let items: Vec<String> = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect();
        if items.is_empty() {
            return Err(ApiError::unprocessable(name, "names, separated by commas"));
        }
        Ok(items)
    }
}

fn one_of(name: &str, text: &str, known: &[&'static str]) -> Result<&'static str, ApiError> {
    known
        .iter()
        .find(|known| **known == text)
        .copied()
        .ok_or_else(|| ApiError::unprocessable(name, &format!("one of {}", known.join(", "))))
}
