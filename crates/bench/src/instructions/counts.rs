//! The committed instruction counts, by compiler and benchmark.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use indexmap::IndexMap;

const HEADER: &str = "\
# Instructions per iteration of parts of the hot path, by compiler. Written by `cargo xtask bench instructions --keep`.
";

/// Instructions per iteration, by benchmark.
type CompilerCounts = IndexMap<String, f64>;

/// Counts by compiler. `Display` writes them as the TOML file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counts(IndexMap<String, CompilerCounts>);

impl Counts {
    /// Reads the counts of a file. A file that does not exist has no counts.
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

    /// Counts of a compiler, if there are any.
    pub(super) fn of(&self, compiler: &str) -> Option<&CompilerCounts> {
        self.0.get(compiler)
    }

    /// Replaces the counts of a compiler, rounded to a tenth of an instruction.
    pub(super) fn replace(&mut self, compiler: &str, counts: Vec<(String, f64)>) {
        let rounded = counts
            .into_iter()
            .map(|(name, count)| (name, (count * 10.0).round() / 10.0));
        self.0.insert(compiler.to_owned(), rounded.collect());
    }

    /// The compilers that have counts, joined for a message.
    pub(super) fn compilers(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        if names.is_empty() {
            return "no compiler".to_owned();
        }
        names.join("; ")
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HEADER)?;
        for (compiler, counts) in &self.0 {
            writeln!(formatter, "\n[\"{compiler}\"]")?;
            for (name, count) in counts {
                writeln!(formatter, "\"{name}\" = {count:.1}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_counts_are_read_back_by_compiler() {
        let mut counts = Counts::default();
        counts.replace("rustc 1.95.0 (a), x", vec![("render: a".into(), 812.345)]);
        counts.replace("rustc 1.96.0 (b), x", vec![("render: a".into(), 800.0)]);
        let found = Counts::parse(&counts.to_string()).unwrap();
        assert_eq!(found, counts);
        let first = found.of("rustc 1.95.0 (a), x").unwrap();
        assert!((first["render: a"] - 812.3).abs() < 1e-9);
        assert_eq!(found.of("rustc 1.94.0"), None);
    }
}
