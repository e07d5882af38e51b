//! Rows of groups and of the user's own metrics, and their charts.

use brunt_record::{FailureKind, SecondRecorder};
use serde_json::json;

use crate::use_of::{click, count, texts};
use crate::{grouped, opened, run};

const OTHERS: &str = "table[data-requests]:not(:has(tfoot))";

#[test]
fn group_and_metric_open_their_own_charts() {
    let grouped = grouped();
    let Some(mut page) = opened("a_group_and_a_metric", &[grouped.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    let names = texts(browser, &format!("{OTHERS} tbody th"));
    assert_eq!(names, ["group buy <b>it</b>", "metric basket, in pieces"]);
    // A glance tells which of two is which.
    assert_eq!(count(browser, ".filter"), 1);

    click(browser, "tr[data-name='3'] .open");
    assert_eq!(count(browser, "tr.detail canvas"), 3);
    let titles = [
        "Executions per second",
        "Duration",
        "Duration over percentiles",
    ];
    assert_eq!(texts(browser, "tr.detail figcaption"), titles);
    let outputs = |browser: &mut brunt_testbed::Browser| texts(browser, "tr.detail .now");
    browser.point("tr.detail figure:nth-of-type(2) .u-over", -0.12);
    browser.settle();
    assert_eq!(texts(browser, ".tools .at"), ["at 8 s"]);
    // One succeeded in 208 ms, and one failed. The third chart has no cursor of its own yet.
    assert_eq!(
        outputs(browser),
        ["1", "1", "208 ms", "208 ms", "208 ms", ""]
    );
    for chart in 1..=3 {
        let summary = format!("tr.detail figure:nth-of-type({chart}) summary");
        click(browser, &summary);
    }
    assert_eq!(
        count(browser, "tr.detail figure:nth-of-type(2) tbody tr"),
        22
    );
    let spread = texts(browser, "tr.detail figure:nth-of-type(3) th");
    assert_eq!(spread, ["Percentile", "duration", "0 %", "90 %", "99 %"]);
    // Groups have no service time: their charts stay.
    click(browser, ".tools input[value='service']");
    assert_eq!(texts(browser, "tr.detail figcaption"), titles);
    click(browser, "tr[data-name='3'] .open");

    click(browser, "tr[data-name='4'] .open");
    let titles = ["Values per second", "Value", "Value over percentiles"];
    assert_eq!(texts(browser, "tr.detail figcaption"), titles);
    browser.point("tr.detail figure:nth-of-type(2) .u-over", -0.12);
    browser.settle();
    assert_eq!(
        outputs(browser),
        ["1", "0", "208.1", "208.1", "208.1", ""],
        "no unit"
    );
    browser.point("tr.detail figure:nth-of-type(3) .u-over", 0.45);
    browser.settle();
    assert_eq!(outputs(browser)[5], "221.1");
    let scripts = browser.ask("document.querySelectorAll('b').length");
    assert_eq!(scripts, json!(0), "a name is text");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// The known run, in which most requests of the first name in second 10 receive no response.
fn unanswered() -> run::Run {
    let mut run = run::known();
    let mut delta = SecondRecorder::new(&run.record.header.names);
    delta.start(10);
    for number in 0..100 {
        let never = Some(FailureKind::Timeout);
        delta.record(&run::sample(0, 10_000 + number, 900, never));
    }
    let increment = delta.to_snapshot();
    run.record.timeline.merge(&increment).expect("known names");
    run.verdict = brunt_verdict::judge(&run.record);
    run
}

#[test]
fn percentiles_without_a_response_are_bars_at_the_top() {
    let unanswered = unanswered();
    let Some(mut page) = opened("unanswered_row", &[unanswered.judged()], true) else {
        return;
    };
    let browser = &mut page.browser;
    click(browser, "tr[data-name='0'] .open");
    let times = "tr.detail figure:nth-of-type(2)";
    let never =
        format!("document.querySelector(\"{times}\").plot.spec.lines.map((line) => line.never)");
    assert_eq!(browser.ask(&never), json!([[10], [10], [3, 10]]));
    let explained = texts(browser, &format!("{times} .legend li:last-child"));
    assert_eq!(explained, ["bar at the top: no response"]);
    let cursor = format!(
        "(() => {{ const plot = document.querySelector(\"{times}\").plot; \
         plot.setCursor({{ left: plot.valToPos(10.5, 'x'), top: 20 }}); }})()"
    );
    browser.ask(&cursor);
    browser.settle();
    let now = texts(browser, &format!("{times} .now"));
    assert_eq!(now, ["no response"; 3]);
    click(browser, &format!("{times} summary"));
    let cells = texts(browser, &format!("{times} tbody tr:nth-child(11) td"));
    assert_eq!(cells, ["no response"; 3]);
    // The service time of requests without a response is unknown.
    click(browser, ".tools input[value='service']");
    assert_eq!(browser.ask(&never), json!([[], [], []]));
    assert_eq!(browser.complaints, Vec::<String>::new());
}
