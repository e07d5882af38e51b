//! SIGKILL at a random time: the record is readable up to the kill.

use std::time::{Duration, Instant};

use brunt_testbed::Server;
use rand::RngExt;
use rustix::process::Signal;

use crate::brunt::{Brunt, Running, children};
use crate::loads;
use crate::trials::Promise;

/// Targets that a complete run meets.
const TARGETS: &str = "[verdict]\nmin_duration = \"2s\"\n[targets]\np50 = { critical = \"10s\" }\n";

/// Process to kill.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Brunt,
    Worker,
}

#[test]
fn record_of_a_killed_run_is_readable_up_to_the_last_second() {
    let promise = Promise {
        says: "the record of a killed run is readable up to the kill",
        how: "kill −9 of brunt at a random moment of a run of 4 s, then `brunt report` of its record",
        short: 6,
        long: 200,
        bound: Duration::from_mins(6),
    };
    promise.hold(|_, random| {
        let after = Duration::from_millis(random.random_range(300..4_500));
        let (brunt, _server, lived) = killed(Victim::Brunt, after)?;
        let bytes = match std::fs::read(brunt.path("out/record.brunt")) {
            Ok(bytes) => bytes,
            // brunt had not written the record yet.
            Err(_) if lived < Duration::from_secs(2) => return Ok(()),
            Err(error) => return Err(format!("after {lived:?}: no record: {error}")),
        };
        let record = match brunt_record::file::read(bytes.as_slice()) {
            Ok(record) => record,
            Err(_) if lived < Duration::from_secs(2) => return Ok(()),
            Err(error) => return Err(format!("after {lived:?}: {error}")),
        };
        // The load starts within 1.5 s, and the record is written once per second.
        let seconds = record.timeline.seconds().len() as f64;
        if record.ending.is_none() && seconds + 3.5 < lived.as_secs_f64() {
            return Err(format!("after {lived:?} only {seconds} s are recorded"));
        }
        let report = brunt.also(&["report", "out", "--json"]);
        if report.code != Some(0) {
            return Err(format!("`brunt report` of the record: {report:?}"));
        }
        Ok(())
    });
}

#[test]
fn run_that_lost_a_worker_ends_and_is_not_good() {
    let promise = Promise {
        says: "a run that lost a worker ends, and is invalid",
        how: "kill −9 of one of two workers at a random moment of a run of 4 s",
        short: 4,
        long: 100,
        bound: Duration::from_mins(5),
    };
    promise.hold(|_, random| {
        let after = Duration::from_millis(random.random_range(500..3_000));
        let (brunt, _server, _) = killed(Victim::Worker, after)?;
        let summary = std::fs::read_to_string(brunt.path("out/summary.json"));
        let summary = summary.map_err(|error| format!("no summary: {error}"))?;
        if summary.contains("\"verdict\": \"good\"") {
            return Err("good".into());
        }
        Ok(())
    });
}

/// Kills a process of a run after some time, and waits for the run to end. Returns the lifetime of brunt.
fn killed(victim: Victim, after: Duration) -> Result<(Brunt, Server, Duration), String> {
    let server = loads::service();
    let brunt = loads::run(&server.url()).and(&["--processes", "2"]);
    let brunt = brunt.scenario(&format!("{}{TARGETS}", loads::scenario(4, 4)));
    let start = Instant::now();
    let running = brunt.start();
    std::thread::sleep(after);
    let id = match victim {
        Victim::Brunt => Some(running.id()),
        Victim::Worker => children(running.id()).first().copied(),
    };
    let pid = id.and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    let workers = workers_of(&running);
    // The process may have ended already.
    if let Some(pid) = pid {
        rustix::process::kill_process(pid, Signal::KILL).ok();
    }
    let ended = running.end();
    let lived = start.elapsed();
    if matches!(victim, Victim::Worker) && ended.code.is_none() {
        return Err(format!("ended by a signal: {ended:?}"));
    }
    if ended.stderr.contains("panicked") {
        return Err(ended.stderr);
    }
    if let Some(orphan) = workers.into_iter().find(|id| survives(*id)) {
        return Err(format!("worker {orphan} outlives brunt"));
    }
    Ok((brunt, server, lived))
}

fn workers_of(running: &Running) -> Vec<u32> {
    children(running.id())
}

/// Whether a process still runs after two seconds.
fn survives(id: u32) -> bool {
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        if !crate::brunt::runs(id) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
