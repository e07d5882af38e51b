//! Baselines on disk: one text file each, under `performance/benchmarks/`, and what runs are compared with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use brunt_record::{Header, RunRecord};
use brunt_verdict::Verdict;
use brunt_verdict::baseline::{Baseline, Compatibility, Conditions, Difference, incompatible};

use crate::exit::{Failure, note};
use crate::results;
use crate::system::input_file;

/// Where baselines lie.
const EXTENSION: &str = "json";

/// What runs are compared with, and how.
pub(crate) struct Yardstick {
    pub(crate) baseline: Baseline,
    /// A difference by this share is none.
    pub(crate) theta: Option<f64>,
    /// Compare even if conditions differ that make runs incomparable.
    pub(crate) allow_mismatch: bool,
}

/// How a comparison is made.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ComparisonOptions {
    /// Ignore differences smaller than this [default: 5%; 10% for percentiles below 1 ms]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) tolerance: Option<f64>,
    /// Compare even if conditions differ, such as the machine or the scenario
    #[arg(long)]
    pub(crate) allow_mismatch: bool,
}

impl Yardstick {
    /// A baseline by its name.
    pub(crate) fn find(name: &str, options: ComparisonOptions) -> Result<Self, Failure> {
        Ok(Self {
            baseline: read(name)?,
            theta: options.tolerance,
            allow_mismatch: options.allow_mismatch,
        })
    }

    /// What differs between the baseline and a run that is about to begin. Says beforehand what the baseline
    /// cannot tell.
    pub(crate) fn before_load(&self, run: &Header) -> Result<Vec<Difference>, Failure> {
        let differences = self.differences(run)?;
        if let Some(weakness) = self.baseline.weakness() {
            note(&format!("note: {weakness}"));
        }
        Ok(differences)
    }

    /// What differs between the baseline and a run. Says what makes the conclusion weaker, and refuses what
    /// cannot be compared.
    pub(crate) fn differences(&self, run: &Header) -> Result<Vec<Difference>, Failure> {
        let conditions = Conditions::of(run);
        let mut differences = self.baseline.conditions.differences(&conditions);
        let grave: Vec<String> = incompatible(&differences)
            .into_iter()
            .map(Difference::in_words)
            .collect();
        if !grave.is_empty() && !self.allow_mismatch {
            return Err(Failure::Input(format!(
                "this run cannot be compared with baseline `{}`:\n  {}\nsave a new baseline under these \
                 conditions, or compare anyway with --allow-mismatch",
                self.baseline.name,
                grave.join("\n  ")
            )));
        }
        for difference in &mut differences {
            // With --allow-mismatch it is compared, and the conclusion is weaker.
            if difference.compatibility == Compatibility::Incompatible {
                difference.compatibility = Compatibility::Degraded;
            }
            if difference.compatibility == Compatibility::Degraded {
                note(&format!("note: {}", difference.in_words()));
            }
        }
        Ok(differences)
    }

    /// The verdict on a run, beside the baseline.
    pub(crate) fn judge(&self, record: &RunRecord, differences: Vec<Difference>) -> Verdict {
        brunt_verdict::judge_with_baseline(record, &self.baseline, differences, self.theta)
    }
}

/// The file of a baseline: by its name, or as a path.
pub(crate) fn file_of(name: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.extension().is_some_and(|found| found == EXTENSION) {
        return Ok(path.to_owned());
    }
    let is_fine = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_fine) {
        return Err(Failure::Input(format!(
            "`{name}` is no name for a baseline; write one of letters, digits, `-`, `_` and `.`, or the path of a \
             .json file"
        )));
    }
    Ok(Path::new(results::BASELINES).join(format!("{name}.{EXTENSION}")))
}

/// Reads a baseline.
pub(crate) fn read(name: &str) -> Result<Baseline, Failure> {
    let file = file_of(name)?;
    let text = input_file::text(&file).map_err(|error| missing(name, &file, &error))?;
    Baseline::read(&text).map_err(|error| {
        let file = file.display();
        Failure::Input(format!("cannot read baseline {file}: {error}"))
    })
}

fn missing(name: &str, file: &Path, error: &io::Error) -> Failure {
    if error.kind() != io::ErrorKind::NotFound {
        let file = file.display();
        return Failure::Input(format!("cannot read baseline {file}: {error}"));
    }
    let known = names().unwrap_or_default().join(", ");
    let remedy = if known.is_empty() {
        format!("make it with `brunt baseline save {name}`")
    } else {
        format!("there are: {known}")
    };
    Failure::Input(format!(
        "there is no baseline `{name}` ({} is not there); {remedy}",
        file.display()
    ))
}

/// Writes a baseline in the place of an old one.
pub(crate) fn write(baseline: &Baseline) -> Result<PathBuf, Failure> {
    let file = file_of(&baseline.name)?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let new = file.with_extension("json.new");
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&new, baseline.to_text()))
        .and_then(|()| fs::rename(&new, &file));
    written.map_err(|error| {
        Failure::Internal(anyhow::anyhow!("cannot write {}: {error}", file.display()))
    })?;
    Ok(file)
}

/// Removes a baseline.
pub(crate) fn remove(name: &str) -> Result<PathBuf, Failure> {
    let file = file_of(name)?;
    fs::remove_file(&file).map_err(|error| missing(name, &file, &error))?;
    Ok(file)
}

/// The names of all baselines, in order.
pub(crate) fn names() -> io::Result<Vec<String>> {
    let files = results::baseline_files()?;
    let names = files.iter().filter_map(|file| file.file_stem());
    Ok(names
        .map(|name| name.to_string_lossy().into_owned())
        .collect())
}

/// The record of a run: `latest`, a run's name, a folder, or the record's file.
pub(crate) fn record_of(run: &str) -> Result<RunRecord, Failure> {
    let file = if Path::new(run).is_file() {
        PathBuf::from(run)
    } else {
        let folder = results::folder_of(run).map_err(Failure::Input)?;
        folder.join(crate::run::run_loop::RECORD_FILE)
    };
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::Input(format!("cannot read run {}: {error}", file.display()))
    };
    let bytes = input_file::open(&file).map_err(|error| wrong(&error))?;
    brunt_record::file::read(io::BufReader::new(bytes)).map_err(|error| wrong(&error))
}

/// A share such as `5%`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').map(str::trim);
    let percent: Option<f64> = number.and_then(|number| number.parse().ok());
    percent
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| format!("`{text}` is no share from 0% to 100%; write it like 5%"))
}
