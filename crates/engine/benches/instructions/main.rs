//! Pieces of the hot path, each so many times over, for `cargo xtask bench instructions`: it runs a piece under
//! callgrind with two counts, and what the second took more is what the piece takes, without the preparations.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool: its output is its work"
)]

mod answers;
mod moments;
mod requests;
mod samples;

use std::process::ExitCode;

/// Does its piece so many times.
type Piece = fn(u64);

const PIECES: [(&str, Piece); 12] = [
    ("render: a POST of three draws", requests::three_draws),
    ("render: a POST of numbers", requests::numbers),
    ("frame: a GET", requests::get),
    ("parse: 128 bytes", answers::small),
    ("parse: chunked", answers::chunked),
    ("HTTP/2: a request and its answer", answers::by_http2),
    (
        "look: a check and an extraction of JSON",
        answers::looked_into,
    ),
    ("record: a sample", samples::one),
    ("record: hand over a second of 1,000", samples::second),
    ("schedule: an arrival", moments::arrival),
    ("schedule: a wait", moments::wait),
    ("schedule: a task", moments::task),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, count] = &arguments[..] else {
        // `cargo bench` comes here, too.
        PIECES.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let piece = PIECES.iter().find(|(known, _)| known == name);
    let (Some((_, piece)), Ok(count)) = (piece, count.parse()) else {
        eprintln!("error: give the name of a piece and a count");
        return ExitCode::FAILURE;
    };
    piece(count);
    ExitCode::SUCCESS
}
