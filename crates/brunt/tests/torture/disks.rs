//! Full disk at any write: existing files are complete, missing ones are named, and the result is printed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use brunt_testbed::Server;
use brunt_verdict::baseline::Baseline;
use rand::RngExt;

use crate::brunt::Brunt;
use crate::loads::{self, Outcome};
use crate::small_disk::SmallDisk;
use crate::trials::{Promise, Random};

/// Directory of all files of a run, with a random size.
const FOLDER: &str = "performance";
/// Size with enough space for all files.
const ENOUGH_KIB: u32 = 8 << 10;
const BOUND: Duration = Duration::from_secs(30);

fn brunt(server: &Server) -> Brunt {
    loads::run_without_host()
        .and(&["--host", &server.url()])
        .and(&["--junit", "performance/junit.xml"])
        .and(&["--jsonl", "performance/live.jsonl"])
        .and(&["--markdown", "performance/result.md"])
        .and(&["--locust-csv", "performance/locust"])
        .scenario(&loads::scenario(4, 2))
}

#[test]
fn full_disk_is_reported_and_leaves_no_incomplete_file() {
    let test = "disks::full_disk_is_reported_and_leaves_no_incomplete_file";
    let folder = tempfile::tempdir().expect("a folder");
    if SmallDisk::mount(folder.path(), 8).is_none() {
        brunt_testbed::skip(test, "cannot mount a tmpfs (not root)");
        return;
    }
    let promise = Promise {
        says: "a full disk is reported (exit code 70), the result is printed, and no file is incomplete",
        how: "a file system of 4 to 512 KiB for all files of a run: record, summary, report, CSV, database, JSON lines, \
              JUnit, Markdown, then a baseline; every fifth has enough space",
        short: 5,
        long: 120,
        bound: Duration::from_mins(5),
    };
    promise.hold(|number, random| {
        let has_room = number % 5 == 4;
        let kib = if has_room {
            ENOUGH_KIB
        } else {
            // Small sizes as often as large ones.
            let power = random.random_range(2..=7);
            4 * random.random_range(1..=2_u32.pow(power))
        };
        run_on(kib, has_room).map_err(|wrong| format!("{kib} KiB: {wrong}"))
    });
}

fn run_on(kib: u32, has_room: bool) -> Result<(), String> {
    let server = loads::service();
    let brunt = brunt(&server);
    let path = brunt.path(FOLDER);
    let _disk = SmallDisk::mount(&path, kib).ok_or("cannot mount a tmpfs")?;
    let outcome = loads::outcome(&brunt, &[], BOUND)?;
    outcome.is_documented()?;
    let names_it = outcome.output.contains("No space left on device");
    let code = outcome.status.code();
    let fits = code == Some(0) && !names_it;
    let is_reported = names_it && (code == Some(70) || only_live_export_failed(&outcome));
    let is_as_documented = if has_room { fits } else { fits || is_reported };
    if !is_as_documented {
        return Err(format!("exit code {code:?}\n{}", outcome.output));
    }
    if code != Some(2) && !outcome.output.contains("p95") {
        return Err(format!("no result is printed\n{}", outcome.output));
    }
    check_files(&path)?;
    if fits {
        let expected = [
            "record.brunt",
            "summary.json",
            "requests.csv",
            "brunt.db",
            "junit.xml",
        ];
        let names = files_in(&path);
        let is_there = |name: &&str| names.iter().any(|path| path.ends_with(name));
        if let Some(missing) = expected.iter().find(|name| !is_there(name)) {
            return Err(format!("{missing} is missing: {names:?}"));
        }
    }
    save_baseline(&brunt, &path, has_room)
}

/// Whether only the live exporter dropped data.
fn only_live_export_failed(outcome: &Outcome) -> bool {
    let dropped = "--jsonl performance/live.jsonl dropped";
    outcome.status.code() == Some(0) && outcome.output.contains(dropped)
}

/// Fills the disk, and saves the run as a baseline on it.
fn save_baseline(brunt: &Brunt, path: &Path, has_room: bool) -> Result<(), String> {
    if !has_room {
        // Ends when the disk is full.
        let mut file = std::fs::File::create(path.join("filler")).ok();
        while let Some(file) = &mut file
            && std::io::Write::write_all(file, &[0; 4_096]).is_ok()
        {}
    }
    let saved = brunt.also(&["baseline", "save", "b"]);
    let file = path.join("benchmarks/b.json");
    let baseline = std::fs::read_to_string(file).ok();
    let is_read = baseline.as_ref().map(|text| Baseline::read(text).is_ok());
    if is_read == Some(false) || is_read.is_none() != (saved.code != Some(0)) {
        return Err(format!("incomplete baseline: {baseline:?} {saved:?}"));
    }
    match saved.code {
        Some(0) => Ok(()),
        Some(2 | 70) if !has_room => Ok(()),
        _ => Err(format!("baseline: {saved:?}")),
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_in(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn check_files(folder: &Path) -> Result<(), String> {
    for path in files_in(folder) {
        let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = String::from_utf8_lossy(&bytes);
        let extension = path.extension().and_then(OsStr::to_str);
        let is_complete = match (&*name, extension) {
            ("record.brunt", _) => {
                bytes.len() < 2_000 || brunt_record::file::read(bytes.as_slice()).is_ok()
            }
            ("live.jsonl", _) => lines_are_json(&text),
            ("junit.xml", _) => text.trim_end().ends_with("</testsuites>"),
            ("brunt.db", _) => is_database(&path),
            ("result.md", _) => text.ends_with('\n'),
            (_, Some("json")) => serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            (_, Some("html")) => text.trim_end().ends_with("</html>"),
            (_, Some("csv")) => rows_are_complete(&text),
            // The journal of a database.
            (name, _) => name.starts_with("brunt.db-"),
        };
        if !is_complete {
            return Err(format!(
                "incomplete {}: {} bytes",
                path.display(),
                bytes.len()
            ));
        }
    }
    Ok(())
}

/// Whether all lines except the last, which may be incomplete, are JSON.
fn lines_are_json(text: &str) -> bool {
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete
        .lines()
        .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
}

fn rows_are_complete(text: &str) -> bool {
    let fields = |line: &str| line.split(',').count();
    let first = text.lines().next().map(fields);
    // Names in this scenario contain no commas.
    text.ends_with('\n') && text.lines().all(|line| Some(fields(line)) == first)
}

/// Whether a copy on a disk with free space is an intact database.
fn is_database(path: &Path) -> bool {
    let roomy = tempfile::tempdir().expect("a folder");
    for file in files_in(path.parent().unwrap_or(path)) {
        let name = file.file_name().unwrap_or_default();
        if name.to_string_lossy().starts_with("brunt.db") {
            std::fs::copy(&file, roomy.path().join(name)).expect("a copy");
        }
    }
    let open = rusqlite::Connection::open(roomy.path().join("brunt.db"));
    open.and_then(|database| {
        database.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0))
    })
    .is_ok_and(|result| result == "ok")
}

#[test]
fn file_size_limit_stops_the_run_and_prints_the_result() {
    let promise = Promise {
        says: "a file size limit (SIGXFSZ) stops the run, which is reported, without an incomplete summary or report",
        how: "a limit of 1 to 400 KiB on the size of each file",
        short: 3,
        long: 60,
        bound: Duration::from_mins(2),
    };
    promise.hold(|_, random: &mut Random| {
        let bytes = random.random_range(1_024..400 << 10);
        let server = loads::service();
        let brunt = loads::run(&server.url()).scenario(&loads::scenario(4, 2));
        let outcome = loads::outcome(&brunt, &["prlimit", &format!("--fsize={bytes}")], BOUND)?;
        outcome.is_documented()?;
        loads::check_files_complete(&brunt)?;
        let names_it = outcome.output.contains("File too large");
        if outcome.status.code() == Some(70) && !names_it {
            return Err(format!("{bytes} bytes: {}", outcome.output));
        }
        if !outcome.output.contains("p95") {
            return Err(format!(
                "{bytes} bytes: no result is printed\n{}",
                outcome.output
            ));
        }
        Ok(())
    });
}
