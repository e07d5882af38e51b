//! Capacity of the load generator: how many requests per second its threads send to a server that does almost nothing.
//! It is measured once per machine, in about a second and without any other load, and kept in the user's cache.
//!
//! The unit is requests per second of a thread's CPU time, so that neither a busy machine nor a slow server lowers it.
//! TLS, large bodies and checks cost more: the verdict trusts only a part of the capacity.

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
use cache::{Cache, Key};
use loopback_server::LoopbackServer;

/// More arrivals than any thread makes, for a moment: a thread that is behind takes up many at once, as it
/// does near its ceiling.
const SCENARIO: &str = "[[users.u.tasks]]\nget = \"/\"\n\
    [profiles.p]\nrate = \"200000/s\"\nusers = 256\nduration = \"700ms\"\n";
/// Requests that are still in flight after this time are given up.
const STOP_TIMEOUT: Duration = Duration::from_millis(100);
/// Maximum duration of the measurement.
const MEASURE_TIMEOUT: Duration = Duration::from_secs(4);
/// Fewer requests than this are no measurement.
const REQUESTS_MIN: u64 = 100;

/// Capacity of the threads of a run in requests per second, if it is known. Before a search it is measured if it is not
/// known, since a search goes as high as it may.
pub(crate) fn capacity_rps(plan: &Plan, placement: &Placement, machine: &Machine) -> Option<f64> {
    let cache = Cache::of_the_user();
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
                        "note: {error:#}; the search has no upper bound from it"
                    ));
                })
                .ok()?;
            if let Some(cache) = &cache {
                cache.keep(key, rps);
            }
            rps
        }
    };
    Some(per_thread * placement.threads as f64)
}

/// Requests that one thread makes in a second of its CPU time.
fn measure(plan: &Plan, placement: &Placement) -> anyhow::Result<f64> {
    let what = "cannot measure the capacity of the load generator";
    // What a server picks is not known yet: HTTP/2 costs more.
    let speaks_http2 = plan.network.http != HttpVersion::Http1;
    let server = LoopbackServer::start(&placement.agent, speaks_http2).context(what)?;
    let scenario = Scenario::read("capacity", SCENARIO).context(what)?;
    let mut bare = Plan::new(&scenario, "p", &Overrides::default(), &[]).context(what)?;
    bare.network.connections = plan.network.connections;
    bare.network.streams = plan.network.streams;
    if speaks_http2 {
        bare.network.http = HttpVersion::Http2;
    }
    let reach = NetworkOptions {
        lookup_timeout: MEASURE_TIMEOUT,
        ..NetworkOptions::default()
    };
    let target = Origins::resolve(server.url(), &bare.network, &reach).context(what)?;
    let settings = Settings {
        cores: placement.own.clone(),
        stop_timeout: STOP_TIMEOUT,
        ..Settings::default()
    };
    let engine = Engine::start(
        &Arc::new(bare),
        &Arc::new(target),
        &settings,
        Clock::start(),
    )
    .context(what)?;
    let (requests, cpu_ms, seconds) = count(engine);
    anyhow::ensure!(
        requests >= REQUESTS_MIN,
        "{what}: it made {requests} requests"
    );
    // Where the kernel does not count the thread's time, all of it is believed to be its own.
    let cpu_s = match cpu_ms {
        0 => seconds,
        _ => cpu_ms as f64 / 1e3,
    };
    Ok(requests as f64 / cpu_s)
}

/// Requests that were answered, the thread's CPU time in milliseconds, and how long it took.
fn count(mut engine: Engine) -> (u64, u64, f64) {
    let (mut requests, mut cpu_ms) = (0, 0);
    let begun = Instant::now();
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
                if begun.elapsed() > MEASURE_TIMEOUT =>
            {
                engine.command(Command::Abort);
                break;
            }
            EngineEvent::Timeout | EngineEvent::StopTest | EngineEvent::WorkerFailed(_) => {}
        }
    }
    (requests, cpu_ms, begun.elapsed().as_secs_f64())
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
