//! `summary.json`.

use brunt_report::summary_json;
use serde_json::Value;

use crate::run::known;

#[test]
fn summary_matches_its_snapshot() {
    insta::assert_snapshot!("summary", summary_json(&known().judged()));
}

#[test]
fn every_field_is_documented() {
    let page = include_str!("../../../../docs/summary.md");
    let summary: Value = serde_json::from_str(&summary_json(&known().judged())).unwrap();
    let mut fields = Vec::new();
    collect(&summary, &mut fields);
    assert!(fields.len() > 60);
    for field in fields {
        assert!(
            page.contains(&format!("`{field}`")) || page.contains(&format!("`{field}[]`")),
            "{field}"
        );
    }
}

fn collect(value: &Value, fields: &mut Vec<String>) {
    match value {
        Value::Object(table) => table.iter().for_each(|(field, value)| {
            fields.push(field.clone());
            collect(value, fields);
        }),
        Value::Array(list) => list.iter().for_each(|value| collect(value, fields)),
        _ => {}
    }
}

#[test]
fn percentile_without_a_response_is_null_and_truncated_record_is_incomplete() {
    let mut run = known();
    run.record.ending = None;
    let summary: Value = serde_json::from_str(&summary_json(&run.judged())).unwrap();
    assert_eq!(summary["stopped_by"], "incomplete");
    let orders = &summary["requests"][0];
    assert_eq!(
        (&orders["name"], &orders["unanswered"]),
        (&Value::from("/orders"), &Value::from(1))
    );
    assert_eq!(orders["response_ms"]["max"], Value::Null);
    assert!(orders["response_ms"]["p50"].is_number());
    assert!(orders["service_ms"]["max"].is_number());
    assert_eq!(orders["connect_ms"]["p50"], Value::Null);
}
