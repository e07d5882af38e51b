//! HTML page of the history, with links to the reports of runs.

use std::path::{Component, Path};

use brunt_report::RunHistory;

use crate::exit::Failure;
use crate::results::{self, WriteError};
use crate::terminal;

/// Writes the page, and prints its path.
pub(super) fn write(mut history: RunHistory, file: &Path) -> Result<(), Failure> {
    let input_error = |error: WriteError| Failure::Input(error.to_string());
    let folder = results::folder_for(file).map_err(input_error)?;
    for run in &mut history.runs {
        // A report may have been deleted: the point of its run then has no link.
        let report = run.report.take();
        let report = report.and_then(|report| Path::new(&report).canonicalize().ok());
        run.report = report.map(|report| link(&folder, &report));
    }
    results::write(file, &brunt_report::html_of_history(&history)).map_err(input_error)?;
    terminal::print(&format!("\nPage: {}\n", file.display()));
    Ok(())
}

/// Relative link from a directory to a file; both paths are absolute.
fn link(folder: &Path, to: &Path) -> String {
    let from: Vec<Component> = folder.components().collect();
    let to: Vec<Component> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter();
    let down = down.map(|part| percent_encode(part.as_os_str().as_encoded_bytes()));
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// Percent-encodes a path segment, except unreserved characters (RFC 3986, section 2.3).
fn percent_encode(name: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.iter().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_is_relative_and_percent_encoded() {
        let cases = [
            (
                "/home/performance/reports",
                "/home/performance/reports/a.html",
                "a.html",
            ),
            (
                "/home/performance/reports",
                "/home/out/report.html",
                "../../out/report.html",
            ),
            (
                "/home",
                "/home/performance/a b?.html",
                "performance/a%20b%3F.html",
            ),
            ("/one", "/two/ä.html", "../two/%C3%A4.html"),
            ("/one", "/one/javascript:x", "javascript%3Ax"),
        ];
        for (folder, to, expected) in cases {
            assert_eq!(link(Path::new(folder), Path::new(to)), expected);
        }
    }
}
