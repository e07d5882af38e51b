//! Tests of the engine against servers that count: the run record must match what the server counted.

#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

mod answers;
mod bodies;
mod connections;
mod ending;
mod faults;
mod http2;
mod large_json;
mod open;
#[path = "../play/mod.rs"]
mod play;
mod pools;
mod seed;
mod steering;
mod steps;
mod tls;

use play::{Play, failures, stop, total};
