//! The page of proofs on sockets: a section for each proof.

use std::path::Path;

use super::row::Row;
use crate::page::Page;

const HEAD: &str = "# Proofs on real sockets\n\n\
    brunt as it ships, pinned to one core, against a server whose truth is known, pinned to the other; what each method\n\
    is, stands in [methodology.md](methodology.md), and the same in virtual time in [validation.md](validation.md). Where a row names a variant\n\
    that is deliberately wrong, it is caught.\n";

/// The page.
pub(super) fn page<'a>(root: &Path, order: &[&'a str]) -> Page<'a> {
    Page {
        path: root.join("docs/validation-sockets.md"),
        head: HEAD,
        order: order.to_vec(),
    }
}

/// The section of a proof.
pub(super) fn section(name: &str, commit: &str, machine: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "## {name}\n\nMade by `cargo xtask validate --sockets {name}` at commit {commit} on {machine}.\n\n\
         | method | truth | reached | goal | negative control | |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    for row in rows {
        let holds = if row.holds {
            "holds"
        } else {
            "**does not hold**"
        };
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {holds} |\n",
            row.method, row.truth, row.reached, row.goal, row.negative_control
        ));
    }
    text
}
