//! The results of a run, read from its files.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;

/// The folder of a run and its `summary.json`.
pub(super) struct Run {
    folder: PathBuf,
    pub(super) summary: Value,
}

impl Run {
    /// Reads `summary.json` in the folder.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(folder.join("summary.json"))?;
        Ok(Self {
            folder: folder.to_owned(),
            summary: serde_json::from_str(&text)?,
        })
    }

    /// The comparison with a baseline.
    ///
    /// # Errors
    ///
    /// If the run was not compared with one.
    pub(super) fn comparison(&self) -> anyhow::Result<Value> {
        let found = self.summary.get("comparison").filter(|it| !it.is_null());
        found.cloned().context("the run was not compared")
    }

    /// Folder with the files of the run.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The verdict, such as `good`, `poor` or `invalid`.
    pub(super) fn verdict(&self) -> &str {
        self.summary["verdict"].as_str().unwrap_or_default()
    }

    /// Whether the service missed a target.
    pub(super) fn is_missed(&self) -> bool {
        matches!(self.verdict(), "poor" | "critical")
    }

    pub(super) fn is_invalid(&self) -> bool {
        self.verdict() == "invalid"
    }

    /// Whether the measured value of the first target exceeds a threshold with 95 % confidence.
    pub(super) fn is_surely_over(&self, threshold: f64) -> bool {
        let low = self.summary["targets"][0]["interval"][0].as_f64();
        low.is_some_and(|low| low > threshold)
    }

    /// The first finding of a kind.
    pub(super) fn finding(&self, kind: &str) -> Option<&Value> {
        self.findings().find(|found| found["kind"] == kind)
    }

    /// All findings.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Value> {
        self.summary["findings"].as_array().into_iter().flatten()
    }

    /// Kinds of the findings about the service, with the metric if there is one, such as `leak of memory`.
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

    /// A value of all requests, such as `["response_ms", "p99"]`.
    pub(super) fn total(&self, path: [&str; 2]) -> anyhow::Result<f64> {
        let value = self.summary["total"][path[0]][path[1]].as_f64();
        value.with_context(|| format!("summary.json has no total.{}.{}", path[0], path[1]))
    }

    /// Columns of one of the run's CSV files, row by row. An empty cell is `None`.
    pub(super) fn columns<const N: usize>(
        &self,
        file: &str,
        names: [&str; N],
    ) -> anyhow::Result<Vec<[Option<f64>; N]>> {
        let text = std::fs::read_to_string(self.folder.join(file))?;
        columns(&text, names).with_context(|| format!("cannot read {file}"))
    }
}

/// Columns of numbers of a CSV text without quoted cells.
fn columns<const N: usize>(text: &str, names: [&str; N]) -> anyhow::Result<Vec<[Option<f64>; N]>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let mut places = [0; N];
    for (place, name) in places.iter_mut().zip(names) {
        let found = header.iter().position(|column| *column == name);
        *place = found.with_context(|| format!("there is no column {name}"))?;
    }
    let row = |line: &str| -> anyhow::Result<[Option<f64>; N]> {
        let cells: Vec<&str> = line.split(',').collect();
        ensure!(
            cells.len() == header.len(),
            "the row `{line}` and the header have different numbers of cells"
        );
        Ok(places.map(|place| cells[place].parse().ok()))
    };
    lines.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_selected_by_name() {
        let text = "second,users,ok\n0,3,10.5\n1,3,\n";
        let found = columns(text, ["ok", "second"]).unwrap();
        assert_eq!(found, [[Some(10.5), Some(0.0)], [None, Some(1.0)]]);
        assert!(columns(text, ["p99"]).is_err());
        assert!(columns("a,b\n1\n", ["a"]).is_err());
    }
}
