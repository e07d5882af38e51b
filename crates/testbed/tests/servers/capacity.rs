//! Service times and stalls, in real time, by lower bounds that also hold on a loaded machine.

use std::thread;
use std::time::{Duration, Instant};

use brunt_testbed::queue_simulation::{Queue, ServiceDistribution};
use brunt_testbed::synthetic_series::Shape;
use brunt_testbed::{Behavior, MemoryGrowth, Response, Routes, Server, Service, Stall, wait_until};

use crate::client::{BOUND, Client};

#[test]
fn responses_are_sent_in_order() {
    let time = Duration::from_millis(20);
    for (servers, rounds) in [(1, 6), (2, 3), (6, 1)] {
        let service = Service {
            distribution: ServiceDistribution::Fixed {
                servers,
                time_s: time.as_secs_f64(),
            },
            seed: 0,
        };
        let routes = Routes::new().otherwise(Response::ok("a"));
        let server = Server::start(Behavior::from(routes).service(service)).unwrap();
        let started = Instant::now();
        let mut waits: Vec<Duration> = thread::scope(|scope| {
            let clients: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        assert_eq!(Client::connect(server.address()).get("/").0, 200);
                        started.elapsed()
                    })
                })
                .collect();
            clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .collect()
        });
        waits.sort_unstable();
        for (round, wait) in (1..=rounds).zip(waits.iter().step_by(servers)) {
            assert!(*wait >= time * round, "{servers} servers: {waits:?}");
        }
        assert_eq!(server.stop().responses[&200], 6);
    }
}

/// Sequential requests of one client: none waits for another, so that the seed alone determines how
/// long all of them take at least.
#[test]
fn each_distribution_takes_its_time_on_a_socket() {
    let mean_s = 0.004;
    let distributions = [
        ServiceDistribution::Exponential { servers: 2, mean_s },
        ServiceDistribution::Stuck {
            mean_s,
            stuck_s: 0.1,
            line_s: 0.0,
        },
        ServiceDistribution::Retrograde { mean_s, drag: 0.5 },
    ];
    for distribution in distributions {
        let service = Service {
            distribution,
            seed: 4,
        };
        let routes = Routes::new().otherwise(Response::ok("a"));
        let server = Server::start(Behavior::from(routes).service(service)).unwrap();
        let mut client = Client::connect(server.address());
        let started = Instant::now();
        (0..40).for_each(|_| assert_eq!(client.get("/").0, 200));
        let took_s = started.elapsed().as_secs_f64();
        let mut queue = Queue::new(service.distribution, service.seed);
        let expected_s = (0..40).fold(0.0, |at_s, _| queue.serve(at_s).done_s);
        assert!(
            took_s >= expected_s,
            "{distribution:?}: {took_s} s, {expected_s} s"
        );
        assert!(took_s < expected_s + BOUND.as_secs_f64());
        assert_eq!(server.stop().responses[&200], 40);
    }
}

#[test]
fn request_without_a_token_gets_503() {
    let distribution = ServiceDistribution::TokenBucket {
        per_s: 1e-9,
        burst: 7.0,
    };
    let routes = Routes::new().otherwise(Response::ok("a"));
    let service = Service {
        distribution,
        seed: 0,
    };
    let server = Server::start(Behavior::from(routes).service(service)).unwrap();
    let mut client = Client::connect(server.address());
    let found: Vec<u16> = (0..20).map(|_| client.get("/").0).collect();
    assert_eq!(found, [vec![200; 7], vec![503; 13]].concat());
    let counts = server.stop();
    assert_eq!((counts.responses[&200], counts.responses[&503]), (7, 13));
}

#[test]
fn stalled_queue_sends_no_response() {
    let distribution = ServiceDistribution::Stalls {
        mean_s: 1e-6,
        every_s: 3_600.0,
        stall_s: 0.3,
    };
    let before = Instant::now();
    let routes = Routes::new().otherwise(Response::ok("a"));
    let service = Service {
        distribution,
        seed: 0,
    };
    let server = Server::start(Behavior::from(routes).service(service)).unwrap();
    assert_eq!(server.first_request(), None);
    assert_eq!(Client::connect(server.address()).get("/").0, 200);
    assert!(before.elapsed().as_secs_f64() >= 0.3);
    assert!(server.first_request().unwrap() <= before.elapsed());
}

/// The anonymous memory of this process, which other tests change little.
fn anonymous_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

#[test]
fn ballast_is_resident() {
    const MANY: usize = 64 << 20;
    let before_kb = anonymous_kb();
    let is_there = || (anonymous_kb() > before_kb + (MANY as u64 >> 10) / 2).then_some(());
    let step = Shape::Step {
        height: MANY as f64,
        at_s: 0.0,
    };
    let server = Server::start(MemoryGrowth::OverTime(step)).unwrap();
    wait_until(BOUND, "memory by the time", is_there);
    drop(server);
    let server = Server::start(MemoryGrowth::PerRequest { bytes: MANY / 4 }).unwrap();
    let mut client = Client::connect(server.address());
    (0..4).for_each(|_| assert_eq!(client.get("/health/").0, 200));
    wait_until(BOUND, "memory by requests", is_there);
}

#[test]
fn nothing_is_sent_during_a_stall() {
    let stall = Stall {
        every: Duration::from_hours(1),
        freeze: Duration::from_millis(300),
        first: Duration::ZERO,
    };
    let before = Instant::now();
    let routes = Routes::new().otherwise(Response::ok("a"));
    let server = Server::start(Behavior::from(routes).stall(stall)).unwrap();
    let mut client = Client::connect(server.address());
    assert_eq!(client.get("/").0, 200);
    assert!(before.elapsed() >= stall.freeze);
    assert_eq!(server.stop().responses[&200], 1);
}
