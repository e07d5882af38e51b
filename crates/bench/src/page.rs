//! Generated pages of `docs/`. Each section can be written again without the others.

use std::path::PathBuf;

use anyhow::Context;

/// A page with a fixed header and sections in a fixed order, each under a heading with its name.
pub(crate) struct Page<'a> {
    pub(crate) path: PathBuf,
    /// Markdown before the first section.
    pub(crate) header: &'a str,
    /// Names of the sections, in the order of the page.
    pub(crate) order: Vec<&'a str>,
}

impl Page<'_> {
    /// Replaces one section of the file and keeps the others. The section begins with the line `## NAME`.
    pub(crate) fn write_section(&self, name: &str, section: &str) -> anyhow::Result<()> {
        let shown = self.path.display();
        let before = match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            found => found.with_context(|| format!("cannot read {shown}"))?,
        };
        std::fs::write(&self.path, self.with_section(&before, name, section))
            .with_context(|| format!("cannot write {shown}"))?;
        println!("wrote {shown}");
        Ok(())
    }

    fn with_section(&self, page: &str, name: &str, section: &str) -> String {
        let sections = self.order.iter().filter_map(|known| {
            if *known == name {
                return Some(section.to_owned());
            }
            let begins = page.find(&format!("## {known}\n"))?;
            let rest = &page[begins..];
            let ends = rest.find("\n\n## ").map_or(rest.len(), |at| at + 1);
            Some(rest[..ends].to_owned())
        });
        let sections: Vec<String> = sections.collect();
        format!("{}\n{}", self.header, sections.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_is_written_in_order_and_the_others_are_kept() {
        let page = Page {
            path: PathBuf::new(),
            header: "# A page\n",
            order: vec!["first", "second", "third"],
        };
        let made = |name: &str, text: &str| format!("## {name}\n\n{text}\n");
        let text = page.with_section("", "second", &made("second", "old"));
        let text = page.with_section(&text, "first", &made("first", "one"));
        let text = page.with_section(&text, "third", &made("third", "three"));
        let text = page.with_section(&text, "second", &made("second", "new"));
        let expected = [("first", "one"), ("second", "new"), ("third", "three")];
        let expected = expected.map(|(name, text)| made(name, text));
        assert_eq!(text, format!("# A page\n\n{}", expected.join("\n")));
    }
}
