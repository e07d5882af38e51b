//! Benchmarks of parts of the hot path, for `cargo xtask bench instructions`. It runs each under callgrind with two
//! iteration counts and reports the difference per iteration, so that the set-up does not count.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the names of the benchmarks and errors are the output of this program"
)]

mod requests;
mod responses;
mod samples;
mod schedule;

use std::process::ExitCode;

/// Runs a benchmark for a number of iterations.
type Benchmark = fn(u64);

const BENCHMARKS: [(&str, Benchmark); 12] = [
    (
        "render: POST with three random values",
        requests::three_draws,
    ),
    ("render: POST with numbers", requests::numbers),
    ("render: GET", requests::get),
    ("parse: small response", responses::small),
    ("parse: chunked response", responses::chunked),
    ("HTTP/2: request and response", responses::http2),
    ("check: JSON check and extraction", responses::json_check),
    ("record: sample", samples::one),
    (
        "record: hand over a second of 1,000 samples",
        samples::second,
    ),
    ("schedule: arrival", schedule::arrival),
    ("schedule: wait", schedule::wait),
    ("schedule: task", schedule::task),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, count] = &arguments[..] else {
        // Without arguments, as in `cargo bench`, it lists the benchmarks.
        BENCHMARKS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let benchmark = BENCHMARKS.iter().find(|(known, _)| known == name);
    let (Some((_, benchmark)), Ok(count)) = (benchmark, count.parse()) else {
        eprintln!("error: give the name of a benchmark and a number of iterations");
        return ExitCode::FAILURE;
    };
    benchmark(count);
    ExitCode::SUCCESS
}
