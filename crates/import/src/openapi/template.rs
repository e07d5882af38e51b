//! Texts of a scenario file that mix literals and expressions.

/// Applies an encoding to the parts of a text outside of expressions.
pub(super) fn encoded_literals(text: &str, encode: impl Fn(&str) -> String) -> String {
    let mut encoded = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else {
            break;
        };
        let end = start + length + 2;
        encoded += &encode(&rest[..start]);
        encoded += &rest[start..end];
        rest = &rest[end..];
    }
    encoded + &encode(rest)
}
