//! The null server as a process of its own, for benches: `testbed-null [ADDRESS]`. It prints its URL, serves
//! until its standard input ends, and prints what it saw.

use std::error::Error;
use std::io::{self, Write};

use testbed::Null;

fn main() -> Result<(), Box<dyn Error>> {
    let server = match std::env::args().nth(1) {
        Some(address) => Null::start_at(address.parse()?)?,
        None => Null::start()?,
    };
    let mut out = io::stdout();
    writeln!(out, "{}", server.url())?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    let counts = server.stop()?;
    writeln!(
        out,
        "{} requests over {} connections",
        counts.requests, counts.connections
    )?;
    Ok(())
}
