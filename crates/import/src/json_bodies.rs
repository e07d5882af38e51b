//! JSON bodies: conversion to values that a scenario can contain, and merging of bodies that differ in a few values.

use brunt_scenario::is_sensitive_name;
use serde_json::Value;

use crate::data::{Data, SecretVariable};
use crate::secrets::{self, looks_secret};
use crate::warnings::Warnings;

/// Largest depth of a body that is written value by value: the TOML parser supports 80 levels.
const LEVELS_MAX: usize = 24;
/// Largest number of values in which merged bodies may differ.
const LISTS_MAX: usize = 8;

/// Converts a recorded body to one that a scenario can contain: without secrets and numbers that TOML does not support. `None`: it has to be sent unchanged.
pub(crate) fn writable(
    value: &Value,
    place: &str,
    data: &mut Data,
    warnings: &mut Warnings,
) -> Option<Value> {
    let mut variable = |key: &str, text: &str| {
        let is_sensitive = is_sensitive_name(key) && !text.is_empty() && !data.has_variable(text);
        (is_sensitive || looks_secret(text)).then(|| data.secret(key, None))
    };
    is_writable(value)
        .then(|| clean_body(value, place, &mut variable, warnings))
        .flatten()
}

/// Converts a body of a public description, which contains no secrets, like [`writable`].
pub(crate) fn public(value: &Value, place: &str, warnings: &mut Warnings) -> Option<Value> {
    clean_body(value, place, &mut |_, _| None, warnings)
}

/// Returns the variable for a value that is a secret.
type SecretOf<'a> = &'a mut dyn FnMut(&str, &str) -> Option<SecretVariable>;

fn clean_body(
    value: &Value,
    place: &str,
    secret_of: SecretOf,
    warnings: &mut Warnings,
) -> Option<Value> {
    if levels(value) > LEVELS_MAX {
        return None;
    }
    Some(clean(value, "", place, secret_of, warnings))
}

/// Whether a scenario can contain a body, if not each of its values.
pub(crate) fn is_writable(value: &Value) -> bool {
    !value.is_null() && levels(value) <= LEVELS_MAX
}

fn levels(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(levels).max(),
        Value::Object(entries) => entries.values().map(levels).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

fn clean(
    value: &Value,
    key: &str,
    place: &str,
    secret_of: SecretOf,
    warnings: &mut Warnings,
) -> Value {
    match value {
        Value::Object(entries) => {
            let mut cleaned = serde_json::Map::new();
            for (key, value) in entries {
                cleaned.insert(key.clone(), clean(value, key, place, secret_of, warnings));
            }
            Value::Object(cleaned)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| clean(item, key, place, secret_of, warnings))
            .collect(),
        Value::String(text) => match secret_of(key, text) {
            Some(known) => {
                let warning = secrets::warning(&known.variable);
                warnings.at(warning, format!("`{key}` of {place}"));
                Value::from(known.mark)
            }
            None => value.clone(),
        },
        Value::Number(number) if number.is_u64() && number.as_i64().is_none() => {
            warnings.at(
                "a number is too large for a scenario, and was written as a string",
                format!("`{key}` of {place}"),
            );
            Value::from(number.to_string())
        }
        other => other.clone(),
    }
}

/// Merges bodies into one, in which values that differ are drawn from lists. `None`: they differ in their shape, or in too
/// many values.
pub(crate) fn merged(bodies: &[&Value], noun: &str, data: &mut Data) -> Option<Value> {
    let lists = differing(bodies)?;
    (lists <= LISTS_MAX).then(|| merge(bodies, noun, "", data))
}

/// The keys and lengths of a body. Bodies of one shape differ only in scalars.
pub(crate) fn shape(body: &Value) -> String {
    match body {
        Value::Object(entries) => {
            let mut entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", shape(value)))
                .collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shape).collect();
            format!("[{}]", items.join(","))
        }
        Value::Null => "null".to_owned(),
        _ => "scalar".to_owned(),
    }
}

/// Converts a body so that its strings evaluate to themselves.
pub(crate) fn literal(body: &Value, data: &mut Data) -> Value {
    merge(&[body], "", "", data)
}

/// Number of values in which bodies of one shape differ; `None` if their shapes differ.
fn differing(bodies: &[&Value]) -> Option<usize> {
    let (first, others) = bodies.split_first()?;
    if others.iter().all(|other| other == first) {
        return Some(0);
    }
    match first {
        Value::Object(entries) => {
            let alike = |other: &&Value| {
                other.as_object().is_some_and(|other| {
                    other.len() == entries.len()
                        && entries.keys().all(|key| other.contains_key(key))
                })
            };
            if !others.iter().all(alike) {
                return None;
            }
            let of_key = |key: &String| differing(&column(bodies, |body| body.get(key)));
            entries.keys().map(of_key).sum()
        }
        Value::Array(items) => {
            let alike = |other: &&Value| {
                other
                    .as_array()
                    .is_some_and(|other| other.len() == items.len())
            };
            if !others.iter().all(alike) {
                return None;
            }
            let of_item = |at| differing(&column(bodies, |body| body.get(at)));
            (0..items.len()).map(of_item).sum()
        }
        _ => {
            let is_scalar =
                |value: &&Value| !value.is_object() && !value.is_array() && !value.is_null();
            bodies.iter().all(is_scalar).then_some(1)
        }
    }
}

fn column<'a>(bodies: &[&'a Value], of: impl Fn(&'a Value) -> Option<&'a Value>) -> Vec<&'a Value> {
    bodies.iter().filter_map(|body| of(body)).collect()
}

fn merge(bodies: &[&Value], noun: &str, key: &str, data: &mut Data) -> Value {
    let Some((first, others)) = bodies.split_first() else {
        return Value::Null;
    };
    match first {
        Value::Object(entries) => entries
            .keys()
            .map(|key| {
                let values = column(bodies, |body| body.get(key));
                (key.clone(), merge(&values, noun, key, data))
            })
            .collect(),
        Value::Array(items) => (0..items.len())
            .map(|at| merge(&column(bodies, |body| body.get(at)), noun, key, data))
            .collect(),
        scalar if others.iter().all(|other| other == scalar) => match scalar {
            Value::String(text) => data.literal(text).into(),
            other => (*other).clone(),
        },
        _ => {
            let values = bodies.iter().map(|value| (*value).clone()).collect();
            data.pick(&format!("{noun}_{key}"), values).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unsupported_and_secret_values_are_replaced_with_a_warning() {
        let (mut data, mut warnings) = <(Data, Warnings)>::default();
        let body = json!({
            "name": "Ann", "password": "hunter2", "empty_password": "", "none": null,
            "list": [1, null, 2.5], "huge": u64::MAX, "session": "eyJa.b.c",
        });
        let cleaned = writable(&body, "POST /login", &mut data, &mut warnings);
        let cleaned = cleaned.map(|value| literal(&value, &mut data));
        let expected = json!({
            "name": "Ann", "password": "{{ env.PASSWORD }}", "empty_password": "",
            "none": null, "list": [1, null, 2.5], "huge": "18446744073709551615",
            "session": "{{ env.SESSION }}",
        });
        assert_eq!(cleaned, Some(expected));
        let lines = warnings.into_lines();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(!lines.concat().contains("hunter2"));
        assert_eq!(
            writable(&json!(null), "", &mut data, &mut Warnings::default()),
            None
        );
    }

    #[test]
    fn body_that_is_too_deep_is_not_written() {
        let deep = (0..30).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(
            writable(&deep, "", &mut Data::default(), &mut Warnings::default()),
            None
        );
    }

    #[test]
    fn bodies_of_one_shape_are_merged() {
        let mut data = Data::default();
        let bodies = [
            json!({ "item": "apple", "count": 1, "tags": ["{{x", true] }),
            json!({ "item": "pear", "count": 1, "tags": ["{{x", false] }),
        ];
        let one = merged(&[&bodies[0], &bodies[1]], "order", &mut data);
        let expected = json!({
            "item": "{{ pick(order_item) }}", "count": 1,
            "tags": ["{{ pick(braces) }}x", "{{ pick(order_tags) }}"],
        });
        assert_eq!(one, Some(expected));
        assert_eq!(data.iter().count(), 3);
    }

    #[test]
    fn bodies_of_different_shapes_are_not_merged() {
        let mut data = Data::default();
        let pairs = [
            (json!({ "a": 1 }), json!({ "b": 1 })),
            (json!([1]), json!([1, 2])),
            (json!({ "a": 1 }), json!({ "a": { "b": 1 } })),
            (
                json!((0..9).collect::<Vec<_>>()),
                json!((1..10).collect::<Vec<_>>()),
            ),
        ];
        for (one, other) in pairs {
            assert_eq!(
                merged(&[&one, &other], "x", &mut data),
                None,
                "{one} {other}"
            );
        }
        assert!(data.is_empty());
    }
}
