//! All layers of a scenario in one table, the secrets that they contain, and a TOML text without them.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeTable;
use toml::{Spanned, Table, Value};

use crate::redact::{MASK, Secrets, is_expression, is_sensitive_name, literals};

/// Tables whose keys are names chosen by the user.
const TABLES_OF_NAMES: [&str; 5] = ["users", "profiles", "requests", "groups", "metrics"];

/// All layers of a scenario.
pub(crate) struct MergedLayers(Table);

/// Function for a text that belongs to a key.
type Visit<'a> = dyn FnMut(&str, &mut String) + 'a;

impl MergedLayers {
    /// `None` if the table is not valid TOML.
    pub(crate) fn new(mut table: DeTable) -> Option<Self> {
        table.remove("include");
        let table = Spanned::new(0..0, table).into_deserializer();
        Table::deserialize(table).ok().map(Self)
    }

    /// Secrets that the layers contain.
    pub(crate) fn secrets(&mut self) -> Secrets {
        let mut secrets = Secrets::default();
        visit_scenario(&mut self.0, &mut |key, text| {
            if is_sensitive_name(key) {
                let literals = literals(text).map(str::trim);
                literals.for_each(|literal| secrets.add_field(key, literal));
            } else {
                secrets.add_named(text);
            }
        });
        secrets
    }

    /// TOML text of the layers, with secrets masked.
    pub(crate) fn text(mut self, secrets: &Secrets) -> String {
        visit_scenario(&mut self.0, &mut |key, text| {
            if !is_sensitive_name(key) {
                *text = secrets.mask(text);
            } else if !is_expression(text) {
                MASK.clone_into(text);
            }
        });
        mask_keys(&mut self.0, secrets);
        toml::to_string_pretty(&self.0).unwrap_or_default()
    }
}

fn visit_scenario(table: &mut Table, visit: &mut Visit) {
    for (key, value) in table {
        match value {
            Value::Table(names) if TABLES_OF_NAMES.contains(&key.as_str()) => {
                names
                    .iter_mut()
                    .for_each(|(_, named)| visit_value("", named, visit));
            }
            Value::Table(data) if key == "data" => {
                data.iter_mut()
                    .for_each(|(name, rows)| visit_data(name, rows, visit));
            }
            value => visit_value(key, value, visit),
        }
    }
}

/// Visits data: a list, or a table with rows or a file.
fn visit_data(name: &str, data: &mut Value, visit: &mut Visit) {
    match data {
        Value::Table(table) => {
            for (key, value) in table {
                let is_rows = key == "rows";
                visit_value(if is_rows { name } else { "" }, value, visit);
            }
        }
        list => visit_value(name, list, visit),
    }
}

/// Visits the texts of a value. Texts in a secret table or list belong to its key, at any depth.
fn visit_value(key: &str, value: &mut Value, visit: &mut Visit) {
    match value {
        Value::Table(table) => {
            for (own, value) in table {
                match own.as_str() {
                    // The source of a value, not the value.
                    "extract" => {}
                    // Numbers under names of the user, and patterns.
                    "measure" | "matches" => visit_value("", value, visit),
                    // Its keys determine which of its values is the secret.
                    "auth" if value.is_table() => visit_value("", value, visit),
                    _ if is_sensitive_name(key) => visit_value(key, value, visit),
                    own => visit_value(own, value, visit),
                }
            }
        }
        Value::Array(list) => {
            list.iter_mut()
                .for_each(|item| visit_value(key, item, visit));
        }
        Value::String(text) => visit(key, text),
        Value::Integer(number) if is_sensitive_name(key) => {
            let mut text = number.to_string();
            visit(key, &mut text);
            if text == MASK {
                *value = Value::String(text);
            }
        }
        _ => {}
    }
}

/// Masks secrets in keys, such as the names of requests.
fn mask_keys(table: &mut Table, secrets: &Secrets) {
    let entries = std::mem::take(table);
    for (key, mut value) in entries {
        mask_keys_of(&mut value, secrets);
        table.insert(secrets.mask(&key), value);
    }
}

fn mask_keys_of(value: &mut Value, secrets: &Secrets) {
    match value {
        Value::Table(table) => mask_keys(table, secrets),
        Value::Array(list) => list.iter_mut().for_each(|item| mask_keys_of(item, secrets)),
        _ => {}
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
        let mut resolved = MergedLayers::new(DeTable::parse(text).unwrap().into_inner()).unwrap();
        let secrets = resolved.secrets();
        let text = resolved.text(&secrets);
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

    #[test]
    fn sensitive_names_are_masked() {
        for name in include_str!("../redact/sensitive_names.txt").lines() {
            let text = format!(
                "headers.\"{name}\" = \"canary-1\"\n[[users.u.tasks]]\npost = \"/a?{name}=canary-2\"\n\
                 query = {{ \"{name}\" = \"canary-3\" }}\njson = {{ \"{name}\" = \"canary-4\" }}\n\
                 [[users.u.tasks]]\npost = \"/b\"\nform = {{ \"{name}\" = \"canary-5\" }}\n\
                 headers = {{ \"{name}\" = \"canary-6\" }}\n"
            );
            let table = DeTable::parse(&text).unwrap().into_inner();
            let mut layers = MergedLayers::new(table).unwrap();
            let secrets = layers.secrets();
            let shown = layers.text(&secrets);
            assert!(!shown.contains("canary"), "{name}: {shown}");
        }
    }
}
