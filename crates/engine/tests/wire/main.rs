//! The engine against servers with a known truth: what it says happened is what the server saw.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

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
