//! The generator's own ceiling: how many requests a second its threads make of a server that does nothing.
//! Measured once a machine, in about a second, and kept in the user's cache; no other load is beside it.
//!
//! It is counted in requests per second of a thread's CPU time, so that neither a busy machine nor a slow
//! responder makes it less than it is. TLS, large bodies and checks cost more: what is trusted is a part
//! of it, which is left to the verdict.

mod cache;
mod loopback_server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_engine::{Clock, Engine, EngineEvent, NetworkOptions, Origins, Settings};
use brunt_record::{Command, Machine};
use brunt_scenario::{HttpVersion, Overrides, Plan, Scenario};

use crate::exit::note;
use crate::run::placement::Placement;
use cache::{Cache, Key};
use loopback_server::Responder;

/// More arrivals than any thread makes, for a moment: a thread that is behind takes up many at once, as it
/// does near its ceiling.
const SCENARIO: &str = "[[users.u.tasks]]\nget = \"/\"\n\
    [profiles.p]\nrate = \"200000/s\"\nusers = 256\nduration = \"700ms\"\n";
/// What is not made by then is given up.
const STOP_TIMEOUT: Duration = Duration::from_millis(100);
/// Whatever happens, it is over after so long.
const AT_MOST: Duration = Duration::from_secs(4);
/// Fewer requests than this tell nothing.
const REQUESTS_MIN: u64 = 100;

/// What the threads of a run can make, in requests a second, where it is known. Before a search it is
/// measured where it is not: a search goes as high as it is let.
pub(crate) fn of(plan: &Plan, placement: &Placement, machine: &Machine) -> Option<f64> {
    let cache = Cache::of_the_user();
    let key = Key::new(&plan.network, placement, machine);
    let known = cache.as_ref().and_then(|cache| cache.find(&key));
    let a_thread = match known {
        Some(rps) => rps,
        None if plan.load.search.is_none() => return None,
        None => {
            let measured = measure(plan, placement);
            let rps = measured
                .inspect_err(|error| {
                    note(&format!("note: {error:#}; the search has no such bound"));
                })
                .ok()?;
            if let Some(cache) = &cache {
                cache.keep(key, rps);
            }
            rps
        }
    };
    Some(a_thread * placement.threads as f64)
}

/// Requests that one thread makes in a second of its CPU time.
fn measure(plan: &Plan, placement: &Placement) -> anyhow::Result<f64> {
    let what = "cannot measure what brunt itself can make";
    // What a server picks is not known yet: HTTP/2 costs more.
    let speaks_http2 = plan.network.http != HttpVersion::Http1;
    let responder = Responder::start(&placement.agent, speaks_http2).context(what)?;
    let scenario = Scenario::read("ceiling", SCENARIO).context(what)?;
    let mut bare = Plan::new(&scenario, "p", &Overrides::default(), &[]).context(what)?;
    bare.network.connections = plan.network.connections;
    bare.network.streams = plan.network.streams;
    if speaks_http2 {
        bare.network.http = HttpVersion::Http2;
    }
    let reach = NetworkOptions {
        lookup_timeout: AT_MOST,
        ..NetworkOptions::default()
    };
    let target = Origins::resolve(responder.url(), &bare.network, &reach).context(what)?;
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
                if begun.elapsed() > AT_MOST =>
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
    fn a_thread_makes_requests_of_every_kind_of_connection() {
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
