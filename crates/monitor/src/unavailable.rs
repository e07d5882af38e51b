//! What cannot be seen, said with the file that would tell it and what the kernel says of that file.

use std::fs;
use std::path::Path;

/// That something cannot be seen.
pub(crate) fn describe(what: &str, file: &Path) -> String {
    let shown = file.display();
    let trouble = if file.is_dir() {
        fs::read_dir(file).err()
    } else {
        fs::read(file).err()
    };
    match trouble {
        Some(error) => format!("{what} ({shown}: {error})"),
        None => format!("{what} ({shown} does not tell)"),
    }
}
