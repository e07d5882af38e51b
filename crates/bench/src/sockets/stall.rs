//! Coordinated omission: a server that stands still for 2 s of every 10, and what a user waits for it.

use anyhow::ensure;
use brunt_testbed::queue_simulation::{Queue, ServiceDistribution};

use super::environment::Environment;
use super::row::Row;

const LAW: &str = "stalls:5000,10,2";
const SEED: u64 = 1;
/// Arrivals a second, evenly.
const PER_S: f64 = 500.0;

const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99_9", 0.999),
];

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    let seconds = environment.choose(10, 60);
    let server = environment.serve(&format!("serve --law {LAW} --seed {SEED}"))?;
    // Few users: most of what comes in a stall can only be sent after it, and waits all the same.
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nrate = \"{PER_S}/s\"\narrivals = \"constant\"\nusers = 10\nduration = \"{seconds}s\"\n\
         [targets]\np99 = {{ critical = \"10s\" }}\n"
    );
    let run = environment.play(&scenario, seconds, &server)?;
    let first_s = server.end_with("first_request_s ")?;
    let count = run.summary["total"]["requests"].as_u64().unwrap_or(0);
    let oracle = oracle_ms(first_s, count)?;
    let (mut told, mut omitted) = (Vec::new(), Vec::new());
    let (mut is_right, mut is_wrong) = (true, false);
    for (name, q) in PERCENTILES {
        let truth_ms = at_rank(&oracle, q);
        let response_ms = run.total(["response_ms", name])?;
        let service_ms = run.total(["service_ms", name])?;
        is_right &= is_within(response_ms, truth_ms);
        is_wrong |= !is_within(service_ms, truth_ms);
        let name = name.replace('_', ".");
        told.push(format!("{name} {response_ms:.1} for {truth_ms:.1}"));
        omitted.push(format!("{name} {service_ms:.1}"));
    }
    Ok(vec![Row {
        method: format!("a stall of 2 s in 10, {PER_S} requests a second for {seconds} s, ms"),
        truth: "the same plan in virtual time".into(),
        reached: told.join(", "),
        goal: "each within 2 % + 0.5 ms".into(),
        negative_control: format!("from the moment of sending: {}", omitted.join(", ")),
        holds: is_right && is_wrong,
    }])
}

fn is_within(found_ms: f64, truth_ms: f64) -> bool {
    (found_ms - truth_ms).abs() <= 0.02 * truth_ms + 0.5
}

/// What requests wait that come evenly, from a moment of the law's clock on; sorted.
fn oracle_ms(first_s: f64, count: u64) -> anyhow::Result<Vec<f64>> {
    ensure!(count > 0, "no request was answered");
    let law: ServiceDistribution = LAW.parse().map_err(anyhow::Error::msg)?;
    let mut station = Queue::new(law, SEED);
    let mut waits_ms: Vec<f64> = (0..count)
        .map(|number| {
            let visit = station.serve(first_s + number as f64 / PER_S);
            (visit.done_s - visit.arrival_s) * 1e3
        })
        .collect();
    waits_ms.sort_by(f64::total_cmp);
    Ok(waits_ms)
}

/// The value that a share of the others does not exceed.
fn at_rank(sorted: &[f64], q: f64) -> f64 {
    let rank = (1..=sorted.len()).find(|rank| *rank as f64 >= q * sorted.len() as f64);
    sorted[rank.unwrap_or(sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_oracles_requests_wait_up_to_the_stalls_length() {
        let waits_ms = oracle_ms(3.0, 5_000).unwrap();
        assert!(at_rank(&waits_ms, 0.5) < 1.0);
        for (q, law_ms) in [(0.9, 1_000.0), (0.95, 1_500.0), (0.99, 1_900.0)] {
            // What gathers in a stall takes a while to be served: 0.2 ms each, at five times the rate.
            let found_ms = at_rank(&waits_ms, q);
            assert!((law_ms..law_ms + 200.0).contains(&found_ms), "{found_ms}");
        }
    }
}
