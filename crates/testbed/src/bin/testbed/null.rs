//! `testbed null`: a server that does next to nothing, for benches.

use std::io::Read;

use anyhow::Context;
use testbed::{Null, NullHttp2};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Speak HTTP/2 in the clear, to clients that know it beforehand
    #[arg(long)]
    http2: bool,
}

/// Serves until standard input ends; then says how many requests there were.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let requests = if options.http2 {
        let server = NullHttp2::start().context("cannot serve")?;
        crate::announce(&server.url());
        std::io::stdin().read_to_end(&mut Vec::new())?;
        server.counts().requests
    } else {
        let server = Null::start().context("cannot serve")?;
        crate::announce(&server.url());
        std::io::stdin().read_to_end(&mut Vec::new())?;
        server.stop()?.requests
    };
    println!("requests {requests}");
    Ok(())
}
