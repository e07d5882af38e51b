//! JSONPath (RFC 9535). A path of names and indexes alone selects at most one value, which is found while the body is
//! parsed; no other part of the body is kept.

use std::fmt;
use std::sync::Arc;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as JsonValue;
use serde_json_path::JsonPath;

use crate::json::numbers;
use crate::json::tree::{Bounded, Memory, MemoryLimit, Unlimited};
use crate::value::Value;

/// Longest path, in bytes.
const BYTES_MAX: usize = 4_096;
/// Deepest nesting of brackets. The time that the parser takes doubles with each level of nested filters.
const DEPTH_MAX: usize = 10;
/// A text that breaks off here was not closed, and the parser panics: it waits for more input.
const ENDS_IN_ESCAPE: [&str; 3] = ["\\u", "\\uD", "\\ud"];

/// Depth of the brackets of a path, without those inside strings.
#[expect(
    clippy::match_same_arms,
    reason = "strings are skipped before other text is examined"
)]
fn depth(text: &str) -> usize {
    let (mut quote, mut is_escaped) = (None, false);
    let (mut depth, mut deepest) = (0usize, 0);
    for letter in text.chars() {
        match (quote, letter) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// A JSONPath that selects values of a body.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    parsed: JsonPath,
    /// Text of the scenario.
    text: Box<str>,
    /// Names and indexes, if it consists of them alone.
    steps: Option<Arc<[Step]>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(Box<str>),
    Place(usize),
}

/// Values that were found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// At most one.
    One(Option<Value>),
    Many(Vec<Value>),
}

impl Values {
    pub(crate) fn as_slice(&self) -> &[Value] {
        match self {
            Self::One(value) => value.as_slice(),
            Self::Many(values) => values,
        }
    }
}

impl Path {
    /// Returns the reason if it is invalid.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            let length = text.len();
            return Err(format!("{length} bytes; the limit is {BYTES_MAX}"));
        }
        if depth(text) > DEPTH_MAX {
            return Err(format!("brackets more than {DEPTH_MAX} deep"));
        }
        if ENDS_IN_ESCAPE.iter().any(|end| text.ends_with(end)) {
            return Err("it ends within an escape sequence".to_owned());
        }
        let parsed = JsonPath::parse(text).map_err(|error| error.message().to_owned())?;
        Ok(Self {
            parsed,
            text: text.into(),
            steps: steps_of(text).map(Arc::from),
        })
    }

    /// Whether it selects at most one value, which is found while the body is parsed.
    pub(crate) fn is_followed(&self) -> bool {
        self.steps.is_some()
    }

    /// Values that it finds in an unparsed body; `None` if the body is not JSON.
    pub(crate) fn follow(&self, body: &str) -> Option<Values> {
        self.follow_in(body, Unlimited)
    }

    /// The same within a memory limit; `None` also if the limit is exceeded.
    pub(crate) fn follow_within(&self, body: &str, limit: &MemoryLimit) -> Option<Values> {
        self.follow_in(body, limit)
    }

    fn follow_in(&self, body: &str, memory: impl Memory) -> Option<Values> {
        let found = self.follow_once(body, memory);
        let is_exact = match &found {
            Some(Some(Value::Float(_))) | None => false,
            Some(Some(Value::Json(json))) => !numbers::has_float(json),
            Some(_) => true,
        };
        if is_exact {
            return found.map(Values::One);
        }
        let Some(marked) = numbers::mark(body) else {
            return found.map(Values::One);
        };
        memory.take(marked.len()).ok()?;
        self.follow_once(&marked, memory).map(Values::One)
    }

    /// `None` if the body cannot be parsed.
    #[expect(
        clippy::option_option,
        reason = "whether it is JSON, and whether there is a value"
    )]
    fn follow_once(&self, body: &str, memory: impl Memory) -> Option<Option<Value>> {
        let mut json = serde_json::Deserializer::from_str(body);
        let follow = Follow {
            steps: self.steps.as_deref()?,
            memory,
        };
        let found = follow.deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(found)
    }

    /// Values that it finds in a parsed body. `exact` returns the same body with its numbers as they were written, if
    /// some of them differ.
    pub(crate) fn find<'a>(
        &self,
        json: &'a JsonValue,
        exact: impl FnOnce() -> Option<&'a JsonValue>,
    ) -> Values {
        let found = self.found(json, exact).into_iter();
        Values::Many(found.map(Value::of_json).collect())
    }

    /// The same within a memory limit; `None` if it is exceeded.
    pub(crate) fn find_within<'a>(
        &self,
        json: &'a JsonValue,
        exact: impl FnOnce() -> Option<&'a JsonValue>,
        limit: &MemoryLimit,
    ) -> Option<Values> {
        let values = self.found(json, exact).into_iter().map(|json| {
            limit.take_copy(json).ok()?;
            Some(Value::of_json(json))
        });
        values.collect::<Option<_>>().map(Values::Many)
    }

    fn found<'a>(
        &self,
        json: &'a JsonValue,
        exact: impl FnOnce() -> Option<&'a JsonValue>,
    ) -> Vec<&'a JsonValue> {
        let found = self.parsed.query(json).all();
        if !found.iter().any(|json| numbers::has_float(json)) {
            return found;
        }
        let Some(exact) = exact() else {
            return found;
        };
        let located = self.parsed.query_located(json);
        let places = located
            .locations()
            .map(serde_json_path::NormalizedPath::to_json_pointer);
        places.filter_map(|place| exact.pointer(&place)).collect()
    }

    /// Whether it selects at most one value of any body: a singular query of RFC 9535, section 2.3.5.1.
    pub(crate) fn is_singular(&self) -> bool {
        self.is_followed() || has_only_names_and_indexes(&self.text)
    }

    /// Whether both have the same text.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Path {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

/// Names and indexes of a valid path that consists of them alone.
fn steps_of(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(named) = rest.strip_prefix('.') {
            let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let end = named.find(|letter| !is_of_name(letter));
            let (name, after) = named.split_at(end.unwrap_or(named.len()));
            (Step::Name(name.into()), after)
        } else {
            let (within, after) = rest.strip_prefix('[')?.split_once(']')?;
            (step_within(within)?, after)
        };
        if matches!(&step, Step::Name(name) if name.is_empty()) {
            return None;
        }
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

/// Whether a valid path has no selector for several values outside of strings.
#[expect(
    clippy::match_same_arms,
    reason = "strings are skipped before other text is examined"
)]
fn has_only_names_and_indexes(text: &str) -> bool {
    let (mut quote, mut is_escaped, mut last) = (None, false, ' ');
    for letter in text.chars() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if letter == '\\' => is_escaped = true,
            Some(open) if open == letter => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None if matches!(letter, '*' | ':' | ',' | '?') || last == '.' && letter == '.' => {
                return false;
            }
            None => {}
        }
        last = letter;
    }
    true
}

/// Content of brackets.
fn step_within(text: &str) -> Option<Step> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Step::Place);
    }
    let unquoted = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    let name: &str = unquoted('\'').or_else(|| unquoted('"'))?;
    let is_plain = !name.contains(['\'', '"', '\\']);
    is_plain.then(|| Step::Name(name.into()))
}

/// Follows names and indexes, and returns the value at the end.
#[derive(Clone, Copy)]
struct Follow<'a, M> {
    steps: &'a [Step],
    memory: M,
}

impl<'de, M: Memory> DeserializeSeed<'de> for Follow<'_, M> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'a, M: Memory> Follow<'a, M> {
    /// A scalar.
    fn plain(&self, value: impl FnOnce() -> Value) -> Option<Value> {
        self.steps.is_empty().then(value)
    }

    /// The next step, and a visitor for the rest.
    fn next(self) -> Option<(&'a Step, Self)> {
        let (step, steps) = self.steps.split_first()?;
        Some((step, Self { steps, ..self }))
    }

    /// A list or a table.
    fn whole<'de, D: Deserializer<'de>>(self, from: D) -> Result<Option<Value>, D::Error> {
        let json = Bounded(self.memory).deserialize(from)?;
        Ok(Some(Value::Json(Arc::new(json))))
    }
}

impl<'de, M: Memory> Visitor<'de> for Follow<'_, M> {
    type Value = Option<Value>;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(self.plain(|| Value::None))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.plain(|| Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.plain(|| Value::Integer(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.plain(|| Value::of_json(&number.into())))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.plain(|| Value::Float(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.plain(|| Value::of_json_string(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.next() else {
            return self.whole(SeqAccessDeserializer::new(items));
        };
        let mut found = None;
        if let Step::Place(place) = step {
            for _ in 0..*place {
                if items.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = items.next_element_seed(rest)?.flatten();
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let Some((step, rest)) = self.next() else {
            return self.whole(MapAccessDeserializer::new(entries));
        };
        let mut found = None;
        while let Some(is_it) = entries.next_key_seed(Is(step))? {
            if is_it {
                // The last one of the same name counts.
                found = entries.next_value_seed(rest)?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a name is that of a step.
struct Is<'a>(&'a Step);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(matches!(self.0, Step::Name(wanted) if **wanted == *name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn path_that_breaks_off_is_refused_wherever_it_does() {
        let path =
            r#"$["\uD83D\ud83d\u00e9\n"][?match(@['\uD83D\uDE00'], "x.*") || @ == "\u0041"]"#;
        for (end, _) in path.char_indices().skip(2) {
            assert!(Path::parse(&path[..end]).is_err(), "{}", &path[..end]);
        }
        assert!(Path::parse(r#"$["\uD83D\uDE00"]"#).is_ok());
    }

    #[test]
    fn deep_and_long_paths_are_refused_before_they_are_parsed() {
        for text in [
            format!("${}{}", "[?@".repeat(11), "]".repeat(11)),
            format!("$[?{}@.a{}]", "(".repeat(200_000), ")".repeat(200_000)),
            format!("${}", ".a".repeat(200_000)),
        ] {
            let start = &text[..20];
            let refused = Path::parse(&text).unwrap_err();
            assert!(
                refused.contains("deep") || refused.contains("bytes"),
                "{start}: {refused}"
            );
        }
        let in_a_text = format!("$['{}']", "[".repeat(100));
        Path::parse(&in_a_text).unwrap();
        Path::parse(&format!("${}{}", "[?@".repeat(10), "]".repeat(10))).unwrap();
    }

    #[test]
    fn paths_are_shown_as_they_were_written() {
        for text in ["$..b", "$['a'][0:3]", "$.a[?@.b == 'c']"] {
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_way_is_one_of_names_and_places_alone() {
        for text in [
            "$",
            "$.a",
            "$.a.b_1",
            "$['a b'].c",
            "$[\"a\"]",
            "$.items[0].id",
            "$[0][12]",
        ] {
            assert!(Path::parse(text).unwrap().is_followed(), "{text}");
        }
        for text in [
            "$..a",
            "$.*",
            "$[*]",
            "$[-1]",
            "$[0,1]",
            "$[0:2]",
            "$['a','b']",
            "$[?@.a]",
            "$['\\'']",
            "$.é",
        ] {
            assert!(!Path::parse(text).unwrap().is_followed(), "{text}");
        }
    }

    /// RFC 9535, section 2.3.5.1.
    #[test]
    fn singular_path_has_only_names_and_indexes() {
        for text in [
            "$",
            "$.items",
            "$[-1]",
            "$['a.*'][0]",
            "$.é",
            "$[\"?:,\"]",
            "$['\\'*'].a",
        ] {
            assert!(Path::parse(text).unwrap().is_singular(), "{text}");
        }
        for text in [
            "$..a",
            "$.*",
            "$[*]",
            "$[0,1]",
            "$[0:2]",
            "$[?@.a]",
            "$['a','b']",
        ] {
            assert!(!Path::parse(text).unwrap().is_singular(), "{text}");
        }
    }

    /// grafana/k6#3450: large integers of a response lose digits.
    #[test]
    fn found_numbers_are_as_they_were_written() {
        let body = r#"{"id":18446744073709551615,"e":1E2,"l":[{"p":1.50},{"p":2.5},{"p":1e400}]}"#;
        for (text, expected) in [
            ("$.id", &["18446744073709551615"][..]),
            ("$.e", &["1E2"]),
            ("$['e','id']", &["1E2", "18446744073709551615"]),
            ("$.l[-1].p", &["1e400"]),
            ("$.l[?@.p < 2].p", &["1.50"]),
            ("$.l[?@.p > 2].p", &["2.5", "1e400"]),
            ("$.l[0]", &["{\"p\":1.50}"]),
            ("$..p", &["1.50", "2.5", "1e400"]),
        ] {
            let path = Path::parse(text).unwrap();
            let plain: JsonValue = serde_json::from_str(&numbers::bounded(body).unwrap()).unwrap();
            let exact = numbers::parse(body).unwrap();
            let texts = |values: &Values| -> Vec<String> {
                values.as_slice().iter().map(Value::json_text).collect()
            };
            assert_eq!(
                texts(&path.find(&plain, || Some(&exact))),
                expected,
                "{text}"
            );
            if path.is_followed() {
                assert_eq!(texts(&path.follow(body).unwrap()), expected, "{text}");
            }
        }
    }

    #[test]
    fn invalid_json_has_no_values() {
        let path = Path::parse("$.a").unwrap();
        for body in ["", "{", "{\"a\":1", "{\"a\":1}x", "{\"a\":1,}", "{b:1}"] {
            assert_eq!(path.follow(body), None, "{body:?}");
        }
        assert_eq!(
            path.follow(" {\"a\":1} \n"),
            Some(Values::One(Some(Value::Integer(1))))
        );
        let twice = path.follow("{\"a\":1,\"\\u0061\":2}");
        assert_eq!(twice, Some(Values::One(Some(Value::Integer(2)))));
    }

    fn json() -> impl Strategy<Value = JsonValue> {
        let leaf = prop_oneof![
            Just(JsonValue::Null),
            any::<bool>().prop_map(JsonValue::from),
            any::<i64>().prop_map(JsonValue::from),
            any::<u64>().prop_map(JsonValue::from),
            any::<f64>().prop_map(JsonValue::from),
            "[a-zé\"\\\\\n]{0,4}".prop_map(JsonValue::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(JsonValue::from),
                prop::collection::vec(("[ab]", inner), 0..4)
                    .prop_map(|entries| { JsonValue::Object(entries.into_iter().collect()) }),
            ]
        })
    }

    proptest! {
        #[test]
        fn followed_path_finds_the_same_as_a_query(
            json in json(),
            text in r"\$(\.[ab]|\[[0-3]\]|\['[ab]'\]){0,4}",
        ) {
            let path = Path::parse(&text).unwrap();
            let Some(Values::One(followed)) = path.follow(&json.to_string()) else {
                panic!("{text} is not followed in {json}");
            };
            let read: JsonValue = serde_json::from_str(&json.to_string()).unwrap();
            let exact = numbers::parse(&json.to_string()).unwrap();
            let found = path.find(&read, || Some(&exact));
            prop_assert_eq!(followed.as_slice(), found.as_slice());
        }
    }
}
