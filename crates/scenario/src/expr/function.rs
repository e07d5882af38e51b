//! The functions of expressions, for compiled expressions and for Jinja.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::{Rng, RngExt};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value as JsonValue;
use sha2::{Digest, Sha256};

use crate::expr::error::EvalError;
use crate::expr::fields::{each, entries};
use crate::random::{draw_index, standard_normal};
use crate::source::units;
use crate::value::{Encoding, Value, write_text};

/// A function of expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Pick,
    PickWeighted,
    Sample,
    Next,
    RandInt,
    Uniform,
    Normal,
    Uuid,
    RandomString,
    Now,
    Seq,
    UserNumber,
    Base64,
    Sha256,
    HmacSha256,
    UrlEncode,
    Json,
}

impl Function {
    pub(crate) const ALL: [Self; 17] = [
        Self::Pick,
        Self::PickWeighted,
        Self::Sample,
        Self::Next,
        Self::RandInt,
        Self::Uniform,
        Self::Normal,
        Self::Uuid,
        Self::RandomString,
        Self::Now,
        Self::Seq,
        Self::UserNumber,
        Self::Base64,
        Self::Sha256,
        Self::HmacSha256,
        Self::UrlEncode,
        Self::Json,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pick => "pick",
            Self::PickWeighted => "pick_weighted",
            Self::Sample => "sample",
            Self::Next => "next",
            Self::RandInt => "randint",
            Self::Uniform => "uniform",
            Self::Normal => "normal",
            Self::Uuid => "uuid",
            Self::RandomString => "random_string",
            Self::Now => "now",
            Self::Seq => "seq",
            Self::UserNumber => "user_number",
            Self::Base64 => "base64",
            Self::Sha256 => "sha256",
            Self::HmacSha256 => "hmac_sha256",
            Self::UrlEncode => "urlencode",
            Self::Json => "json",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.name() == name)
    }

    /// Syntax of a call.
    pub(crate) const fn usage(self) -> &'static str {
        match self {
            Self::Pick => "pick(LIST)",
            Self::PickWeighted => "pick_weighted(LIST, WEIGHTS)",
            Self::Sample => {
                "sample(LIST, COUNT) with a count of 0 or more, and at most the length of the list"
            }
            Self::Next => "next(DATA)",
            Self::RandInt => "randint(LOW, HIGH) with two whole numbers, the lower one first",
            Self::Uniform => "uniform(LOW, HIGH) with two numbers, the lower one first",
            Self::Normal => "normal(MEAN, DEVIATION)",
            Self::Uuid => "uuid()",
            Self::RandomString => "random_string(LENGTH)",
            Self::Now => "now(), now(\"%Y-%m-%d\") or now(\"unix\", \"-1d\")",
            Self::Seq => {
                "seq(), seq(\"NAME\") or seq(\"NAME\", FIRST) with a whole number of 0 or more"
            }
            Self::UserNumber => "user_number()",
            Self::Base64 => "base64(TEXT)",
            Self::Sha256 => "sha256(TEXT)",
            Self::HmacSha256 => "hmac_sha256(KEY, TEXT)",
            Self::UrlEncode => "urlencode(TEXT) or urlencode(TABLE)",
            Self::Json => "json(VALUE)",
        }
    }

    /// Smallest and largest number of arguments.
    pub(crate) const fn arity(self) -> (usize, usize) {
        match self {
            Self::Uuid | Self::UserNumber => (0, 0),
            Self::Now | Self::Seq => (0, 2),
            Self::PickWeighted
            | Self::Sample
            | Self::RandInt
            | Self::Uniform
            | Self::Normal
            | Self::HmacSha256 => (2, 2),
            _ => (1, 1),
        }
    }

    /// Whether it is deterministic.
    pub(crate) const fn is_pure(self) -> bool {
        matches!(
            self,
            Self::Base64 | Self::Sha256 | Self::HmacSha256 | Self::UrlEncode | Self::Json
        )
    }

    /// Whether it returns values of a list, which may be of any type.
    pub(crate) const fn draws_values(self) -> bool {
        matches!(
            self,
            Self::Pick | Self::PickWeighted | Self::Sample | Self::Next
        )
    }

    /// Name and first number of the sequence that `seq` counts.
    pub(crate) fn sequence(arguments: &[Value]) -> Result<(&str, u64), EvalError> {
        let (name, first) = match arguments {
            [] => ("", Some(1)),
            [Value::Text(name)] => (name.as_ref(), Some(1)),
            [Value::Text(name), first] => {
                let first = first.as_whole().and_then(|first| u64::try_from(first).ok());
                (name.as_ref(), first)
            }
            _ => ("", None),
        };
        Ok((name, first.ok_or_else(|| Self::Seq.misused())?))
    }

    /// Calls the function. `next`, `seq` and `user_number`, which need the state of users, are not called here.
    pub(crate) fn call(
        self,
        arguments: &[Value],
        random: &mut Xoshiro256PlusPlus,
        now: impl FnOnce() -> Timestamp,
    ) -> Result<Value, EvalError> {
        let (least, most) = self.arity();
        if arguments.len() < least || arguments.len() > most {
            return Err(self.misused());
        }
        let number = |at: usize| arguments[at].as_number().ok_or_else(|| self.misused());
        let text = |at: usize| arguments[at].in_text();
        Ok(match self {
            Self::Pick => return pick(&arguments[0], random),
            Self::PickWeighted => return pick_weighted(&arguments[0], &arguments[1], random),
            Self::Sample => return sample(&arguments[0], &arguments[1], random),
            Self::RandInt => {
                let (low, high) = self.whole_range(arguments)?;
                Value::Integer(random.random_range(low..=high))
            }
            Self::Uniform => {
                let (low, high) = (number(0)?, number(1)?);
                self.check(low.is_finite() && high.is_finite() && low <= high)?;
                Value::Float(random.random_range(low..=high))
            }
            Self::Normal => {
                let (mean, deviation) = (number(0)?, number(1)?);
                self.check(mean.is_finite() && deviation.is_finite() && deviation >= 0.0)?;
                Value::Float(mean + deviation * standard_normal(random))
            }
            Self::Uuid => Value::text(uuid(random)),
            Self::RandomString => {
                let Value::Integer(length @ 0..=1_000_000) = arguments[0] else {
                    return Err(self.misused());
                };
                Value::text(random_string(length, random))
            }
            Self::Now => {
                let format = arguments.first().map(Value::in_text);
                let offset = arguments.get(1).map(Value::in_text);
                Value::text(moment(now(), format.as_deref(), offset.as_deref())?)
            }
            Self::Base64 => Value::text(base64(text(0).as_bytes())),
            Self::Sha256 => Value::text(hex(&Sha256::digest(text(0)))),
            Self::HmacSha256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(text(0).as_bytes())
                    .map_err(|_| self.misused())?;
                mac.update(text(1).as_bytes());
                Value::text(hex(&mac.finalize().into_bytes()))
            }
            Self::UrlEncode => return url_encode(&arguments[0]),
            Self::Json => Value::text(arguments[0].json_text()),
            Self::Next | Self::Seq | Self::UserNumber => return Err(self.misused()),
        })
    }

    /// Bounds of a range of whole numbers.
    pub(crate) fn whole_range(self, arguments: &[Value]) -> Result<(i64, i64), EvalError> {
        match arguments {
            [Value::Integer(low), Value::Integer(high)] if low <= high => Ok((*low, *high)),
            [low, high] => {
                let whole = |value: &Value| value.in_text().trim().parse::<i64>().ok();
                whole(low)
                    .zip(whole(high))
                    .filter(|(low, high)| low <= high)
                    .ok_or_else(|| self.misused())
            }
            _ => Err(self.misused()),
        }
    }

    fn check(self, holds: bool) -> Result<(), EvalError> {
        if holds { Ok(()) } else { Err(self.misused()) }
    }

    fn misused(self) -> EvalError {
        EvalError::Failed(format!(
            "invalid arguments of {}: must be {}",
            self.name(),
            self.usage()
        ))
    }
}

/// A number of a sequence as a value.
pub(crate) fn sequence_value(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn pick(list: &Value, random: &mut Xoshiro256PlusPlus) -> Result<Value, EvalError> {
    match list {
        Value::Json(json) => match json.as_ref() {
            JsonValue::Array(items) if !items.is_empty() => {
                Ok(Value::of_json(&items[draw_index(items.len(), random)]))
            }
            JsonValue::Array(_) => Err(EvalError::failed(
                "invalid argument of pick: the list is empty",
            )),
            _ => Err(EvalError::failed(
                "invalid argument of pick: must be a list, not a table",
            )),
        },
        other => Err(EvalError::Failed(format!(
            "invalid argument of pick: must be a list, not `{}`",
            other.in_text()
        ))),
    }
}

/// A percent-encoded text; of a table, the names and values of a query.
fn url_encode(value: &Value) -> Result<Value, EvalError> {
    let mut encoded = Vec::new();
    match value {
        Value::Json(json) if json.is_object() => {
            for (name, value) in entries(value)? {
                each(&Value::of_json(value), |value| {
                    encoded.extend_from_slice(if encoded.is_empty() { b"" } else { b"&" });
                    write_text(name, Encoding::Form, &mut encoded);
                    encoded.push(b'=');
                    value.write(Encoding::Form, &mut encoded);
                    Ok(())
                })?;
            }
        }
        other => write_text(&other.in_text(), Encoding::Form, &mut encoded),
    }
    Ok(Value::text(String::from_utf8_lossy(&encoded)))
}

fn pick_weighted(
    list: &Value,
    weights: &Value,
    random: &mut Xoshiro256PlusPlus,
) -> Result<Value, EvalError> {
    let wrong = || {
        EvalError::failed(
            "invalid arguments of pick_weighted: must be a list and a list of the same length with weights of 0 or more, not all 0",
        )
    };
    let (Value::Json(list), Value::Json(weights)) = (list, weights) else {
        return Err(wrong());
    };
    let (JsonValue::Array(list), JsonValue::Array(weights)) = (list.as_ref(), weights.as_ref())
    else {
        return Err(wrong());
    };
    let weight = |weight: &JsonValue| weight.as_f64().filter(|weight| *weight >= 0.0);
    let total: Option<f64> = weights.iter().map(weight).sum();
    let total = total.filter(|total| *total > 0.0 && list.len() == weights.len());
    let at = random.random::<f64>() * total.ok_or_else(wrong)?;
    let mut end = 0.0;
    let mut chosen = None;
    for (item, own) in list.iter().zip(weights) {
        let own = weight(own).unwrap_or(0.0);
        end += own;
        if own > 0.0 {
            chosen = Some(item);
        }
        if at < end {
            break;
        }
    }
    chosen.map(Value::of_json).ok_or_else(wrong)
}

/// Items of a list without repetition, in random order (Fisher and Yates).
fn sample(
    list: &Value,
    count: &Value,
    random: &mut Xoshiro256PlusPlus,
) -> Result<Value, EvalError> {
    let wrong = || Function::Sample.misused();
    let Value::Json(list) = list else {
        return Err(wrong());
    };
    let items = list.as_array().ok_or_else(wrong)?;
    let count = count
        .as_whole()
        .and_then(|count| usize::try_from(count).ok());
    let count = count
        .filter(|count| *count <= items.len())
        .ok_or_else(wrong)?;
    let mut rest: Vec<&JsonValue> = items.iter().collect();
    for at in 0..count {
        let chosen = at + draw_index(rest.len() - at, random);
        rest.swap(at, chosen);
    }
    let drawn = rest[..count].iter().map(|item| (*item).clone()).collect();
    Ok(Value::Json(Arc::new(JsonValue::Array(drawn))))
}

/// A random UUID (RFC 9562, version 4).
fn uuid(random: &mut Xoshiro256PlusPlus) -> String {
    let mut bytes = [0; 16];
    random.fill_bytes(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

fn random_string(length: i64, random: &mut Xoshiro256PlusPlus) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..length)
        .map(|_| char::from(LETTERS[draw_index(LETTERS.len(), random)]))
        .collect()
}

/// Formats a time in UTC: `iso` (RFC 3339), `unix`, `unix_ms`, or a strftime format.
fn moment(now: Timestamp, format: Option<&str>, offset: Option<&str>) -> Result<String, EvalError> {
    let offset = match offset {
        None => SignedDuration::ZERO,
        Some(text) => signed_duration(text).ok_or_else(|| {
            EvalError::Failed(format!(
                "invalid offset `{text}`: must be like -1d or 2h30m"
            ))
        })?,
    };
    let moment = now
        .checked_add(offset)
        .map_err(|_| EvalError::failed("now was moved out of the calendar"))?;
    Ok(match format.unwrap_or("iso") {
        "iso" => moment.to_string(),
        "unix" => moment.as_second().to_string(),
        "unix_ms" => moment.as_millisecond().to_string(),
        format => jiff::fmt::strtime::format(format, &moment.to_zoned(TimeZone::UTC)).map_err(
            |_| {
                EvalError::Failed(format!(
                    "invalid format `{format}`: must be \"unix\", \"unix_ms\", \"iso\" or like \"%Y-%m-%d\""
                ))
            },
        )?,
    })
}

fn signed_duration(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    let (is_back, length) = match text.strip_prefix('-') {
        Some(length) => (true, length),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let length = SignedDuration::try_from(units::duration(length).ok()?).ok()?;
    Some(if is_back { -length } else { length })
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        for digit in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
        hex
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn call(function: Function, arguments: &[Value]) -> Result<Value, EvalError> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        function.call(arguments, &mut random, || {
            Timestamp::from_second(1_700_000_000).expect("in the calendar")
        })
    }

    #[test]
    fn deterministic_functions_match_known_results() {
        use Function::{Base64, HmacSha256, Json, Now, Sha256, UrlEncode};
        let cases: &[(Function, &[&str], &str)] = &[
            (Base64, &["user:pass"], "dXNlcjpwYXNz"),
            (
                Sha256,
                &["abc"],
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                // RFC 4231, test case 2.
                HmacSha256,
                &["Jefe", "what do ya want for nothing?"],
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (UrlEncode, &["a b&c/é"], "a%20b%26c%2F%C3%A9"),
            (Json, &["say \"hi\""], "\"say \\\"hi\\\"\""),
            (Now, &[], "2023-11-14T22:13:20Z"),
            (Now, &["unix_ms"], "1700000000000"),
            (Now, &["%Y-%m-%d %H:%M"], "2023-11-14 22:13"),
            (Now, &["%Y-%m-%d", "-1d"], "2023-11-13"),
            (Now, &["unix", "2h"], "1700007200"),
        ];
        for (function, arguments, expected) in cases {
            let arguments: Vec<Value> = arguments.iter().map(|text| Value::text(*text)).collect();
            assert_eq!(call(*function, &arguments), Ok(Value::text(*expected)));
        }
    }

    #[test]
    fn misuse_error_names_the_syntax() {
        use Function::{Normal, Now, Pick, PickWeighted, RandInt, RandomString};
        let cases: &[(Function, &[Value], &str)] = &[
            (
                RandInt,
                &[Value::Integer(9), Value::Integer(1)],
                "lower one first",
            ),
            (RandomString, &[Value::Integer(-1)], "random_string(LENGTH)"),
            (Normal, &[Value::Float(1.0)], "normal(MEAN, DEVIATION)"),
            (Pick, &[Value::text("x")], "must be a list"),
            (Pick, &[Value::list(&[])], "empty"),
            (
                PickWeighted,
                &[Value::list(&[Value::None]), Value::list(&[])],
                "a list of the same length",
            ),
            (Now, &[Value::text("%!")], "invalid format"),
            (
                Now,
                &[Value::text("unix"), Value::text("soon")],
                "invalid offset",
            ),
        ];
        for (function, arguments, part) in cases {
            match call(*function, arguments) {
                Err(EvalError::Failed(text)) => assert!(text.contains(part), "{text}"),
                other => panic!("{function:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn pick_weighted_follows_the_weights() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let list = Value::of_json(&serde_json::json!(["a", "b", "c"]));
        let weights = Value::of_json(&serde_json::json!([1, 0, 3]));
        let mut counts = [0u32; 3];
        for _ in 0..40_000 {
            let drawn = pick_weighted(&list, &weights, &mut random)
                .expect("a value")
                .in_text();
            counts[usize::from(drawn.as_bytes()[0] - b'a')] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((9_500..10_500).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn sample_has_no_repetition_and_every_item_equally_often() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let list = Value::of_json(&serde_json::json!([0, 1, 2, 3]));
        let mut counts = [0u32; 4];
        for _ in 0..20_000 {
            let drawn = sample(&list, &Value::Integer(2), &mut random).expect("a list");
            let drawn = drawn.to_json();
            let drawn: Vec<usize> = serde_json::from_value(drawn).expect("numbers");
            assert_ne!(drawn[0], drawn[1]);
            drawn.iter().for_each(|item| counts[*item] += 1);
        }
        assert!(
            counts.iter().all(|count| (9_500..10_500).contains(count)),
            "{counts:?}"
        );
        assert_eq!(
            sample(&list, &Value::Integer(0), &mut random),
            Ok(Value::list(&[]))
        );
        for count in [Value::Integer(5), Value::Integer(-1), Value::text("x")] {
            assert!(sample(&list, &count, &mut random).is_err());
        }
    }

    #[test]
    fn a_uuid_is_one() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
        let first = uuid(&mut random);
        let parts: Vec<usize> = first.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(first.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&first.as_bytes()[19]), "{first}");
        assert_ne!(first, uuid(&mut random));
    }
}
