//! All forms of a run's report, for the fuzz targets and for the tests that damage records.

use brunt_record::RunRecord;
use brunt_report::csv::{self, locust};
use brunt_report::{Checks, Judged, UNBOUNDED};
use brunt_verdict::FailOn;

/// Computes the verdict of a run and renders its report in every form.
pub(crate) fn every_form(record: &RunRecord) -> [String; 14] {
    let verdict = brunt_verdict::judge(record);
    let run = Judged {
        record,
        verdict: &verdict,
        exit_code: 0,
    };
    let checks = [Checks::of_run(&run, FailOn::Poor)];
    [
        brunt_report::terminal(&run, 80, true),
        brunt_report::terminal(&run, UNBOUNDED, false),
        brunt_report::summary_json(&run),
        brunt_report::html(&[run]),
        brunt_report::markdown(&run, None),
        brunt_report::junit(&checks),
        brunt_report::github(&checks),
        csv::requests(record),
        csv::timeline(record),
        csv::failures(record),
        csv::resources(record),
        locust::stats(record),
        locust::history(record),
        locust::failures(record),
    ]
}
