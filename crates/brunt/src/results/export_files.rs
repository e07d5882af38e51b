//! Forms of a run that are several files.

use std::path::Path;

use brunt_record::RunRecord;
use brunt_report::csv::{self, locust};

use crate::results::{self, WriteError};

/// brunt's own CSV files of a run, with their names.
pub(crate) fn csv_files(record: &RunRecord) -> [(&'static str, String); 4] {
    [
        ("requests.csv", csv::requests(record)),
        ("timeline.csv", csv::timeline(record)),
        ("failures.csv", csv::failures(record)),
        ("resources.csv", csv::resources(record)),
    ]
}

/// Writes the four files that Locust would have written.
pub(crate) fn write_locust(record: &RunRecord, prefix: &Path) -> Result<(), WriteError> {
    let files = [
        ("_stats.csv", locust::stats(record)),
        ("_stats_history.csv", locust::history(record)),
        ("_failures.csv", locust::failures(record)),
        ("_exceptions.csv", locust::exceptions()),
    ];
    for (ending, text) in files {
        let mut file = prefix.as_os_str().to_owned();
        file.push(ending);
        results::write_at(Path::new(&file), &text)?;
    }
    Ok(())
}
