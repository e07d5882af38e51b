//! `testbed null`: the server with a fixed response, for benches.

use std::io::Read;
use std::net::SocketAddr;

use anyhow::Context;
use brunt_testbed::{NullHttp2Server, NullServer, TestCa};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::announce::announce;

/// Options of the server.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Use TLS 1.3, with a self-signed certificate for 127.0.0.1
    #[arg(long)]
    tls: bool,
    /// Use HTTP/2 with prior knowledge, without TLS
    #[arg(long, conflicts_with = "tls")]
    http2: bool,
    /// Listen at this address, without TLS [default: a free port of 127.0.0.1]
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with_all = ["tls", "http2"])]
    listen: Option<SocketAddr>,
}

/// Serves until standard input ends. Then prints the numbers of requests and connections, and the time of
/// the first request on the system's monotonic clock.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    raise_descriptors().context("cannot raise the limit of descriptors")?;
    if options.http2 {
        return run_http2();
    }
    let null = match options.listen {
        Some(address) => NullServer::start_at(address),
        None if options.tls => NullServer::start_tls(&TestCa::new().issue(&["127.0.0.1"])),
        None => NullServer::start(),
    };
    let null = null.context("cannot serve")?;
    announce(&null.url());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let first_request_ns = null.first_request_ns();
    let counts = null.stop()?;
    println!("requests {}", counts.requests);
    println!("connections {}", counts.connections);
    if let Some(first_ns) = first_request_ns {
        println!("first_request_ns {first_ns}");
    }
    Ok(())
}

fn run_http2() -> anyhow::Result<()> {
    let server = NullHttp2Server::start().context("cannot serve")?;
    announce(&server.url());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("requests {}", server.counts().requests);
    Ok(())
}

/// Raises the limit of open files to the maximum for this process.
fn raise_descriptors() -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}
