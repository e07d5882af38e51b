//! Every form in which a run is reported, for the fuzzer and for the tests that damage records.

use record::RunRecord;
use report::csv::{self, locust};
use report::{Checks, Judged, UNBOUNDED};
use verdict::FailOn;

/// Judges a run and renders it in every form.
pub(crate) fn every_form(record: &RunRecord) -> [String; 14] {
    let verdict = verdict::judge(record);
    let run = Judged {
        record,
        verdict: &verdict,
        exit_code: 0,
    };
    let checks = [Checks::of_run(&run, FailOn::Poor)];
    [
        report::terminal(&run, 80, true),
        report::terminal(&run, UNBOUNDED, false),
        report::summary_json(&run),
        report::html(&[run]),
        report::markdown(&run, None),
        report::junit(&checks),
        report::github(&checks),
        csv::requests(record),
        csv::timeline(record),
        csv::failures(record),
        csv::resources(record),
        locust::stats(record),
        locust::history(record),
        locust::failures(record),
    ]
}
