//! Touch gestures on the page.

use brunt_testbed::Look;
use serde_json::json;

use crate::opened;
use crate::run::known;
use crate::use_of::{click, texts};

const THROUGHPUT: &str = "figure[data-chart='throughput'] .u-over";
const WHOLE_RUN_HIDDEN: &str = "document.querySelector('.tools button').hidden";

#[test]
fn one_finger_moves_the_cursor_and_two_zoom() {
    let known = known();
    let Some(mut page) = opened("one_finger", &[known.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    browser.look(390, 844, Look::Light);
    let at = |browser: &mut brunt_testbed::Browser| texts(browser, ".tools .at");
    browser.touch(THROUGHPUT, &[&[(-0.2, 0.0)]]);
    assert_eq!(
        at(browser),
        ["at 6 s"],
        "a fifth left of the middle of 22 s"
    );
    browser.touch(THROUGHPUT, &[&[(-0.2, 0.0)], &[(0.1, 0.0)], &[(0.2, 0.0)]]);
    assert_eq!(at(browser), ["at 15 s"]);
    assert_eq!(browser.ask(WHOLE_RUN_HIDDEN), json!(true), "nothing zoomed");

    // A quarter of the chart is stretched to half of it: the middle 11 s of 22 s remain.
    let pinch: [&[(f64, f64)]; 4] = [
        &[(-0.125, 0.0), (0.125, 0.0)],
        &[(-0.15, 0.0), (0.15, 0.0)],
        &[(-0.2, 0.0), (0.2, 0.0)],
        &[(-0.25, 0.0), (0.25, 0.0)],
    ];
    browser.touch(THROUGHPUT, &pinch);
    assert_eq!(browser.ask(WHOLE_RUN_HIDDEN), json!(false));
    let memory = "figure[data-chart='memory'] .u-over";
    browser.touch(memory, &[&[(-0.49, 0.0)]]);
    assert_eq!(at(browser), ["at 5 s"], "of the other charts, too");
    // Two fingers at a constant distance pan by a fifth of 11 s.
    let shift: [&[(f64, f64)]; 3] = [
        &[(-0.2, 0.0), (0.2, 0.0)],
        &[(-0.1, 0.0), (0.3, 0.0)],
        &[(0.0, 0.0), (0.4, 0.0)],
    ];
    browser.touch(memory, &shift);
    browser.touch(THROUGHPUT, &[&[(-0.49, 0.0)]]);
    assert_eq!(at(browser), ["at 3 s"]);
    click(browser, ".tools button");
    assert_eq!(browser.ask(WHOLE_RUN_HIDDEN), json!(true));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn vertical_swipe_scrolls_the_page() {
    let known = known();
    let Some(mut page) = opened("a_finger_that_goes_up", &[known.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    browser.look(390, 844, Look::Light);
    browser.ask(&format!(
        "document.querySelector({THROUGHPUT:?}).scrollIntoView({{ block: 'center' }})"
    ));
    let before = browser.ask("scrollY").as_f64().unwrap_or_default();
    let up: [&[(f64, f64)]; 5] = [
        &[(0.0, 0.4)],
        &[(0.0, 0.0)],
        &[(0.0, -0.5)],
        &[(0.0, -1.0)],
        &[(0.0, -1.5)],
    ];
    browser.touch(THROUGHPUT, &up);
    let after = browser.ask("scrollY").as_f64().unwrap_or_default();
    assert!(after > before + 50.0, "from {before} to {after}");
    assert_eq!(browser.ask(WHOLE_RUN_HIDDEN), json!(true), "nothing zoomed");
    assert_eq!(browser.complaints, Vec::<String>::new());
}
