//! `docs/validation-sockets.md`: a section for each validation, with a table of its results.

use std::path::Path;

use crate::page::Page;

const HEADER: &str = "# Validation on real sockets\n\n\
    The release build of brunt, pinned to one core, runs against a server whose behavior is known, pinned to the other.\n\
    [methodology.md](methodology.md) describes the methods, and [validation.md](validation.md) validates them in virtual time. A negative\n\
    control is a variant that is deliberately wrong; a row holds only if the variant misses the goal.\n";

/// The result of validating one method in one situation.
pub(super) struct ValidationRow {
    /// The method and the load.
    pub(super) method: String,
    /// The known behavior of the server.
    pub(super) truth: String,
    /// The measured result.
    pub(super) result: String,
    /// The required result.
    pub(super) goal: String,
    /// The result of a variant of the method that is deliberately wrong.
    pub(super) negative_control: String,
    /// Whether the result reaches the goal and the negative control does not.
    pub(super) holds: bool,
}

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
