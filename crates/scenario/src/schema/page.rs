//! The tables of keys in `docs/scenario.md`, generated from the schema: `BRUNT_UPDATE_DOCS=1 cargo test` rewrites them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::schema_with_links;

const PATH: &str = "../../docs/scenario.md";
/// Begins a table: `<!-- keys: TYPE [KEY …] -->`, or all keys of the type if none is named.
const BEGIN: &str = "<!-- keys: ";
const END: &str = "<!-- end of keys -->";
const UPDATE: &str = "BRUNT_UPDATE_DOCS";

fn read() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PATH);
    std::fs::read_to_string(path).expect("docs/scenario.md")
}

/// The page with its tables, and the keys that they contain.
fn with_tables(page: &str, schema: &Value) -> (String, BTreeMap<String, Vec<String>>) {
    let mut parts = page.split(BEGIN);
    let mut page = parts.next().unwrap_or_default().to_owned();
    let mut keys_by_type: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in parts {
        let (marker, rest) = part.split_once(" -->").expect("end of the marker");
        let (_, after) = rest.split_once(END).expect("end of the table");
        let mut words = marker.split(' ');
        let name = words.next().expect("name of a type");
        let definition = match name {
            "Spec" => schema,
            name => &schema["definitions"][name],
        };
        let properties = definition["properties"].as_object().expect("properties");
        let mut keys: Vec<&str> = words.collect();
        if keys.is_empty() {
            keys = properties.keys().map(String::as_str).collect();
        }
        let rows = keys
            .iter()
            .map(|key| (*key, &properties[*key]["description"]));
        page += &format!("{BEGIN}{marker} -->\n\n{}\n{END}{after}", table(rows));
        let known = keys_by_type.entry(name.to_owned()).or_default();
        known.extend(keys.into_iter().map(str::to_owned));
    }
    (page, keys_by_type)
}

/// A table with a row per key. Successive keys with the same description share a row.
fn table<'a>(keys: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for (key, description) in keys {
        let text = description.as_str().unwrap_or_default().replace('|', "\\|");
        let (text, default) = match text.rsplit_once("\n\nDefault: ") {
            Some((text, default)) => (text.replace("\n\n", " "), default.to_owned()),
            None => (text.replace("\n\n", " "), String::new()),
        };
        match rows.last_mut() {
            Some((keys, known, _)) if *known == text => *keys += &format!(", `{key}`"),
            _ => rows.push((format!("`{key}`"), text, default)),
        }
    }
    let has_defaults = rows.iter().any(|(.., default)| !default.is_empty());
    let mut table = if has_defaults {
        "| key | description | default |\n| --- | --- | --- |\n".to_owned()
    } else {
        "| key | description |\n| --- | --- |\n".to_owned()
    };
    for (keys, text, default) in rows {
        table += &match has_defaults {
            true if default.is_empty() => format!("| {keys} | {text} | |\n"),
            true => format!("| {keys} | {text} | {default} |\n"),
            false => format!("| {keys} | {text} |\n"),
        };
    }
    table
}

#[test]
fn tables_of_the_page_match_the_doc_comments() {
    let old = read();
    let (new, _) = with_tables(&old, &schema_with_links());
    if std::env::var_os(UPDATE).is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PATH);
        std::fs::write(path, new).expect("docs/scenario.md");
        return;
    }
    let differing = old.lines().zip(new.lines()).find(|(old, new)| old != new);
    assert!(
        new == old,
        "docs/scenario.md differs from the doc comments of crates/scenario/src/spec: {differing:?}; set {UPDATE}=1 to \
         rewrite its tables"
    );
}

#[test]
fn every_key_is_described_and_in_a_table() {
    let schema = schema_with_links();
    let (_, keys_by_type) = with_tables(&read(), &schema);
    let definitions = schema["definitions"].as_object().expect("definitions");
    let root = ("Spec".to_owned(), &schema);
    let types = definitions.iter().map(|(name, one)| (name.clone(), one));
    let mut missing = Vec::new();
    for (name, definition) in types.chain([root]) {
        // Their metrics are those of `Targets`.
        if ["RequestTargets", "MetricTargets"].contains(&name.as_str()) {
            continue;
        }
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let is_in_table = keys_by_type
                .get(&name)
                .is_some_and(|keys| keys.contains(key));
            if !is_in_table || property["description"].as_str().is_none_or(str::is_empty) {
                missing.push(format!("{name}.{key}"));
            }
        }
    }
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "write a doc comment, or name the key in a marker of the page"
    );
}
