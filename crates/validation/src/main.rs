//! Prints the table of all proofs, or of the pages that are named; fails where one does not hold.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is its work"
)]

use std::process::ExitCode;

use brunt_validation::{Effort, PAGES, Row};

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let unknown = |name: &&String| PAGES.iter().all(|(page, _)| page != name);
    if let Some(name) = named.iter().find(unknown) {
        let known = PAGES.map(|(page, _)| page).join(", ");
        eprintln!("no page of proofs is named {name}; there are {known}");
        return ExitCode::from(2);
    }
    let wanted = PAGES
        .iter()
        .filter(|(page, _)| named.is_empty() || named.iter().any(|name| name == page));
    let rows: Vec<Row> = wanted.flat_map(|(_, rows)| rows(Effort::Full)).collect();
    println!("| method | truth | reached | goal | broken variant | |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for row in &rows {
        let holds = if row.holds {
            "holds"
        } else {
            "**does not hold**"
        };
        println!(
            "| {} | {} | {} | {} | {} | {holds} |",
            row.method, row.truth, row.reached, row.goal, row.broken
        );
    }
    if rows.iter().all(|row| row.holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
