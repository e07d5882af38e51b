//! Faults on purpose: what brunt promises while it, its workers, its service, its files and the calls of the system
//! fail. `cargo xtask torture` runs the long form and writes `docs/robustness.md`.

#[path = "../cli/brunt.rs"]
#[allow(dead_code, reason = "shared with the tests of the command line")]
mod brunt;
mod kills;
mod limits;
mod records;
mod system_calls;
mod trials;
