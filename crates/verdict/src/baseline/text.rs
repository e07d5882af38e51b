//! The text of a baseline: JSON with a list of numbers on each line, so that a review shows what changed.

use serde_json::Value;

use super::{Baseline, FORMAT_VERSION, ReadError};

const STEP: usize = 2;

pub(super) fn read(text: &str) -> Result<Baseline, ReadError> {
    let wrong = |error: serde_json::Error| ReadError::NotABaseline(error.to_string());
    let value: Value = serde_json::from_str(text).map_err(wrong)?;
    match value.get("format").and_then(Value::as_u64) {
        None | Some(0) => return Err(ReadError::NotABaseline("it has no `format`".into())),
        Some(found) if found > FORMAT_VERSION.into() => return Err(ReadError::TooNew { found }),
        Some(_) => {}
    }
    let baseline: Baseline = serde_json::from_value(value).map_err(wrong)?;
    if baseline.runs.is_empty() {
        return Err(ReadError::NotABaseline("it has no runs".into()));
    }
    for run in &baseline.runs {
        let impossible = |what| ReadError::NotABaseline(format!("run {} has {what}", run.run_id));
        run.figures.check().map_err(impossible)?;
        if !run.duration_s.is_finite() {
            return Err(impossible(format!("a duration of {} s", run.duration_s)));
        }
    }
    Ok(baseline)
}

pub(super) fn write(baseline: &Baseline) -> String {
    let value = serde_json::to_value(baseline);
    let value = value.expect("numbers, texts and lists of them are always JSON");
    let mut text = String::new();
    put(&value, 0, &mut text);
    text.push('\n');
    text
}

fn put(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Array(items) if items.iter().any(is_deep) => {
            let items: Vec<(Option<&String>, &Value)> =
                items.iter().map(|item| (None, item)).collect();
            put_lines(('[', ']'), &items, indent, text);
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            *text += &format!("[{}]", items.join(", "));
        }
        Value::Object(fields) if fields.is_empty() => *text += "{}",
        Value::Object(fields) => {
            let fields: Vec<(Option<&String>, &Value)> = fields
                .iter()
                .map(|(name, value)| (Some(name), value))
                .collect();
            put_lines(('{', '}'), &fields, indent, text);
        }
        other => *text += &other.to_string(),
    }
}

/// What needs lines of its own.
fn is_deep(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn put_lines(
    (begin, end): (char, char),
    items: &[(Option<&String>, &Value)],
    indent: usize,
    text: &mut String,
) {
    let inner = indent + STEP;
    text.push(begin);
    for (at, (name, value)) in items.iter().enumerate() {
        *text += if at > 0 { ",\n" } else { "\n" };
        *text += &" ".repeat(inner);
        if let Some(name) = name {
            *text += &format!("{}: ", Value::from(name.as_str()));
        }
        put(value, inner, text);
    }
    *text += &format!("\n{}{end}", " ".repeat(indent));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_on_one_line_and_the_rest_on_its_own() {
        let value = serde_json::json!({
            "b": 1.5, "a": [1, null, 2.25], "deep": [{"x": "\"q\""}], "none": {}, "pairs": [["u", 1]]
        });
        let mut text = String::new();
        put(&value, 0, &mut text);
        let expected = "{\n  \"b\": 1.5,\n  \"a\": [1, null, 2.25],\n  \"deep\": [\n    {\n      \
                        \"x\": \"\\\"q\\\"\"\n    }\n  ],\n  \"none\": {},\n  \"pairs\": [\n    \
                        [\"u\", 1]\n  ]\n}";
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn what_is_no_baseline_is_refused_by_what_is_wrong() {
        for (text, part) in [
            ("", "EOF"),
            ("{}", "no `format`"),
            ("{\"format\": 1}", "missing field `name`"),
            ("{\"format\": 99}", "newer"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
