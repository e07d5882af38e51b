//! The report of a real run in a real browser.

use brunt_testbed::Browser;

use crate::brunt::Brunt;

#[test]
fn the_report_draws_its_charts_and_says_the_verdict() {
    let Some(mut browser) = Browser::start() else {
        brunt_testbed::skip(
            "page::the_report_draws_its_charts_and_says_the_verdict",
            "chromium is not installed",
        );
        return;
    };
    let brunt = Brunt::new(&["run", "load", "-u", "20", "-t", "3s", "--out", "out"]).shipped();
    brunt.run();
    browser.open(&brunt.path("out/report.html"));
    let summary = brunt.summary();
    let said = browser.ask("document.querySelector('h1').textContent");
    assert_eq!(said, summary["headline"]);
    let canvases = browser.ask("document.querySelectorAll('figure canvas').length");
    assert!(
        canvases.as_u64() >= Some(12),
        "{canvases} charts were drawn"
    );
    let rows = browser.ask("document.querySelectorAll('tr[data-name]').length");
    assert_eq!(rows, 10);
    assert_eq!(browser.complaints, Vec::<String>::new());
}
