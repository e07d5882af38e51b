//! `testbed serve`: a server with known service times and known growth of memory.

use std::io::Read;

use anyhow::Context;
use brunt_testbed::queue_simulation::ServiceDistribution;
use brunt_testbed::synthetic_series::Shape;
use brunt_testbed::{Behavior, MemoryGrowth, Response, Routes, Server, Service};

use crate::announce::announce;
use crate::quantity::{PerTime, bytes, per_time};

/// Options of the server; it responds to every path alike.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Use these service times, such as mm1:1000 or stalls:5000,10,2
    #[arg(long)]
    service: Option<ServiceDistribution>,
    /// Seed of the service times
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leak memory over time, such as 2MB/min
    #[arg(long, value_name = "BYTES/TIME", value_parser = per_time, group = "memory")]
    leak: Option<PerTime>,
    /// Leak memory with each request, such as 4KiB
    #[arg(long, value_name = "BYTES", value_parser = bytes, group = "memory")]
    leak_each: Option<u64>,
    /// Fill a cache of this size, 63 % of it after this time, such as 20MB/60s
    #[arg(long, value_name = "BYTES/TIME", value_parser = per_time, group = "memory")]
    cache: Option<PerTime>,
}

impl Options {
    fn memory(&self) -> anyhow::Result<Option<MemoryGrowth>> {
        let over_time = |shape| Ok(Some(MemoryGrowth::OverTime(shape)));
        match (self.leak, self.leak_each, self.cache) {
            (Some(leak), ..) => over_time(Shape::Leak {
                slope: leak.bytes / leak.seconds,
            }),
            (_, Some(bytes), _) => Ok(Some(MemoryGrowth::PerRequest {
                bytes: usize::try_from(bytes).context("the size exceeds the address space")?,
            })),
            (.., Some(cache)) => over_time(Shape::Cache {
                size: cache.bytes,
                tau_s: cache.seconds,
            }),
            _ => Ok(None),
        }
    }
}

/// Serves until standard input ends. Then prints the number of requests, the number of failed ones, and the time of
/// the first one since the start of the server.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let routes = Routes::new().otherwise(Response::ok("served\n"));
    let mut behavior = Behavior::from(routes);
    if let Some(service) = options.service {
        let seed = options.seed;
        behavior = behavior.service(Service {
            distribution: service,
            seed,
        });
    }
    if let Some(memory) = options.memory()? {
        behavior = behavior.memory(memory);
    }
    let server = Server::start(behavior).context("cannot serve")?;
    announce(&server.url());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let first_request = server.first_request();
    let counts = server.stop();
    println!("requests {}", counts.requests);
    println!("failed {}", counts.responses.get(&503).unwrap_or(&0));
    if let Some(after) = first_request {
        println!("first_request_s {:.9}", after.as_secs_f64());
    }
    Ok(())
}
