//! Pages of `docs/` that a command writes: a section for each of its parts, so that one can be made anew
//! alone.

use std::path::PathBuf;

use anyhow::Context;

/// A page whose sections are headed by their names, in an order.
pub(crate) struct Page<'a> {
    pub(crate) path: PathBuf,
    /// What stands before the sections.
    pub(crate) head: &'a str,
    pub(crate) order: Vec<&'a str>,
}

impl Page<'_> {
    /// Puts a section in its place, and leaves the others. It begins with `## ` and its name on a line.
    pub(crate) fn put(&self, name: &str, section: &str) -> anyhow::Result<()> {
        let shown = self.path.display();
        let before = match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            found => found.with_context(|| format!("cannot read {shown}"))?,
        };
        std::fs::write(&self.path, self.with(&before, name, section))
            .with_context(|| format!("cannot write {shown}"))?;
        println!("written: {shown}");
        Ok(())
    }

    fn with(&self, page: &str, name: &str, section: &str) -> String {
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
        format!("{}\n{}", self.head, sections.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_its_place_and_leaves_the_others() {
        let page = Page {
            path: PathBuf::new(),
            head: "# A page\n",
            order: vec!["first", "second", "third"],
        };
        let made = |name: &str, text: &str| format!("## {name}\n\n{text}\n");
        let text = page.with("", "second", &made("second", "old"));
        let text = page.with(&text, "first", &made("first", "one"));
        let text = page.with(&text, "third", &made("third", "three"));
        let text = page.with(&text, "second", &made("second", "new"));
        let expected = [("first", "one"), ("second", "new"), ("third", "three")];
        let expected = expected.map(|(name, text)| made(name, text));
        assert_eq!(text, format!("# A page\n\n{}", expected.join("\n")));
    }
}
