//! Capacity of the load generator: the rate at which its threads send requests to a server that does almost nothing. It is
//! measured once per machine, in about a second and without any other load, and stored in the user's cache.
//!
//! The unit is requests per second of a thread's CPU time, so that neither a busy machine nor a slow server lowers it.
//! TLS, large bodies and checks cost more: the verdict uses only a part of the capacity.

mod cache;
mod loopback_server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_engine::{Clock, Engine, EngineEvent, NetworkOptions, Origins, Settings};
use brunt_record::{Command, Machine};
use brunt_scenario::{HttpVersion, Overrides, Plan, Scenario};

use crate::exit::print_note;
use crate::run::placement::Placement;
use crate::terminal::number_of;
use cache::{Cache, Key};
use loopback_server::LoopbackServer;

/// A short load with more arrivals than any thread can dispatch: a thread that is behind dispatches many at once, as it
/// does near its capacity.
const SCENARIO: &str = "[[users.u.tasks]]\nget = \"/\"\n\
    [profiles.p]\nrate = \"200000/s\"\nusers = 256\nduration = \"700ms\"\n";
/// Maximum wait for requests in flight.
const STOP_TIMEOUT: Duration = Duration::from_millis(100);
/// Maximum duration of the measurement.
const MEASURE_TIMEOUT: Duration = Duration::from_secs(4);
/// Minimum number of requests of a valid measurement.
const REQUESTS_MIN: u64 = 100;

/// Capacity of the threads of a run in requests per second, if it is known. An unknown capacity is measured only before a
/// search, since a search raises the load up to its limits.
pub(crate) fn capacity_rps(plan: &Plan, placement: &Placement, machine: &Machine) -> Option<f64> {
    let cache = Cache::of_user();
    let key = Key::new(&plan.network, placement, machine);
    let known = cache.as_ref().and_then(|cache| cache.find(&key));
    let per_thread = match known {
        Some(rps) => rps,
        None if plan.load.search.is_none() => return None,
        None => {
            let measured = measure(plan, placement);
            let rps = measured
                .inspect_err(|error| {
                    print_note(&format!(
                        "note: {error:#}; the search will not be capped at that capacity"
                    ));
                })
                .ok()?;
            if let Some(cache) = &cache {
                cache.store(key, rps);
            }
            rps
        }
    };
    Some(per_thread * placement.threads as f64)
}

/// Measures the number of requests that one thread sends per second of its CPU time.
fn measure(plan: &Plan, placement: &Placement) -> anyhow::Result<f64> {
    let context = "cannot measure the capacity of the load generator";
    // The server's choice of HTTP version is not known yet; HTTP/2 costs more.
    let speaks_http2 = plan.network.http != HttpVersion::Http1;
    let server = LoopbackServer::start(&placement.agent, speaks_http2).context(context)?;
    let scenario = Scenario::read("capacity", SCENARIO).context(context)?;
    let mut measured = Plan::new(&scenario, "p", &Overrides::default(), &[]).context(context)?;
    measured.network.connections = plan.network.connections;
    measured.network.streams = plan.network.streams;
    if speaks_http2 {
        measured.network.http = HttpVersion::Http2;
    }
    let options = NetworkOptions {
        lookup_timeout: MEASURE_TIMEOUT,
        ..NetworkOptions::default()
    };
    let target = Origins::resolve(server.url(), &measured.network, &options).context(context)?;
    let settings = Settings {
        cores: placement.own.clone(),
        stop_timeout: STOP_TIMEOUT,
        ..Settings::default()
    };
    let engine = Engine::start(
        &Arc::new(measured),
        &Arc::new(target),
        &settings,
        Clock::start(),
    )
    .context(context)?;
    let (requests, cpu_ms, seconds) = count(engine);
    anyhow::ensure!(
        requests >= REQUESTS_MIN,
        "{context}: only {} succeeded",
        number_of(requests, "request")
    );
    // If the kernel does not count the thread's CPU time, assume that it used all of the wall time.
    let cpu_s = match cpu_ms {
        0 => seconds,
        _ => cpu_ms as f64 / 1e3,
    };
    Ok(requests as f64 / cpu_s)
}

/// Returns the number of successful requests, the thread's CPU time in milliseconds, and the wall time in seconds.
fn count(mut engine: Engine) -> (u64, u64, f64) {
    let (mut requests, mut cpu_ms) = (0, 0);
    let started = Instant::now();
    loop {
        match engine.next_event(Duration::from_millis(50)) {
            EngineEvent::Increment(increment) => {
                for (_, second) in &increment.seconds {
                    requests += second.ok;
                    cpu_ms += second.cpu_ms;
                }
            }
            EngineEvent::Ended => break,
            EngineEvent::Timeout | EngineEvent::StopTest | EngineEvent::WorkerFailed(_)
                if started.elapsed() > MEASURE_TIMEOUT =>
            {
                engine.command(Command::Abort);
                break;
            }
            EngineEvent::Timeout | EngineEvent::StopTest | EngineEvent::WorkerFailed(_) => {}
        }
    }
    (requests, cpu_ms, started.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_is_measured_for_every_kind_of_connection() {
        for connections in [
            "\"per-user\"",
            "\"per-request\"",
            "{ shared = 3 }",
            "\"per-user\"\nhttp = \"2\"",
            "{ shared = 3, streams = 8 }\nhttp = \"auto\"",
        ] {
            let text = format!("connections = {connections}\n{SCENARIO}");
            let scenario = Scenario::read("p.toml", &text).unwrap();
            let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).unwrap();
            let placement = Placement {
                threads: 1,
                processes: 1,
                own: Vec::new(),
                agent: Vec::new(),
            };
            let rps = measure(&plan, &placement).unwrap();
            assert!(rps > 500.0, "{connections}: {rps}");
        }
    }
}
