//! References within a description: `{ "$ref": "#/components/schemas/Pet" }`.

use serde_json::Value;

use crate::error::ImportError;
use crate::warnings::one_line;

/// Longest chain of references.
const HOPS_MAX: usize = 16;

/// A description.
#[derive(Debug, Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) root: &'a Value,
}

/// A value with the references that lead to it.
#[derive(Debug, Clone)]
pub(super) struct ReferenceTarget<'a> {
    pub(super) value: &'a Value,
    pub(super) by: Vec<&'a str>,
}

impl<'a> Document<'a> {
    /// Follows the references of a value; `None` if one cannot be resolved within this document.
    pub(super) fn find(self, value: &'a Value) -> Option<ReferenceTarget<'a>> {
        let mut found = ReferenceTarget {
            value,
            by: Vec::new(),
        };
        while let Some(reference) = found.value.get("$ref").and_then(Value::as_str) {
            if found.by.len() == HOPS_MAX {
                return None;
            }
            found.by.push(reference);
            found.value = self.pointed(reference)?;
        }
        Some(found)
    }

    /// The value itself, or the value that it refers to.
    pub(super) fn value(self, value: &'a Value) -> Option<&'a Value> {
        self.find(value).map(|found| found.value)
    }

    fn pointed(self, reference: &str) -> Option<&'a Value> {
        let pointer = reference.strip_prefix('#')?;
        // URL fragments are percent-encoded, but few tools do that, and few keys contain a percent sign.
        self.root
            .pointer(pointer)
            .or_else(|| self.root.pointer(&percent_decoded(pointer)))
    }
}

/// Keys whose values are data, in which `$ref` is not a reference.
const DATA_KEYS: [&str; 6] = ["example", "examples", "default", "enum", "const", "value"];

/// Checks that no reference leads to another file.
pub(super) fn check_external(root: &Value) -> Result<(), ImportError> {
    let mut external = Vec::new();
    collect_external(root, false, &mut external);
    let Some(first) = external.first() else {
        return Ok(());
    };
    let others = match external.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    Err(ImportError::ExternalReference {
        reference: one_line(first),
        others,
    })
}

/// Collects the references to other files. The names of properties, headers and the like are not keywords: a property may be
/// named `$ref`, `example` or `default`.
fn collect_external<'a>(value: &'a Value, is_named: bool, external: &mut Vec<&'a str>) {
    const NAMES: [&str; 5] = [
        "properties",
        "patternProperties",
        "responses",
        "schemas",
        "parameters",
    ];
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                if !is_named && (key.starts_with("x-") || DATA_KEYS.contains(&key.as_str())) {
                    continue;
                }
                if let Value::String(reference) = value
                    && key == "$ref"
                    && !is_named
                {
                    let is_new = !external.contains(&reference.as_str());
                    if !reference.starts_with('#') && !reference.is_empty() && is_new {
                        external.push(reference);
                    }
                    continue;
                }
                collect_external(value, !is_named && NAMES.contains(&key.as_str()), external);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_external(item, false, external);
            }
        }
        _ => {}
    }
}

fn percent_decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_followed_and_cycles_end() {
        let root = json!({
            "a": { "$ref": "#/b~1c" },
            "b/c": { "$ref": "#/d%20e+f" },
            "d e+f": 7,
            "round": { "$ref": "#/round" },
            "out": { "$ref": "other.yaml#/x" },
            "nowhere": { "$ref": "#/none" },
        });
        let document = Document { root: &root };
        let found = document.find(&root["a"]).unwrap();
        assert_eq!(
            (found.value, found.by),
            (&json!(7), vec!["#/b~1c", "#/d%20e+f"])
        );
        for name in ["round", "out", "nowhere"] {
            assert!(document.find(&root[name]).is_none(), "{name}");
        }
    }

    #[test]
    fn reference_to_another_file_is_an_error() {
        let check = |root: Value| check_external(&root).map_err(|error| error.to_string());
        let accepted = json!({
            "paths": { "/a": { "$ref": "#/components/pathItems/a" } },
            "x-parts": { "$ref": "other.yaml" },
            "components": { "schemas": { "S": {
                "properties": { "$ref": { "type": "string" } }, "example": { "$ref": "shown.json" },
            } } },
        });
        assert_eq!(check(accepted), Ok(()));
        let rejected = json!({
            "paths": { "/a": { "$ref": "a.yaml" }, "/b": { "$ref": "a.yaml" }, "/c": { "$ref": "http://x/c.json#/d" } },
            "components": { "schemas": { "default": { "properties": { "example": { "$ref": "s.yaml#/S" } } } } },
        });
        let error = check(rejected).expect_err("references");
        assert!(
            error.contains("`a.yaml` and 2 more") && error.contains("bundle"),
            "{error}"
        );
    }
}
