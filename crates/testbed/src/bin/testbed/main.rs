//! The testbed's servers in processes of their own, so that they can be pinned to a core and monitored by
//! their id. Each prints its URL, and ends when its standard input does.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the URL and the counts are the output of this program"
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
enum Command {
    /// Serve with known service times; print the counts at the end
    Serve(serve::Options),
    /// Serve the Application Agent, optionally with a fault
    Agent(agent::Options),
    /// Serve a fixed response with as little work as possible
    Null(null::Options),
    /// Send one request per connection in a minimal loop
    Client(client::Options),
    /// Wait for a timer in a minimal loop; print the delays at the end
    Timer(timer::Options),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Serve(options) => serve::run(&options),
        Command::Agent(options) => agent::run(&options),
        Command::Null(options) => null::run(&options),
        Command::Client(options) => client::run(&options),
        Command::Timer(options) => timer::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
