//! End-to-end tests of the binary, with the Application Agent and with servers of known behavior.

mod baselines;
mod brunt;
mod ci_output;
mod client_side;
mod commands;
mod compare;
mod demo_service;
mod full_disk;
mod generator_capacity;
mod history;
mod hosts;
mod import;
mod interrupt_scenes;
mod live_export;
mod otlp_collector;
mod out_directory;
mod report;
mod searches;
mod servers;
mod signals;
mod small_disk;
mod smoke_test;
mod states;
mod stopping;
mod terminal;
mod worker_processes;
