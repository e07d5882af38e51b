//! JSON bodies: what may stand in a scenario, and one body in the place of many that differ in some
//! values.

use brunt_scenario::is_sensitive_name;
use serde_json::Value;

use crate::data::Data;
use crate::secrets::{STAND_IN, looks_secret};
use crate::warnings::Warnings;

/// A body that is deeper is not written value by value: the TOML reader takes 80 levels.
const LEVELS_MAX: usize = 24;
/// Bodies that differ in more values are not made one.
const LISTS_MAX: usize = 8;

/// A body that the scenario language can say: without nulls, secrets and what is no TOML number.
/// `None`: it has to be sent as it is.
pub(crate) fn speakable(value: &Value, place: &str, warnings: &mut Warnings) -> Option<Value> {
    let is_secret =
        |key: &str, text: &str| (is_sensitive_name(key) && !text.is_empty()) || looks_secret(text);
    clean_whole(value, place, &is_secret, warnings)
}

/// A body of a description that everyone may read: nothing in it is a secret.
pub(crate) fn public(value: &Value, place: &str, warnings: &mut Warnings) -> Option<Value> {
    clean_whole(value, place, &|_, _| false, warnings)
}

type IsSecret<'a> = &'a dyn Fn(&str, &str) -> bool;

fn clean_whole(
    value: &Value,
    place: &str,
    is_secret: IsSecret,
    warnings: &mut Warnings,
) -> Option<Value> {
    if value.is_null() || levels(value) > LEVELS_MAX {
        return None;
    }
    Some(clean(value, "", place, is_secret, warnings))
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
    is_secret: IsSecret,
    warnings: &mut Warnings,
) -> Value {
    match value {
        Value::Object(entries) => {
            let mut kept = serde_json::Map::new();
            for (key, value) in entries {
                if value.is_null() {
                    warnings.at(
                        "a null cannot be written and was left out",
                        format!("`{key}` of {place}"),
                    );
                    continue;
                }
                kept.insert(key.clone(), clean(value, key, place, is_secret, warnings));
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            if items.iter().any(Value::is_null) {
                warnings.at(
                    "a null cannot be written and was left out",
                    format!("`{key}` of {place}"),
                );
            }
            let items = items.iter().filter(|item| !item.is_null());
            items
                .map(|item| clean(item, key, place, is_secret, warnings))
                .collect()
        }
        Value::String(text) if is_secret(key, text) => {
            let what = format!("a secret was replaced by {STAND_IN}; write what is to be sent");
            warnings.at(what, format!("`{key}` of {place}"));
            Value::from(STAND_IN)
        }
        Value::Number(number) if number.is_u64() && number.as_i64().is_none() => {
            warnings.at(
                "a number is too large for a scenario, and is written as a text",
                format!("`{key}` of {place}"),
            );
            Value::from(number.to_string())
        }
        other => other.clone(),
    }
}

/// One body for all: values that differ are drawn from lists of what was seen. `None`: they differ in
/// their shape, or in too much.
pub(crate) fn merged(bodies: &[&Value], noun: &str, data: &mut Data) -> Option<Value> {
    let lists = differing(bodies)?;
    (lists <= LISTS_MAX).then(|| weave(bodies, noun, "", data))
}

/// A body's texts stand for themselves.
pub(crate) fn literal(body: &Value, data: &mut Data) -> Value {
    weave(&[body], "", "", data)
}

/// In how many values bodies of one shape differ.
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

fn weave(bodies: &[&Value], noun: &str, key: &str, data: &mut Data) -> Value {
    let Some((first, others)) = bodies.split_first() else {
        return Value::Null;
    };
    match first {
        Value::Object(entries) => entries
            .keys()
            .map(|key| {
                let values = column(bodies, |body| body.get(key));
                (key.clone(), weave(&values, noun, key, data))
            })
            .collect(),
        Value::Array(items) => (0..items.len())
            .map(|at| weave(&column(bodies, |body| body.get(at)), noun, key, data))
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
    fn what_the_language_cannot_say_is_left_out_with_a_word() {
        let mut warnings = Warnings::default();
        let body = json!({
            "name": "Ann", "password": "hunter2", "empty_password": "", "none": null,
            "list": [1, null, 2.5], "huge": u64::MAX, "session": "eyJa.b.c",
        });
        let cleaned = speakable(&body, "POST /login", &mut warnings);
        let expected = json!({
            "name": "Ann", "password": "REPLACE-ME", "empty_password": "",
            "list": [1, 2.5], "huge": "18446744073709551615", "session": "REPLACE-ME",
        });
        assert_eq!(cleaned, Some(expected));
        let lines = warnings.into_lines();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(!lines.concat().contains("hunter2"));
        assert_eq!(speakable(&json!(null), "", &mut Warnings::default()), None);
    }

    #[test]
    fn what_is_too_deep_is_not_written() {
        let deep = (0..30).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(speakable(&deep, "", &mut Warnings::default()), None);
    }

    #[test]
    fn bodies_of_one_shape_become_one() {
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
    fn bodies_of_other_shapes_stay_apart() {
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
