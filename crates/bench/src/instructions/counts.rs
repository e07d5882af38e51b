//! The counts that were committed, by compiler.

use std::path::Path;

use anyhow::Context;
use indexmap::IndexMap;

const HEAD: &str = "\
# Instructions that pieces of the hot path take, by compiler. Written by `cargo xtask bench instructions --keep`.
";

type OfOne = IndexMap<String, f64>;

/// Counts by compiler, and by piece.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counts(IndexMap<String, OfOne>);

impl Counts {
    /// Those of a file; none where there is no file.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            found => {
                Self::parse(&found?).with_context(|| format!("cannot read {}", path.display()))
            }
        }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(Self(toml::from_str(text)?))
    }

    /// Those of a compiler.
    pub(super) fn of(&self, compiler: &str) -> Option<&OfOne> {
        self.0.get(compiler)
    }

    /// Takes those of a compiler in the place of what was known of it.
    pub(super) fn keep(&mut self, compiler: &str, counts: Vec<(String, f64)>) {
        let rounded = counts
            .into_iter()
            .map(|(name, count)| (name, (count * 10.0).round() / 10.0));
        self.0.insert(compiler.to_owned(), rounded.collect());
    }

    /// The compilers that there are counts of, in words.
    pub(super) fn compilers(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        if names.is_empty() {
            return "no compiler".to_owned();
        }
        names.join("; ")
    }

    /// As a file.
    pub(super) fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (compiler, counts) in &self.0 {
            text.push_str(&format!("\n[\"{compiler}\"]\n"));
            for (name, count) in counts {
                text.push_str(&format!("\"{name}\" = {count:.1}\n"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again() {
        let mut counts = Counts::default();
        counts.keep("rustc 1.95.0 (a), x", vec![("render: a".into(), 812.345)]);
        counts.keep("rustc 1.96.0 (b), x", vec![("render: a".into(), 800.0)]);
        let found = Counts::parse(&counts.text()).unwrap();
        assert_eq!(found, counts);
        let first = found.of("rustc 1.95.0 (a), x").unwrap();
        assert!((first["render: a"] - 812.3).abs() < 1e-9);
        assert_eq!(found.of("rustc 1.94.0"), None);
    }
}
