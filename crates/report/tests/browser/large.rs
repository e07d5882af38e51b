//! Large runs: an hour of twelve names, and a thousand names.

use brunt_record::{NameId, RequestName, RunRecord, Sample, SecondRecorder};
use brunt_report::{Judged, html};

use crate::opened;
use crate::run::known;
use crate::use_of::{click, texts};

/// A run of a number of names and seconds, each name once in `apart` seconds and up to 8 times in one.
pub(crate) fn large(names: u32, seconds: u32, apart: u32) -> RunRecord {
    let mut header = known().record.header;
    header.names = (0..names)
        .map(|at| RequestName {
            name: format!("/products/{at}/details"),
            method: "GET".into(),
            setup: false,
            kind: brunt_record::NameKind::Request,
        })
        .collect();
    header.load.stages[0].seconds = f64::from(seconds);
    let mut record = RunRecord::new(header);
    let reading = known().record.readings.get(5).expect("a reading");
    let mut delta = SecondRecorder::new(&record.header.names);
    let mut chance = 7u64;
    for second in 0..seconds {
        delta.counts_mut().users = Some(500);
        for name in (0..names).filter(|name| (name + second) % apart == 0) {
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            for number in 0..=(chance >> 61) {
                delta.record(&sample(name, second, number, chance >> 33));
            }
        }
        record
            .timeline
            .merge(&delta.to_snapshot())
            .expect("known names");
        delta.start(second + 1);
        let mut reading = reading.clone();
        reading.at_ms = u64::from(second + 1) * 1000;
        record.readings.push(&reading);
    }
    record
}

fn sample(name: u32, second: u32, number: u64, chance: u64) -> Sample {
    let intended_ns = u64::from(second) * 1_000_000_000 + number * 10_000_000;
    let took_ns = 1_000_000 + (chance.wrapping_mul(number + 3) % 90_000_000);
    let done_ns = (intended_ns + took_ns).min(u64::from(second) * 1_000_000_000 + 999_999_999);
    Sample {
        name: NameId(name),
        intended_ns,
        dispatched_ns: intended_ns + 40_000,
        sent_ns: Some(intended_ns + 60_000),
        first_byte_ns: Some(done_ns - 1_000),
        done_ns,
        connect_ns: None,
        tls_ns: None,
        generator_stall_ns: 0,
        failure: None,
        wire_requests: 1,
        bytes_sent: 100,
        bytes_received: 250,
    }
}

#[test]
fn report_of_an_hour_with_twelve_names_is_under_two_megabytes() {
    let record = large(12, 3600, 1);
    // The findings are irrelevant here.
    let verdict = brunt_verdict::judge(&RunRecord::new(record.header.clone()));
    let page = html(&[Judged {
        record: &record,
        verdict: &verdict,
        exit_code: 0,
    }]);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(
        page.len() > 300_000,
        "{} bytes: the hour is there",
        page.len()
    );
}

#[test]
fn report_of_an_hour_with_a_thousand_names_stays_usable() {
    let record = large(1000, 3600, 60);
    // The findings are irrelevant here.
    let verdict = brunt_verdict::judge(&RunRecord::new(record.header.clone()));
    let run = Judged {
        record: &record,
        verdict: &verdict,
        exit_code: 0,
    };
    let Some(mut page) = opened("a_thousand_names", &[run], true) else {
        return;
    };
    let size = std::fs::metadata(&page.file).expect("a file").len();
    assert!(size < 4_000_000, "{size} bytes");
    let browser = &mut page.browser;
    let first =
        "document.querySelector('table[data-requests] tbody tr[data-name] code').textContent";
    browser.ask("document.querySelector('table[data-requests] .sort').click()");
    assert_eq!(browser.ask(first), "/products/0/details");
    browser.ask("document.querySelector('table[data-requests] .sort').click()");
    assert_eq!(browser.ask(first), "/products/999/details");
    browser.ask("(() => { const of = document.querySelector('.filter input'); of.value = '99'; of.dispatchEvent(new Event('input')); })()");
    assert_eq!(texts(browser, ".bar .found"), ["19 of 1000"]);
    click(browser, "table[data-requests] .open");
    let found = browser.ask(
        "[document.querySelectorAll('table[data-requests] tbody tr[data-name]').length, \
          document.querySelectorAll('tr.detail canvas').length, \
          document.querySelector('table[data-requests]').parentElement.clientHeight < innerHeight]",
    );
    assert_eq!(found, serde_json::json!([1000, 3, true]));
    browser.point("tr.detail figure:nth-of-type(2) .u-over", 0.1);
    browser.settle();
    // Parts of a hundred seconds; three fifths along the hour.
    assert_eq!(texts(browser, ".tools .at"), ["at 35:00–36:40"]);
    assert!(texts(browser, "tr.detail .now")[2].ends_with(" ms"));
    let users = "figure[data-chart='users'] .now";
    assert_eq!(texts(browser, users)[1], "500", "of all charts");
    assert_eq!(browser.complaints, Vec::<String>::new());
}
