//! Files of baselines: one JSON file each, under `performance/benchmarks/`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use brunt_verdict::baseline::Baseline;

use crate::exit::Failure;
use crate::results;
use crate::system::input_file;

/// File name extension of baselines.
const EXTENSION: &str = "json";

/// Path of a baseline, given by name or path.
pub(crate) fn file_of(name: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.extension().is_some_and(|found| found == EXTENSION) {
        return Ok(path.to_owned());
    }
    let is_fine = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_fine) {
        return Err(Failure::Input(format!(
            "invalid baseline name `{name}`: must consist of letters, digits, `-`, `_` and `.`, or be the path of a \
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
        format!("save it with: brunt baseline save {name}")
    } else {
        format!("available: {known}")
    };
    Failure::Input(format!(
        "unknown baseline `{name}` ({} does not exist); {remedy}",
        file.display()
    ))
}

/// Writes a baseline, and replaces an existing one.
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

/// Deletes a baseline.
pub(crate) fn remove(name: &str) -> Result<PathBuf, Failure> {
    let file = file_of(name)?;
    fs::remove_file(&file).map_err(|error| missing(name, &file, &error))?;
    Ok(file)
}

/// Names of all baselines, sorted.
pub(crate) fn names() -> io::Result<Vec<String>> {
    let files = results::baseline_files()?;
    let names = files.iter().filter_map(|file| file.file_stem());
    Ok(names
        .map(|name| name.to_string_lossy().into_owned())
        .collect())
}
