//! CSV files.

use brunt_report::csv;

use crate::run::known;

#[test]
fn csv_files_match_their_snapshots() {
    let run = known();
    insta::assert_snapshot!("requests_csv", csv::requests(&run.record));
    insta::assert_snapshot!("timeline_csv", csv::timeline(&run.record));
    insta::assert_snapshot!("failures_csv", csv::failures(&run.record));
    insta::assert_snapshot!("resources_csv", csv::resources(&run.record));
}

#[test]
fn no_cell_is_a_formula() {
    let text = csv::requests(&known().record);
    assert!(text.contains("\n'=cmd|"), "{text}");
    assert!(!text.contains("\n=cmd"), "{text}");
}

#[test]
fn every_column_is_documented() {
    let page = include_str!("../../../../docs/csv.md");
    let run = known();
    let heads = [csv::timeline(&run.record), csv::failures(&run.record)];
    for column in heads
        .iter()
        .flat_map(|text| text.lines().next().unwrap().split(','))
    {
        // Percentiles are written as `response_p50_ms`, `…p95…`.
        let stem = column.replace("_p95_ms", "_p50_ms");
        let stem = if column == "lag_p99_ms" {
            column.to_owned()
        } else {
            stem.replace("_p99_ms", "_p50_ms")
        };
        assert!(page.contains(&format!("`{stem}`")), "{column}");
    }
}
