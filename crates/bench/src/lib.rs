//! Benchmarks and validation of brunt's release build.
//!
//! - [`peers`] compares it with other load generators and writes `docs/benchmarks.md`.
//! - [`instructions`] counts the instructions of the hot path with callgrind, which shows smaller changes than a clock.
//! - [`sockets`] runs it against servers whose behavior is known and writes `docs/validation-sockets.md`.
//!
//! `cargo xtask bench` and `cargo xtask validate --sockets` call them.

#![expect(
    clippy::print_stdout,
    reason = "a command-line tool prints its results"
)]

pub mod apt;
pub mod command;
pub mod instructions;
pub mod machine;
pub mod peers;
pub mod sockets;

mod page;
mod release;
