//! A run as it left its files: what brunt says of it, second by second where it has to be.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;

/// What a run left.
pub(super) struct Run {
    folder: PathBuf,
    pub(super) summary: Value,
}

impl Run {
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(folder.join("summary.json"))?;
        Ok(Self {
            folder: folder.to_owned(),
            summary: serde_json::from_str(&text)?,
        })
    }

    /// The comparison with a baseline.
    pub(super) fn comparison(&self) -> anyhow::Result<Value> {
        let found = self.summary.get("comparison").filter(|it| !it.is_null());
        found.cloned().context("the run was not compared")
    }

    /// Where its files are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `good`, `poor`, `invalid` and so on.
    pub(super) fn verdict(&self) -> &str {
        self.summary["verdict"].as_str().unwrap_or_default()
    }

    pub(super) fn is_missed(&self) -> bool {
        matches!(self.verdict(), "poor" | "critical")
    }

    pub(super) fn is_invalid(&self) -> bool {
        self.verdict() == "invalid"
    }

    /// Whether the value of the only target, as measured, is over a threshold with 95 % confidence.
    pub(super) fn is_surely_over(&self, threshold: f64) -> bool {
        let low = self.summary["targets"][0]["interval"][0].as_f64();
        low.is_some_and(|low| low > threshold)
    }

    /// The first finding of a kind.
    pub(super) fn finding(&self, kind: &str) -> Option<&Value> {
        self.findings().find(|found| found["kind"] == kind)
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = &Value> {
        self.summary["findings"].as_array().into_iter().flatten()
    }

    /// The kinds of what was found of the service, with their metric where they have one.
    pub(super) fn kinds(&self) -> Vec<String> {
        let kind = |found: &Value| {
            let kind = found["kind"].as_str().unwrap_or_default();
            match found["metric"].as_str() {
                Some(metric) => format!("{kind} of {metric}"),
                None => kind.to_owned(),
            }
        };
        let of_the_service = self
            .findings()
            .filter(|found| found["kind"] != "generator_limit");
        of_the_service.map(kind).collect()
    }

    /// A figure of all requests, such as `["response_ms", "p99"]`.
    pub(super) fn total(&self, path: [&str; 2]) -> anyhow::Result<f64> {
        let value = self.summary["total"][path[0]][path[1]].as_f64();
        value.with_context(|| format!("no {} {} was measured", path[0], path[1]))
    }

    /// Columns of one of its tables, row by row; empty cells are not known.
    pub(super) fn columns<const N: usize>(
        &self,
        file: &str,
        names: [&str; N],
    ) -> anyhow::Result<Vec<[Option<f64>; N]>> {
        let text = std::fs::read_to_string(self.folder.join(file))?;
        columns(&text, names).with_context(|| format!("{file} is not as it should be"))
    }
}

/// Columns of numbers, from a table whose cells need no quotes.
fn columns<const N: usize>(text: &str, names: [&str; N]) -> anyhow::Result<Vec<[Option<f64>; N]>> {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = head.iter().position(|column| *column == name);
        *place = found.with_context(|| format!("there is no column {name}"))?;
    }
    let row = |line: &str| -> anyhow::Result<[Option<f64>; N]> {
        let cells: Vec<&str> = line.split(',').collect();
        ensure!(cells.len() == head.len(), "a row of another length: {line}");
        Ok(places.map(|place| cells[place].parse().ok()))
    };
    lines.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "second,users,ok\n0,3,10.5\n1,3,\n";
        let found = columns(text, ["ok", "second"]).unwrap();
        assert_eq!(found, [[Some(10.5), Some(0.0)], [None, Some(1.0)]]);
        assert!(columns(text, ["p99"]).is_err());
        assert!(columns("a,b\n1\n", ["a"]).is_err());
    }
}
