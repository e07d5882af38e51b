//! Tests of the engine against servers that count: the run record must match what the server counted.

#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

mod bodies;
mod connections;
mod ending;
mod faults;
mod http2;
mod large_json;
mod octets;
mod open;
mod pools;
#[path = "../recording/mod.rs"]
mod recording;
mod responses;
mod rows;
mod seed;
mod steering;
mod steps;
#[path = "../test_run/mod.rs"]
mod test_run;
mod tls;

use test_run::{TestRun, failures, stop, total};
