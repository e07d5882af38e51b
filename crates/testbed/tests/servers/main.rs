//! Behavior and counts of each server, observed by clients with plain sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod binary;
mod capacity;
mod client;
mod counting;
mod faults;
mod framing;
mod keep_alive;
mod null;
mod ports;
mod processes;
