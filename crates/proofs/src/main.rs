//! Prints the table of all proofs; fails where one does not hold.

#![expect(clippy::print_stdout, reason = "the table is its work")]

use std::process::ExitCode;

use proofs::Effort;

fn main() -> ExitCode {
    let rows = proofs::all(Effort::Full);
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
