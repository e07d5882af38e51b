//! Programs that run brunt as it ships and measure it.
//!
//! - [`peers`] compares it with other load generators and writes `docs/benchmarks.md`.
//! - [`instructions`] counts the instructions of the hot path by callgrind, which shows changes that no clock shows.
//! - [`sockets`] runs it against servers whose truth is known and writes `docs/validation-sockets.md`.
//!
//! `cargo xtask bench` and `cargo xtask validate --sockets` call them.

#![expect(
    clippy::print_stdout,
    reason = "for a command line tool: its output is its work"
)]

pub mod apt;
pub mod command;
pub mod instructions;
pub mod machine;
pub mod peers;
pub mod sockets;

mod page;
mod release;
