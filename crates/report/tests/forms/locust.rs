//! Locust's CSV files.

use brunt_report::csv::locust;

use crate::run::known;

/// Headers of the files of Locust 2.47.0 (`locust --csv`).
const STATS: &str = "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,\
                     Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,\
                     50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%\r\n";
const HISTORY: &str = "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,\
                       99%,99.9%,99.99%,100%,Total Request Count,Total Failure Count,\
                       Total Median Response Time,Total Average Response Time,\
                       Total Min Response Time,Total Max Response Time,\
                       Total Average Content Size\r\n";
const FAILURES: &str = "Method,Name,Error,Occurrences,First Seen,Last Seen\r\n";
const EXCEPTIONS: &str = "Count,Message,Traceback,Nodes\r\n";

#[test]
fn locust_files_match_their_snapshots() {
    let run = known();
    insta::assert_snapshot!("locust_stats", locust::stats(&run.record));
    insta::assert_snapshot!("locust_history", locust::history(&run.record));
    insta::assert_snapshot!("locust_failures", locust::failures(&run.record));
}

#[test]
fn names_and_columns_are_those_of_locust() {
    let run = known();
    for (text, head) in [
        (locust::stats(&run.record), STATS),
        (locust::history(&run.record), HISTORY),
        (locust::failures(&run.record), FAILURES),
        (locust::exceptions(), EXCEPTIONS),
    ] {
        assert!(text.starts_with(head), "{text}");
    }
}

#[test]
fn last_row_of_the_history_equals_the_totals() {
    let run = known();
    let cells = |line: &str| -> Vec<String> { line.split(',').map(str::to_owned).collect() };
    let history = locust::history(&run.record);
    let last = cells(history.lines().last().unwrap());
    let stats = locust::stats(&run.record);
    let all = cells(stats.lines().last().unwrap());
    // Count, failures, median, average, minimum, maximum, size.
    assert_eq!(last[17..24], all[2..9], "{last:?} {all:?}");
    assert_eq!((all[1].as_str(), all[2].as_str()), ("Aggregated", "841"));
}
