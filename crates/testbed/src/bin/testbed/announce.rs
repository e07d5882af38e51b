//! The first line that each server prints, which tests and benches read.

/// Prints the URL of a server and the id of this process.
pub(crate) fn announce(url: &str) {
    println!("serving at {url} pid {}", std::process::id());
}
