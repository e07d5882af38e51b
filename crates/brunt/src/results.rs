//! Files of runs, and the directories that hold them.

pub(crate) mod baseline_files;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use brunt_record::RunRecord;
use brunt_report::csv::{self, locust};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::exit::Failure;
use crate::system::input_file;

/// Name of the run record in the directory of a run.
pub(crate) const RECORD_FILE: &str = "record.brunt";
/// Default path of the HTML page of the history.
pub(crate) const HISTORY_PAGE: &str = "performance/reports/history.html";
/// Default directory of runs.
const RESULTS: &str = "performance/results";
/// Default directory of HTML reports.
const REPORTS: &str = "performance/reports";
/// Directory of baselines.
pub(crate) const BASELINES: &str = "performance/benchmarks";
/// Name that selects the run that started last.
pub(crate) const LATEST: &str = "latest";

/// Names of the files of a run or an A/B test in a directory that the user chose.
const FILES: [&str; 10] = [
    RECORD_FILE,
    "summary.json",
    "report.html",
    "requests.csv",
    "timeline.csv",
    "failures.csv",
    "resources.csv",
    "comparison.json",
    "a.log",
    "b.log",
];

/// Paths of a run's files.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    pub(crate) run_id: String,
    folder: PathBuf,
    /// Path of the HTML report.
    pub(crate) report: PathBuf,
}

/// Error of a file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {error}")]
pub(crate) struct WriteError {
    path: String,
    error: io::Error,
}

impl RunFolder {
    /// Creates the directory of a run that starts now: `out`, or a new one under `performance/`. Files of an earlier run in
    /// `out` are deleted.
    pub(crate) fn create(
        out: Option<&Path>,
        profile: &str,
        now: Timestamp,
    ) -> Result<Self, WriteError> {
        let run_id = run_id(profile, now);
        if let Some(out) = out {
            create_folder(out)?;
            for file in FILES.map(|name| out.join(name)) {
                remove_file(&file).map_err(|error| write_error(&file, error))?;
            }
            return Ok(Self {
                run_id,
                folder: out.to_owned(),
                report: out.join("report.html"),
            });
        }
        create_folder(Path::new(RESULTS))?;
        create_folder(Path::new(REPORTS))?;
        // Runs that start in the same second get different names.
        let mut name = run_id.clone();
        for number in 2.. {
            let folder = Path::new(RESULTS).join(&name);
            match fs::create_dir(&folder) {
                Ok(()) => {
                    let report = Path::new(REPORTS).join(format!("{name}.html"));
                    return Ok(Self {
                        run_id: name,
                        folder,
                        report,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    name = format!("{run_id}-{number}");
                }
                Err(error) => return Err(write_error(&folder, error)),
            }
        }
        unreachable!("there is always another number")
    }

    /// Replaces a file once `begin` has written the beginning of the new one. The writer that `begin` returns may continue
    /// to write to it.
    pub(crate) fn replace<W>(
        &self,
        name: &str,
        begin: impl FnOnce(File) -> io::Result<W>,
    ) -> Result<W, WriteError> {
        let (path, new) = (
            self.folder.join(name),
            self.folder.join(format!("{name}.new")),
        );
        let written = create_new(&new).and_then(begin).and_then(|writer| {
            fs::rename(&new, &path)?;
            Ok(writer)
        });
        written.map_err(|error| write_error(&path, error))
    }

    /// Writes a file in the directory of the run.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), WriteError> {
        replace(&self.folder.join(name), text)
    }

    /// Writes the HTML report.
    pub(crate) fn write_report(&self, text: &str) -> Result<(), WriteError> {
        replace(&self.report, text)
    }

    /// Directory of the run.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Error of one of the run's files.
    pub(crate) fn error(&self, name: &str, error: io::Error) -> WriteError {
        write_error(&self.folder.join(name), error)
    }
}

/// Refuses a directory that holds files of an earlier run, unless they may be replaced. Anything with the name of such a
/// file counts, links included.
pub(crate) fn refuse_used(out: &Path, replaces: bool) -> Result<(), String> {
    refuse_any(&FILES, out, replaces)
}

/// Refuses a directory that holds a run, unless its files may be replaced.
pub(crate) fn refuse_run(out: &Path, replaces: bool) -> Result<(), String> {
    refuse_any(&[RECORD_FILE], out, replaces)
}

fn refuse_any(names: &[&str], out: &Path, replaces: bool) -> Result<(), String> {
    let is_there = |name: &&&str| out.join(name).symlink_metadata().is_ok();
    match names.iter().find(is_there) {
        Some(name) if !replaces => Err(format!(
            "cannot write to {}: it holds {name} of an earlier run; choose another --out, or overwrite the run with --force",
            out.display()
        )),
        _ => Ok(()),
    }
}

/// Creates a file. An existing file or link of this name is deleted; the link is not followed.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    remove_file(path)?;
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Deletes a file or a link, if it exists.
fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Writes a complete file that replaces any file of this name; a link is not followed. On an error the old file is kept.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), WriteError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = create_new(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        fs::rename(&new, path)
    });
    written.map_err(|error| {
        fs::remove_file(&new).ok();
        write_error(path, error)
    })
}

/// Writes a complete file as [`replace`] does, and creates its directory if necessary.
pub(crate) fn replace_in(folder: &Path, name: &str, text: &str) -> Result<(), WriteError> {
    create_folder(folder)?;
    replace(&folder.join(name), text)
}

/// Path of the HTML report of all profiles.
pub(crate) fn page_of_all(out: Option<&Path>, now: Timestamp) -> PathBuf {
    match out {
        Some(out) => out.join("report.html"),
        None => Path::new(REPORTS).join(format!("{}.html", run_id("all", now))),
    }
}

/// Directories of runs under `performance/`, complete or not.
pub(crate) fn run_folders() -> io::Result<Vec<PathBuf>> {
    let mut folders = entries(RESULTS)?;
    folders.retain(|path| path.is_dir());
    Ok(folders)
}

/// Files of baselines.
pub(crate) fn baseline_files() -> io::Result<Vec<PathBuf>> {
    let mut files = entries(BASELINES)?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    Ok(files)
}

/// Paths in a directory, sorted by name; empty if the directory does not exist.
fn entries(folder: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    Ok(paths)
}

/// Path of the HTML report of the run in a directory.
pub(crate) fn report_of(folder: &Path) -> PathBuf {
    match folder.file_name() {
        Some(name) if is_own(folder) => {
            let mut name = name.to_owned();
            name.push(".html");
            Path::new(REPORTS).join(name)
        }
        _ => folder.join("report.html"),
    }
}

/// Path of the HTML report of a run, given by name or record file; `None` if it does not exist.
pub(crate) fn page_of(run: &str) -> Option<PathBuf> {
    let folder = if Path::new(run).is_file() {
        Path::new(run).parent()?.to_owned()
    } else {
        folder_of(run).ok()?
    };
    Some(report_of(&folder)).filter(|page| page.is_file())
}

/// Whether brunt created the directory for one run, as opposed to a directory from `--out`.
pub(crate) fn is_own(folder: &Path) -> bool {
    folder.file_name().is_some() && folder.parent() == Some(Path::new(RESULTS))
}

/// Deletes the directory that brunt created for a run, and the run's report, if they exist.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    remove_file(&report_of(folder))?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Finds the directory of a run: the latest, by name, or by path. The error is a message.
pub(crate) fn folder_of(run: &str) -> Result<PathBuf, String> {
    if run == LATEST {
        return latest();
    }
    let by_name = Path::new(RESULTS).join(run);
    let found = [Path::new(run), &by_name]
        .into_iter()
        .find(|folder| folder.is_dir());
    found.map(Path::to_owned).ok_or_else(|| {
        format!("unknown run `{run}`; must be a directory, a name under {RESULTS}, or `{LATEST}`")
    })
}

/// Finds the run that started last and has a record.
fn latest() -> Result<PathBuf, String> {
    let none = || {
        format!("there is no run under {RESULTS}; start one with `brunt run`, or name a directory")
    };
    let entries = fs::read_dir(RESULTS).map_err(|_| none())?;
    let folders = entries.filter_map(Result::ok).map(|entry| entry.path());
    folders
        .filter(|folder| folder.join(RECORD_FILE).is_file())
        .max()
        .ok_or_else(none)
}

/// Writes a complete file. On an error an incomplete file is deleted.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), WriteError> {
    fs::write(path, text).map_err(|error| {
        if path.symlink_metadata().is_ok_and(|found| found.is_file()) {
            fs::remove_file(path).ok();
        }
        write_error(path, error)
    })
}

/// Absolute path of a file's directory, which is created if necessary.
pub(crate) fn folder_for(file: &Path) -> Result<PathBuf, WriteError> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    create_folder(folder)?;
    folder
        .canonicalize()
        .map_err(|error| write_error(folder, error))
}

/// Writes a complete file in a directory, which is created if necessary.
pub(crate) fn write_in(
    folder: &Path,
    name: impl AsRef<Path>,
    text: &str,
) -> Result<(), WriteError> {
    create_folder(folder)?;
    write(&folder.join(name), text)
}

/// Writes a complete file, and creates its directory if necessary.
pub(crate) fn write_at(file: &Path, text: &str) -> Result<(), WriteError> {
    let name = file.file_name().map_or(file, Path::new);
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => write_in(folder, name, text),
        _ => write(file, text),
    }
}

/// Prefix of the files of one profile, if a command runs several.
pub(crate) fn prefix_of(prefix: &Path, profile: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(format!("-{}", file_name_part(profile)));
    name.into()
}

fn run_id(profile: &str, now: Timestamp) -> String {
    format!(
        "{}-{}",
        now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ"),
        file_name_part(profile)
    )
}

/// Profile name with only letters, digits and hyphens, for file names.
fn file_name_part(profile: &str) -> String {
    let safe = |letter: char| {
        if letter.is_alphanumeric() || letter == '-' {
            letter
        } else {
            '_'
        }
    };
    profile.chars().map(safe).collect()
}

fn create_folder(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(|error| write_error(path, error))
}

/// Error of a file.
pub(crate) fn write_error(path: &Path, error: io::Error) -> WriteError {
    WriteError {
        path: path.display().to_string(),
        error,
    }
}

/// brunt's own CSV files of a run, with their names.
pub(crate) fn csv_files(record: &RunRecord) -> [(&'static str, String); 4] {
    [
        ("requests.csv", csv::requests(record)),
        ("timeline.csv", csv::timeline(record)),
        ("failures.csv", csv::failures(record)),
        ("resources.csv", csv::resources(record)),
    ]
}

/// Writes the four CSV files of Locust.
pub(crate) fn write_locust(record: &RunRecord, prefix: &Path) -> Result<(), WriteError> {
    let files = [
        ("_stats.csv", locust::stats(record)),
        ("_stats_history.csv", locust::history(record)),
        ("_failures.csv", locust::failures(record)),
        ("_exceptions.csv", locust::exceptions()),
    ];
    for (suffix, text) in files {
        let mut file = prefix.as_os_str().to_owned();
        file.push(suffix);
        write_at(Path::new(&file), &text)?;
    }
    Ok(())
}

/// Reads the record of a run: `latest`, a run's name, a directory, or the record file.
pub(crate) fn record_of(run: &str) -> Result<RunRecord, Failure> {
    let file = if Path::new(run).is_file() {
        PathBuf::from(run)
    } else {
        folder_of(run).map_err(Failure::Input)?.join(RECORD_FILE)
    };
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::Input(format!("cannot read run {}: {error}", file.display()))
    };
    let bytes = input_file::open(&file).map_err(|error| unreadable(&error))?;
    brunt_record::file::read(io::BufReader::new(bytes)).map_err(|error| unreadable(&error))
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Internal(error.into())
    }
}
