//! Interactions of a reader with the page.

use serde_json::{Value, json};

use crate::run::known;
use crate::{opened, stalled};

/// Text of the elements of a page.
pub(crate) fn texts(browser: &mut brunt_testbed::Browser, selector: &str) -> Vec<String> {
    let texts = browser.ask(&format!(
        "[...document.querySelectorAll({selector:?})].map((of) => of.textContent.trim())"
    ));
    serde_json::from_value(texts).expect("texts")
}

pub(crate) fn count(browser: &mut brunt_testbed::Browser, selector: &str) -> usize {
    texts(browser, selector).len()
}

pub(crate) fn click(browser: &mut brunt_testbed::Browser, selector: &str) {
    browser.ask(&format!("document.querySelector({selector:?}).click()"));
    browser.settle();
}

#[test]
fn page_shows_the_verdict_without_errors_or_requests() {
    let known = known();
    let Some(mut page) = opened("the_verdict_is_read", &[known.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    assert_eq!(texts(browser, "h1"), [known.verdict.headline.as_str()]);
    let unseen = "Not measured for the process under test: descriptors (/proc/4711/fd: Permission denied (os error 13)).";
    assert_eq!(texts(browser, ".unseen"), [unseen]);
    let grades = texts(browser, ".targets .pill");
    assert_eq!(grades.len(), 5, "{grades:?}");
    assert!(count(browser, "canvas") >= 10);
    assert_eq!(count(browser, "script"), 3, "two that run, and the data");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn cursor_shows_the_values_of_every_chart() {
    let known = known();
    let Some(mut page) = opened("one_cursor", &[known.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    let throughput = "figure[data-chart='throughput']";
    let over = format!("{throughput} .u-over");
    browser.point(&over, -0.2);
    browser.settle();
    let at = texts(browser, ".tools .at");
    assert_eq!(at, ["at 6 s"], "a fifth left of the middle of 22 s");
    let response = texts(browser, "figure[data-chart='response'] .now");
    assert!(response[0].ends_with(" ms"), "{response:?}");
    assert_eq!(texts(browser, &format!("{throughput} .now"))[1], "40");
    assert_eq!(
        texts(browser, "figure[data-chart='memory'] .now")[0],
        "307 MB"
    );

    // With the keyboard.
    browser.ask("document.querySelector(\"figure[data-chart='throughput'] .uplot\").focus({ preventScroll: true })");
    browser.ask(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }))",
    );
    browser.settle();
    assert_eq!(texts(browser, ".tools .at"), ["at 7 s"]);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn drag_zooms_all_charts_and_a_button_resets_the_zoom() {
    let known = known();
    let Some(mut page) = opened("a_drag_zooms", &[known.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    let shown = "document.querySelector('.tools button').hidden";
    assert_eq!(browser.ask(shown), json!(true));
    browser.drag("figure[data-chart='throughput'] .u-over", -0.25, 0.25);
    assert_eq!(browser.ask(shown), json!(false));
    // The left quarter is now the left end, also of the other charts.
    let memory = "figure[data-chart='memory'] .u-over";
    browser.point(memory, -0.49);
    browser.settle();
    assert_eq!(texts(browser, ".tools .at"), ["at 5 s"]);
    click(browser, ".tools button");
    browser.point(memory, -0.49);
    browser.settle();
    assert_eq!(texts(browser, ".tools .at"), ["at 0 s"]);
    assert_eq!(browser.ask(shown), json!(true));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn stall_is_marked_for_its_duration() {
    let stalled = stalled();
    let Some(mut page) = opened("a_stall_is_marked", &[stalled.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    assert!(texts(browser, ".marks li").contains(&"no response 4 s–7 s".to_owned()));
    browser.point("figure[data-chart='response'] .u-over", -0.25);
    browser.settle();
    assert_eq!(texts(browser, ".tools .at"), ["at 5 s"]);
    let response = texts(browser, "figure[data-chart='response'] .now");
    assert_eq!(
        response,
        ["–", "–", "–", "2 s"],
        "no percentile, and the oldest waits"
    );
}

#[test]
fn measure_and_scale_can_be_chosen() {
    let known = known();
    let Some(mut page) = opened("the_reader_chooses", &[known.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    let shown = "[...document.querySelectorAll('figure[data-timed]')].filter((of) => !of.hidden).map((of) => of.dataset.timed)";
    assert_eq!(browser.ask(shown), json!(["response", "response"]));
    click(browser, ".tools input[value='service']");
    assert_eq!(browser.ask(shown), json!(["service", "service"]));
    assert_eq!(count(browser, "figure[data-chart='service'] canvas"), 1);
    click(browser, ".tools input[type='checkbox']");
    assert_eq!(count(browser, "figure[data-chart='service'] canvas"), 1);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn requests_are_sorted_filtered_and_opened() {
    let known = known();
    let Some(mut page) = opened("requests_are_sorted", &[known.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    let names = "table[data-requests] tbody tr[data-name] th";
    let first = |browser: &mut brunt_testbed::Browser| texts(browser, names).remove(0);
    assert_eq!(first(browser), "POST /orders");
    let head = |at: usize| format!("table[data-requests] .sort:nth-of-type({at})");
    assert!(count(browser, &head(1)) > 10);
    let sort = |browser: &mut brunt_testbed::Browser, name: &str| {
        browser.ask(&format!(
            "[...document.querySelectorAll('table[data-requests] .sort')].find((of) => of.textContent === {name:?}).click()"
        ));
    };
    sort(browser, "Requests");
    assert_eq!(first(browser), "POST /orders", "most first");
    sort(browser, "Requests");
    assert!(first(browser).starts_with("GET /search"), "fewest first");
    let said =
        "document.querySelector('table[data-requests] [aria-sort]').getAttribute('aria-sort')";
    assert_eq!(browser.ask(said), json!("ascending"));
    sort(browser, "max");
    assert_eq!(
        first(browser),
        "POST /orders",
        "no response ranks above all"
    );

    browser.ask("(() => { const of = document.querySelector('.filter input'); of.value = 'SEARCH'; of.dispatchEvent(new Event('input')); })()");
    let visible = format!(
        "[...document.querySelectorAll({names:?})].filter((of) => !of.parentElement.hidden).length"
    );
    assert_eq!(browser.ask(&visible), json!(1));
    assert_eq!(texts(browser, ".bar .found"), ["1 of 2"]);
    browser.ask("(() => { const of = document.querySelector('.filter input'); of.value = ''; of.dispatchEvent(new Event('input')); })()");

    click(browser, "tr[data-name='0'] .open");
    assert_eq!(count(browser, "tr.detail canvas"), 3);
    assert_eq!(
        browser.ask("document.querySelector(\"tr[data-name='0'] .open\").ariaExpanded"),
        json!("true")
    );
    browser.point("tr.detail figure:nth-of-type(1) .u-over", 0.2);
    browser.settle();
    assert_eq!(
        texts(browser, "tr.detail .now")[0],
        "30",
        "responses per second"
    );
    click(browser, "tr.detail details summary");
    assert_eq!(count(browser, "tr.detail details tbody tr"), 22);
    click(browser, ".tools input[value='service']");
    assert_eq!(texts(browser, "tr.detail figcaption")[1], "Service time");
    click(browser, "tr[data-name='0'] .open");
    assert_eq!(count(browser, "tr.detail"), 0);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn page_without_scripts_has_verdict_tables_and_charts() {
    let known = known();
    let Some(mut page) = opened("without_scripts", &[known.judged()], false) else {
        return;
    };
    let browser = &mut page.browser;
    assert_eq!(count(browser, "canvas"), 0, "no script ran");
    assert_eq!(texts(browser, "h1"), [known.verdict.headline.as_str()]);
    let drawn = browser.ask(
        "[...document.querySelectorAll('figure .plot svg')].filter((of) => of.getBoundingClientRect().height > 50).length",
    );
    assert!(drawn.as_u64() >= Some(12), "{drawn} drawings");
    assert_eq!(count(browser, "table[data-requests] tbody tr"), 2);
    // The table of each chart opens without a script.
    let behind = count(browser, "figure[data-chart='response'] details tbody tr");
    assert_eq!(behind, 22);
    let unscoped =
        browser.ask("[...document.querySelectorAll('th')].filter((of) => !of.scope).length");
    assert_eq!(
        unscoped,
        Value::from(0),
        "heads that say nothing of their scope"
    );
    assert_eq!(browser.complaints, Vec::<String>::new());
}
