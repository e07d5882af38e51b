//! Reading of a description's text: JSON, or YAML 1.2.

use serde_json::Value;

use crate::error::ImportError;
use crate::warnings::one_line;

/// Parses a description.
pub(super) fn parsed(text: &str) -> Result<Value, ImportError> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    // The largest public descriptions have a few hundred thousand values. The budget bounds the expansion of anchors.
    //
    // OpenAPI limits YAML to the JSON schema of YAML 1.2, in which `no` and `1_000` are texts; the core schema adds spellings
    // such as `True` and `0x1F`. A decimal number with leading zeros, such as a postal code, keeps its text, since the JSON
    // schema has no such number; a parameter of the type integer converts it.
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        null_as_string: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: 5_000_000,
            max_events: 20_000_000,
            max_total_scalar_bytes: 256 << 20,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| ImportError::InvalidFormat {
        expected: "an API description (OpenAPI)",
        reason: one_line(&format!("it is neither JSON nor YAML: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Values with the section of YAML 1.2.2 that defines them. Numbers and booleans that only YAML 1.1 had are texts.
    #[test]
    fn scalars_have_the_types_of_yaml_1_2() {
        let cases = [
            // Example 10.2, JSON schema; its invalid values are those of the core schema.
            ("null", json!(null), "10.2.1.1"),
            ("true", json!(true), "10.2.1.2"),
            ("false", json!(false), "10.2.1.2"),
            ("0", json!(0), "10.2.1.3"),
            ("-0", json!(0), "10.2.1.3"),
            ("3", json!(3), "10.2.1.3"),
            ("-19", json!(-19), "10.2.1.3"),
            ("0.", json!(0.0), "10.2.1.4"),
            ("-0.0", json!(-0.0), "10.2.1.4"),
            ("12e03", json!(12000.0), "10.2.1.4"),
            ("-2E+05", json!(-200_000.0), "10.2.1.4"),
            // Example 10.3, core schema.
            ("True", json!(true), "10.3.2"),
            ("FALSE", json!(false), "10.3.2"),
            ("Null", json!(null), "10.3.2"),
            ("~", json!(null), "10.3.2"),
            ("0o7", json!(7), "10.3.2"),
            ("0x3A", json!(58), "10.3.2"),
            (".5", json!(0.5), "10.3.2"),
            ("+12e03", json!(12000.0), "10.3.2"),
            // No tags of the JSON or core schema.
            ("y", json!("y"), "10.3.2"),
            ("Y", json!("Y"), "10.3.2"),
            ("n", json!("n"), "10.3.2"),
            ("yes", json!("yes"), "10.3.2"),
            ("No", json!("No"), "10.3.2"),
            ("NO", json!("NO"), "10.3.2"),
            ("on", json!("on"), "10.3.2"),
            ("OFF", json!("OFF"), "10.3.2"),
            ("tRue", json!("tRue"), "10.3.2"),
            ("1_000", json!("1_000"), "10.3.2"),
            ("190:20:30", json!("190:20:30"), "10.3.2"),
            ("2001-12-14", json!("2001-12-14"), "10.3.2"),
            (
                "2001-12-14t21:59:43.10-05:00",
                json!("2001-12-14t21:59:43.10-05:00"),
                "10.3.2",
            ),
            ("01234", json!("01234"), "10.2.1.3"),
            ("1.2.3", json!("1.2.3"), "10.3.2"),
            ("'3'", json!("3"), "10.3.2"),
            ("\"true\"", json!("true"), "10.3.2"),
            ("!!str 3", json!("3"), "10.1.1.3"),
            (
                "18446744073709551615",
                json!(18_446_744_073_709_551_615_u64),
                "10.2.1.3",
            ),
        ];
        for (text, expected, section) in cases {
            let parsed = parsed(&format!("a: {text}\nb: [{text}]\n")).expect("YAML");
            assert_eq!(
                parsed,
                json!({ "a": expected, "b": [expected] }),
                "{text}, section {section}"
            );
        }
    }

    #[test]
    fn keys_are_texts() {
        // OpenAPI 3.0.4, "Format": keys are strings of the failsafe schema.
        let text = "200: a\nno: b\nnull: c\n0x1F: d\ntrue: e\n1.0: f\n";
        let expected =
            json!({ "200": "a", "no": "b", "null": "c", "0x1F": "d", "true": "e", "1.0": "f" });
        assert_eq!(parsed(text), Ok(expected));
    }
}
