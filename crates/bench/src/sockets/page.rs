//! `docs/validation-sockets.md`: a section for each validation.

use std::path::Path;

use super::row::ValidationRow;
use crate::page::Page;

const HEADER: &str = "# Validation on real sockets\n\n\
    The release build of brunt, pinned to one core, runs against a server whose behavior is known, pinned to the other.\n\
    [methodology.md](methodology.md) describes the methods, and [validation.md](validation.md) validates them in virtual time. A negative\n\
    control is a variant that is deliberately wrong; a row holds only if the variant misses the goal.\n";

/// The page with its sections in this order.
pub(super) fn page<'a>(root: &Path, order: &[&'a str]) -> Page<'a> {
    Page {
        path: root.join("docs/validation-sockets.md"),
        header: HEADER,
        order: order.to_vec(),
    }
}

/// The section of a validation: its command, commit, machine, and table.
pub(super) fn section(name: &str, commit: &str, machine: &str, rows: &[ValidationRow]) -> String {
    let mut text = format!(
        "## {name}\n\nMade by `cargo xtask validate --sockets {name}` at commit {commit} on {machine}.\n\n\
         | method | truth | result | goal | negative control | |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    for row in rows {
        let holds = if row.holds {
            "holds"
        } else {
            "**does not hold**"
        };
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {holds} |\n",
            row.method, row.truth, row.result, row.goal, row.negative_control
        ));
    }
    text
}
