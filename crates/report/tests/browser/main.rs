//! The HTML report in a real browser: with the mouse, with the keys, without scripts, on a phone, on paper.

mod large;
mod looks;
#[path = "../forms/run.rs"]
mod run;
mod use_of;

use std::path::{Path, PathBuf};

use report::{Judged, html};
use tempfile::TempDir;
use testbed::Browser;

/// A page in a browser.
struct Opened {
    browser: Browser,
    file: PathBuf,
    _folder: TempDir,
}

/// Opens the report of some runs; `None` where there is no browser, which is said.
fn opened(test: &str, runs: &[Judged], scripts: bool) -> Option<Opened> {
    let Some(mut browser) = Browser::start() else {
        testbed::skip(&format!("browser::{test}"), "chromium is not installed");
        return None;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("report.html");
    std::fs::write(&file, html(runs)).expect("a file");
    browser.run_scripts(scripts);
    browser.open(&file);
    Some(Opened {
        browser,
        file,
        _folder: folder,
    })
}

/// Where pictures are kept, to be looked at.
fn pictures() -> &'static Path {
    Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/pictures"))
}

/// The known run, in whose seconds 4 and 5 nothing was answered and requests waited.
fn stalled() -> run::Run {
    let mut run = run::known();
    for (second, oldest_ms) in [(4, 1_000), (5, 2_000)] {
        let mut delta = record::Delta::new(&run.record.header.names);
        delta.start(second);
        delta.counts_mut().oldest_ms = Some(oldest_ms);
        let increment = delta.to_increment();
        run.record.timeline.absorb(&increment).expect("known names");
    }
    run.verdict = verdict::judge(&run.record);
    run
}
