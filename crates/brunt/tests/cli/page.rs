//! The report in a real browser.

use std::process::Command;

use crate::brunt::Brunt;

const CHROMIUM: &str = "chromium";

#[test]
fn the_report_draws_its_charts_and_says_the_verdict() {
    if Command::new(CHROMIUM).arg("--version").output().is_err() {
        testbed::skip(
            "page::the_report_draws_its_charts_and_says_the_verdict",
            "chromium is not installed",
        );
        return;
    }
    let brunt = Brunt::new(&["run", "load", "-u", "20", "-t", "3s", "--out", "out"]).shipped();
    brunt.run();
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(CHROMIUM)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=5000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!(
            "file://{}",
            brunt.path("out/report.html").display()
        ))
        .output()
        .unwrap();
    let page = String::from_utf8_lossy(&output.stdout);
    let canvases = page.matches("<canvas").count();
    assert!(
        canvases >= 4,
        "{canvases} charts were drawn\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let summary = brunt.summary();
    let verdict = summary["verdict"].as_str().unwrap();
    assert!(page.to_lowercase().contains(verdict), "{verdict}");
}
