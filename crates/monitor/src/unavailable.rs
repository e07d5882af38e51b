//! Descriptions of unavailable data, with the file that would contain it and the error of the kernel.

use std::fs;
use std::path::Path;

/// Describes data that is unavailable.
pub(crate) fn describe(what: &str, file: &Path) -> String {
    let shown = file.display();
    let error = if file.is_dir() {
        fs::read_dir(file).err()
    } else {
        fs::read(file).err()
    };
    match error {
        Some(error) => format!("{what} ({shown}: {error})"),
        None => format!("{what} ({shown} does not contain it)"),
    }
}
