//! The testbed's servers as processes of their own, so that they can be pinned to a core and watched by
//! their id. Each prints where it serves, and ends when its standard input does.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool: its output is its work"
)]

mod agent;
mod announce;
mod client;
mod null;
mod quantity;
mod serve;
mod timer;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(bin_name = "testbed", about = "Servers with a known truth")]
enum Verb {
    /// A server of a known law; at its end it says what it saw
    Serve(serve::Options),
    /// The Application Agent, with a fault where one is named
    Agent(agent::Options),
    /// The server that does next to nothing
    Null(null::Options),
    /// No server: a bare loop of one request
    Client(client::Options),
    /// No server: a bare loop over a timer, which says how late it was
    Timer(timer::Options),
}

fn main() -> ExitCode {
    let result = match Verb::parse() {
        Verb::Serve(options) => serve::run(&options),
        Verb::Agent(options) => agent::run(&options),
        Verb::Null(options) => null::run(&options),
        Verb::Client(options) => client::run(&options),
        Verb::Timer(options) => timer::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
