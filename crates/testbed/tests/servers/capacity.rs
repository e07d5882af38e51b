//! Service times and freezes, in real time: by lower bounds, which a busy machine keeps, too.

use std::thread;
use std::time::{Duration, Instant};

use testbed::{Answer, Behaviour, Routes, Server, Service, ServiceTime, Stall};

use crate::client::Client;

#[test]
fn answers_leave_one_after_the_other() {
    let time = Duration::from_millis(20);
    for (servers, rounds) in [(1, 6), (2, 3), (6, 1)] {
        let service = Service {
            time: ServiceTime::Fixed(time),
            servers,
            seed: 0,
        };
        let routes = Routes::new().otherwise(Answer::ok("a"));
        let server = Server::start(Behaviour::from(routes).service(service)).unwrap();
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
        assert_eq!(server.stop().answers[&200], 6);
    }
}

#[test]
fn nothing_leaves_during_a_freeze() {
    let stall = Stall {
        every: Duration::from_hours(1),
        freeze: Duration::from_millis(300),
        first: Duration::ZERO,
    };
    let before = Instant::now();
    let routes = Routes::new().otherwise(Answer::ok("a"));
    let server = Server::start(Behaviour::from(routes).stall(stall)).unwrap();
    let mut client = Client::connect(server.address());
    assert_eq!(client.get("/").0, 200);
    assert!(before.elapsed() >= stall.freeze);
    assert_eq!(server.stop().answers[&200], 1);
}
