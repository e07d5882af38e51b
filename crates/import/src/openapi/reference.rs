//! References within a description: `{ "$ref": "#/components/schemas/Pet" }`.

use serde_json::Value;

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
}
