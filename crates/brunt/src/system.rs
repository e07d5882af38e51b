//! Operating system: processes, signals, files, limits, and brunt's own HTTP client.

pub(crate) mod child_processes;
pub(crate) mod demo_service;
pub(crate) mod environment;
pub(crate) mod git;
pub(crate) mod http_client;
pub(crate) mod input_file;
pub(crate) mod interrupts;
pub(crate) mod preflight;
