//! Input files: regular files of bounded size, which can neither block brunt nor fill its memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Maximum size of a text: a scenario, an include, a baseline.
const TEXT_BYTES_MAX: u64 = 64 << 20;

/// Opens a regular file: a FIFO could block, and a device could be endless.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    File::open(path)
}

/// Reads the text of a regular file.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    bounded_text(open(path)?)
}

/// Reads a text from any source, such as the FIFO of the shell's `<(…)`.
pub(crate) fn bounded_text(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        let mib = TEXT_BYTES_MAX >> 20;
        return Err(io::Error::other(format!("larger than {mib} MiB")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_bounded_size_are_read() {
        let device = text(Path::new("/dev/zero")).unwrap_err().to_string();
        assert_eq!(device, "not a regular file");
        let folder = tempfile::tempdir().unwrap();
        assert!(text(folder.path()).is_err());
        let endless = bounded_text(io::repeat(b'#')).unwrap_err().to_string();
        assert_eq!(endless, "larger than 64 MiB");
        let file = folder.path().join("a");
        std::fs::write(&file, "x = 1").unwrap();
        assert_eq!(text(&file).unwrap(), "x = 1");
    }
}
