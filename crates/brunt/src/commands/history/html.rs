//! The page of the history: where it goes, and how it leads to the runs' reports.

use std::path::{Component, Path};

use brunt_report::RunHistory;

use crate::exit::Failure;
use crate::results::{self, WriteError};
use crate::terminal;

/// Writes the page, and says where it is.
pub(super) fn write(mut history: RunHistory, file: &Path) -> Result<(), Failure> {
    let wrong = |error: WriteError| Failure::Input(error.to_string());
    let folder = results::folder_for(file).map_err(wrong)?;
    for run in &mut history.runs {
        // A report that was removed is no error: its run is a dot that leads nowhere.
        let report = run.report.take();
        let report = report.and_then(|report| Path::new(&report).canonicalize().ok());
        run.report = report.map(|report| link(&folder, &report));
    }
    results::write(file, &brunt_report::html_of_history(&history)).map_err(wrong)?;
    terminal::print(&format!("\nPage: {}\n", file.display()));
    Ok(())
}

/// The way from a folder to a file, both whole paths, as a relative link.
fn link(folder: &Path, to: &Path) -> String {
    let from: Vec<Component> = folder.components().collect();
    let to: Vec<Component> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter();
    let down = down.map(|part| escaped(part.as_os_str().as_encoded_bytes()));
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// A name as a part of a link (RFC 3986: what is not unreserved is escaped).
fn escaped(name: &[u8]) -> String {
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
    fn a_link_leads_from_the_page_to_the_report() {
        let cases = [
            (
                "/work/performance/reports",
                "/work/performance/reports/a.html",
                "a.html",
            ),
            (
                "/work/performance/reports",
                "/work/out/report.html",
                "../../out/report.html",
            ),
            (
                "/work",
                "/work/performance/a b?.html",
                "performance/a%20b%3F.html",
            ),
            ("/one", "/two/ä.html", "../two/%C3%A4.html"),
            ("/one", "/one/javascript:x", "javascript%3Ax"),
        ];
        for (folder, to, wanted) in cases {
            assert_eq!(link(Path::new(folder), Path::new(to)), wanted);
        }
    }
}
