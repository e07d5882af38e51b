//! The HTML report.

use report::html;
use serde_json::Value;

use crate::run::known;

fn page() -> String {
    html(&[known().judged()])
}

#[test]
fn the_verdict_comes_first_and_every_part_is_there() {
    let page = page();
    let run = known();
    let mut from = 0;
    for part in [
        run.verdict
            .sentence
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .as_str(),
        "<h2>Targets</h2>",
        "<h2>Over time</h2>",
        "<h2>Requests</h2>",
        "<h3>Set-up</h3>",
        "<h2>Failures</h2>",
        "<h2>Settings</h2>",
    ] {
        let at = page[from..]
            .find(part)
            .unwrap_or_else(|| panic!("{part} is missing or out of order"));
        from += at;
    }
}

#[test]
fn nothing_is_fetched_and_nothing_hostile_runs() {
    let page = page();
    assert!(page.contains("Content-Security-Policy") && page.contains("default-src 'none'"));
    for fetch in [
        "src=\"http",
        "href=\"http",
        "@import",
        "url(http",
        "<link",
        "<img",
        "<iframe",
    ] {
        assert!(!page.contains(fetch), "{fetch}");
    }
    assert!(
        !page.contains("<script>alert(1)"),
        "a name of a request runs as a script"
    );
    assert!(page.contains("&lt;script&gt;alert(1)"));
    assert!(!page.contains("status <b>"));
}

#[test]
fn a_second_without_answers_is_a_zero_and_a_gap() {
    let page = page();
    let data = page.split("type=\"application/json\"").nth(1).unwrap();
    let data = data
        .split_once('>')
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        (&data["ok"][5], &data["p99"][5]),
        (&Value::from(0), &Value::Null)
    );
    assert!(
        data["p99"][4].as_f64() > Some(5_000.0),
        "the stall stands where users met it"
    );
    assert_eq!(data["cpu_target"][0], Value::Null);
}

#[test]
fn a_page_without_much_data_is_small() {
    assert!(page().len() < 150_000, "{} bytes", page().len());
}
