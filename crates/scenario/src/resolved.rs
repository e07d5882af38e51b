//! The scenario as it was resolved: all layers in one text of TOML, in which no secret stands.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeTable;
use toml::{Spanned, Table, Value};

/// A value whose key holds one of these words is a secret.
const SECRET_KEYS: [&str; 8] = [
    "authorization",
    "password",
    "secret",
    "token",
    "cookie",
    "bearer",
    "api_key",
    "apikey",
];

/// What may stand beside an expression without being a secret.
const SCHEMES: [&str; 4] = ["", "Bearer", "Basic", "Token"];

const MASK: &str = "***";

/// The text of a table; `None` where it is no TOML.
pub(crate) fn resolved(mut table: DeTable) -> Option<String> {
    table.remove("include");
    let table = Spanned::new(0..0, table).into_deserializer();
    let mut table = Table::deserialize(table).ok()?;
    mask_table(&mut table);
    toml::to_string_pretty(&table).ok()
}

fn mask_table(table: &mut Table) {
    for (key, value) in table {
        let key = key.to_lowercase().replace('-', "_");
        match value {
            // It says where a value is found, and not what it is.
            _ if key == "extract" => {}
            value if SECRET_KEYS.iter().any(|secret| key.contains(secret)) => hide(value),
            value => mask(value),
        }
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Table(table) => mask_table(table),
        Value::Array(list) => list.iter_mut().for_each(mask),
        Value::String(text) => mask_credentials(text),
        _ => {}
    }
}

/// Takes all texts away that are no expressions.
fn hide(value: &mut Value) {
    match value {
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| hide(value)),
        Value::Array(list) => list.iter_mut().for_each(hide),
        Value::String(text) if !is_expression(text) => MASK.clone_into(text),
        _ => {}
    }
}

/// Whether a text comes of expressions alone, but for the name of a scheme.
fn is_expression(text: &str) -> bool {
    let mut rest = text;
    let mut literal = String::new();
    while let Some((before, behind)) = rest.split_once("{{") {
        literal.push_str(before);
        let Some((_, after)) = behind.split_once("}}") else {
            return false;
        };
        rest = after;
    }
    literal.push_str(rest);
    text.contains("{{") && SCHEMES.contains(&literal.trim())
}

/// Takes the credentials out of URLs.
fn mask_credentials(text: &mut String) {
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let begin = from + at + 3;
        let end = text[begin..].find(['/', '?', '#', ' ', '"', '\'']);
        let end = end.map_or(text.len(), |end| begin + end);
        if let Some(at) = text[begin..end].rfind('@') {
            text.replace_range(begin..begin + at, MASK);
        }
        from = begin;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_stands_in_it() {
        let text = r#"
            include = ["other.toml"]
            proxy = "http://ann:s3cret@localhost/x"
            [data]
            tokens = ["s3cret", { any = "s3cret" }]
            [headers]
            Authorization = "Bearer s3cret"
            X-Api-Key = "s3cret"
            Cookie = "{{ env.COOKIE }}"
            [[users.u.tasks]]
            post = "/login"
            auth = { bearer = "s3cret" }
            json = { user = "ann", password = "s3cret", again = [{ client_secret = "s3cret" }] }
            extract = { token = "$.token" }
            [[users.u.tasks]]
            get = "/"
            auth = { bearer = "{{ token }}" }
            headers = { Authorization = "Token {{ token }}", X-Token = "s3cret{{ token }}" }
        "#;
        let text = resolved(DeTable::parse(text).unwrap().into_inner()).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
        for kept in [
            "http://***@localhost/x",
            "{{ env.COOKIE }}",
            "$.token",
            "Token {{ token }}",
            "user = \"ann\"",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert!(!text.contains("include"), "{text}");
    }
}
