//! Prints a table of all validations, or of the named ones, and fails if one does not hold.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the output of this program"
)]

use std::process::ExitCode;

use brunt_validation::VALIDATIONS;
use brunt_validation::row::{Effort, Row};

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let is_unknown = |name: &&String| VALIDATIONS.iter().all(|(known, _)| known != name);
    if let Some(name) = named.iter().find(is_unknown) {
        let known = VALIDATIONS.map(|(known, _)| known).join(", ");
        eprintln!("error: unknown validation '{name}'; available: {known}");
        return ExitCode::from(2);
    }
    let selected = VALIDATIONS
        .iter()
        .filter(|(known, _)| named.is_empty() || named.iter().any(|name| name == known));
    let rows: Vec<Row> = selected.flat_map(|(_, rows)| rows(Effort::Full)).collect();
    println!("| method | truth | result | goal | negative control | |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for row in &rows {
        let holds = if row.holds {
            "holds"
        } else {
            "**does not hold**"
        };
        println!(
            "| {} | {} | {} | {} | {} | {holds} |",
            row.method, row.truth, row.result, row.goal, row.negative_control
        );
    }
    if rows.iter().all(|row| row.holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
