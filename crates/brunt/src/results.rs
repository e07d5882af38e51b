//! The results folder: what a run leaves on disk.

pub(crate) mod baseline_files;
pub(crate) mod export_files;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Name of the run record in the results folder.
pub(crate) const RECORD_FILE: &str = "record.brunt";
/// HTML page of the history.
pub(crate) const HISTORY_PAGE: &str = "performance/reports/history.html";
/// Where runs go unless `--out` says otherwise.
const RESULTS: &str = "performance/results";
const REPORTS: &str = "performance/reports";
/// Where baselines lie.
pub(crate) const BASELINES: &str = "performance/benchmarks";
/// What stands for the run that began last.
pub(crate) const LATEST: &str = "latest";

/// The files of a run, or of two builds compared, in a folder that the user named.
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

/// Where one run's files go.
#[derive(Debug, Clone)]
pub(crate) struct RunFolder {
    /// The run's name.
    pub(crate) run_id: String,
    folder: PathBuf,
    /// Where its HTML report goes.
    pub(crate) report: PathBuf,
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {error}")]
pub(crate) struct WriteError {
    path: String,
    error: io::Error,
}

impl RunFolder {
    /// A folder for a run that begins now: in `out`, or new under `performance/`. The files of an earlier run in `out`
    /// are removed.
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
        // Two runs that begin in the same second get different names.
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

    /// Puts a new file in the place of an old one, once its beginning is written. What `begin` returns
    /// may go on writing to it.
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

    /// Writes a file in the folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), WriteError> {
        replace(&self.folder.join(name), text)
    }

    /// Writes its HTML report.
    pub(crate) fn write_report(&self, text: &str) -> Result<(), WriteError> {
        replace(&self.report, text)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// What went wrong with one of its files.
    pub(crate) fn error(&self, name: &str, error: io::Error) -> WriteError {
        write_error(&self.folder.join(name), error)
    }
}

/// Refuses a folder that holds files of an earlier run, unless they are to be replaced. What has the name of such a file
/// is taken for one, links included.
pub(crate) fn refuse_used(out: &Path, replaces: bool) -> Result<(), String> {
    refuse_any(&FILES, out, replaces)
}

/// Refuses a folder that holds a run, unless some of its files are to be replaced.
pub(crate) fn refuse_run(out: &Path, replaces: bool) -> Result<(), String> {
    refuse_any(&[RECORD_FILE], out, replaces)
}

fn refuse_any(names: &[&str], out: &Path, replaces: bool) -> Result<(), String> {
    let is_there = |name: &&&str| out.join(name).symlink_metadata().is_ok();
    match names.iter().find(is_there) {
        Some(name) if !replaces => Err(format!(
            "cannot write to {}: it holds {name} of an earlier run; name another directory with --out, or overwrite the run with --force",
            out.display()
        )),
        _ => Ok(()),
    }
}

/// A new file. What had its name is removed; a link is not followed.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    remove_file(path)?;
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Removes a file or a link, if it is there.
fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Writes a whole file in the place of what had its name; a link is not followed. If that fails, what was there stays.
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

/// The same in a folder, which is made if it is not there.
pub(crate) fn replace_in(folder: &Path, name: &str, text: &str) -> Result<(), WriteError> {
    create_folder(folder)?;
    replace(&folder.join(name), text)
}

/// Where the page of all profiles goes.
pub(crate) fn page_of_all(out: Option<&Path>, now: Timestamp) -> PathBuf {
    match out {
        Some(out) => out.join("report.html"),
        None => Path::new(REPORTS).join(format!("{}.html", run_id("all", now))),
    }
}

/// The folders of runs under `performance/`, whole or not; none where there is no such folder.
pub(crate) fn run_folders() -> io::Result<Vec<PathBuf>> {
    let mut folders = entries(RESULTS)?;
    folders.retain(|path| path.is_dir());
    Ok(folders)
}

/// The files that hold baselines.
pub(crate) fn baseline_files() -> io::Result<Vec<PathBuf>> {
    let mut files = entries(BASELINES)?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    Ok(files)
}

/// What lies in a folder, by name; nothing where there is no such folder.
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

/// Where the report of a run lies, by the run's folder.
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

/// The HTML report of a run that is named, or whose record is given; `None` if it was not written.
pub(crate) fn page_of(run: &str) -> Option<PathBuf> {
    let folder = if Path::new(run).is_file() {
        Path::new(run).parent()?.to_owned()
    } else {
        folder_of(run).ok()?
    };
    Some(report_of(&folder)).filter(|page| page.is_file())
}

/// Whether brunt made a run's folder for it alone: not one that the user named by `--out`.
pub(crate) fn is_own(folder: &Path) -> bool {
    folder.file_name().is_some() && folder.parent() == Some(Path::new(RESULTS))
}

/// Removes the folder that brunt made for a run, and the run's report. What is gone already is fine.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    remove_file(&report_of(folder))?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The folder of a run: the latest, by its name, or as a path; or why there is none.
pub(crate) fn folder_of(run: &str) -> Result<PathBuf, String> {
    if run == LATEST {
        return latest();
    }
    let by_name = Path::new(RESULTS).join(run);
    let found = [Path::new(run), &by_name]
        .into_iter()
        .find(|folder| folder.is_dir());
    found.map(Path::to_owned).ok_or_else(|| {
        format!("there is no run `{run}`; give its folder, its name under {RESULTS}, or `{LATEST}`")
    })
}

/// The run that began last of those that have a record.
fn latest() -> Result<PathBuf, String> {
    let none =
        || format!("there is no run under {RESULTS}; make one with `brunt run`, or give a folder");
    let entries = fs::read_dir(RESULTS).map_err(|_| none())?;
    let folders = entries.filter_map(Result::ok).map(|entry| entry.path());
    folders
        .filter(|folder| folder.join(RECORD_FILE).is_file())
        .max()
        .ok_or_else(none)
}

/// Writes a whole file. Where that fails, none is left rather than a part of one.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), WriteError> {
    fs::write(path, text).map_err(|error| {
        if path.symlink_metadata().is_ok_and(|found| found.is_file()) {
            fs::remove_file(path).ok();
        }
        write_error(path, error)
    })
}

/// The folder that a file goes to, made where it is not there, as a whole path.
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

/// Writes a whole file in a folder, which is made where it is not there.
pub(crate) fn write_in(
    folder: &Path,
    name: impl AsRef<Path>,
    text: &str,
) -> Result<(), WriteError> {
    create_folder(folder)?;
    write(&folder.join(name), text)
}

/// Writes a whole file; its folder is made where it is not there.
pub(crate) fn write_at(file: &Path, text: &str) -> Result<(), WriteError> {
    let name = file.file_name().map_or(file, Path::new);
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => write_in(folder, name, text),
        _ => write(file, text),
    }
}

/// Where several profiles are played: the beginning of the names of one profile's files.
pub(crate) fn prefix_of(prefix: &Path, profile: &str) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(format!("-{}", in_names(profile)));
    name.into()
}

fn run_id(profile: &str, now: Timestamp) -> String {
    format!(
        "{}-{}",
        now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ"),
        in_names(profile)
    )
}

/// A profile's name in those of files.
fn in_names(profile: &str) -> String {
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

/// What went wrong with a file.
pub(crate) fn write_error(path: &Path, error: io::Error) -> WriteError {
    WriteError {
        path: path.display().to_string(),
        error,
    }
}
