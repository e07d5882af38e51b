//! The page of proofs on sockets: a section for each proof, so that one can be made anew alone.

use std::path::Path;

use anyhow::Context;

use super::{PROOFS, Row};

const PAGE: &str = "docs/proofs-sockets.md";

const HEAD: &str = "# Proofs on real sockets\n\n\
    brunt as it ships, pinned to one core, against a server whose truth is known, pinned to the other; what each method\n\
    is, stands in [truth.md](truth.md), and the same in virtual time in [proofs.md](proofs.md). Where a row names a variant\n\
    that is deliberately wrong, it is caught.\n";

/// The section of a proof.
pub(super) fn section(name: &str, commit: &str, machine: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "## {name}\n\nMade by `cargo xtask prove --sockets {name}` at commit {commit} on {machine}.\n\n\
         | method | truth | reached | goal | broken variant | |\n| --- | --- | --- | --- | --- | --- |\n"
    );
    for row in rows {
        let holds = if row.holds {
            "holds"
        } else {
            "**does not hold**"
        };
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {holds} |\n",
            row.method, row.truth, row.reached, row.goal, row.broken
        ));
    }
    text
}

/// Puts the section of a proof in its place, and leaves the others.
pub(super) fn put(root: &Path, name: &str, section: &str) -> anyhow::Result<()> {
    let path = root.join(PAGE);
    let before = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        found => found.with_context(|| format!("cannot read {PAGE}"))?,
    };
    std::fs::write(&path, with(&before, name, section))
        .with_context(|| format!("cannot write {PAGE}"))?;
    println!("written: {PAGE}");
    Ok(())
}

fn with(page: &str, name: &str, section: &str) -> String {
    let order = PROOFS.map(|(name, _)| name);
    let sections = order.iter().filter_map(|known| {
        if *known == name {
            return Some(section.to_owned());
        }
        let begins = page.find(&format!("## {known}\n"))?;
        let rest = &page[begins..];
        let ends = rest.find("\n\n## ").map_or(rest.len(), |at| at + 1);
        Some(rest[..ends].to_owned())
    });
    let sections: Vec<String> = sections.collect();
    format!("{HEAD}\n{}", sections.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_its_place_and_leaves_the_others() {
        let made = |name: &str, reached: &str| {
            let row = Row {
                method: "m".into(),
                truth: "t".into(),
                reached: reached.into(),
                goal: "g".into(),
                broken: "–".into(),
                holds: true,
            };
            section(name, "c0ffee", "a machine", &[row])
        };
        let page = with("", "memory", &made("memory", "old"));
        let page = with(&page, "stall", &made("stall", "first"));
        let page = with(&page, "agents", &made("agents", "last"));
        let page = with(&page, "memory", &made("memory", "new"));
        let expected = [("stall", "first"), ("memory", "new"), ("agents", "last")]
            .map(|(name, reached)| made(name, reached));
        assert_eq!(page, format!("{HEAD}\n{}", expected.join("\n")));
    }
}
