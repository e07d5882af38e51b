//! Coordinated omission: response times against a server that stalls for 2 s of every 10 s.

use anyhow::ensure;
use brunt_testbed::queue_simulation::{Queue, ServiceDistribution};

use super::environment::Environment;
use super::page::ValidationRow;

/// 5,000 requests/s, with a stall of 2 s in every 10 s.
const DISTRIBUTION: &str = "stalls:5000,10,2";
/// Seed of the server and of the simulation.
const SEED: u64 = 1;
/// Arrivals per second, evenly spaced.
const PER_S: f64 = 500.0;

/// Names of percentiles in `summary.json`, with their shares.
const PERCENTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99_9", 0.999),
];

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    let seconds = environment.choose(10, 60);
    let server = environment.serve(&format!("serve --service {DISTRIBUTION} --seed {SEED}"))?;
    // With few users, most requests that arrive during a stall can only be sent after it, and their wait must count.
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nrate = \"{PER_S}/s\"\narrivals = \"constant\"\nusers = 10\nduration = \"{seconds}s\"\n\
         [targets]\np99 = {{ critical = \"10s\" }}\n"
    );
    let run = environment.run(&scenario, seconds, &server)?;
    let first_s = server.stop_and_read("first_request_s ")?;
    let count = run.summary["total"]["requests"].as_u64().unwrap_or(0);
    let oracle = oracle_ms(first_s, count)?;
    let (mut shown, mut naive_shown) = (Vec::new(), Vec::new());
    let (mut is_correct, mut is_naive_wrong) = (true, false);
    for (name, q) in PERCENTILES {
        let truth_ms = at_rank(&oracle, q);
        let response_ms = run.total(["response_ms", name])?;
        let service_ms = run.total(["service_ms", name])?;
        is_correct &= is_within(response_ms, truth_ms);
        is_naive_wrong |= !is_within(service_ms, truth_ms);
        let name = name.replace('_', ".");
        shown.push(format!("{name} {response_ms:.1} (true {truth_ms:.1})"));
        naive_shown.push(format!("{name} {service_ms:.1}"));
    }
    Ok(vec![ValidationRow {
        method: format!(
            "response times in ms; stalls of 2 s in 10, {PER_S} requests per second for {seconds} s"
        ),
        truth: "the same arrivals in virtual time".into(),
        result: shown.join(", "),
        goal: "each within 2 % + 0.5 ms".into(),
        negative_control: format!("from the time of sending: {}", naive_shown.join(", ")),
        holds: is_correct && is_naive_wrong,
    }])
}

fn is_within(found_ms: f64, truth_ms: f64) -> bool {
    (found_ms - truth_ms).abs() <= 0.02 * truth_ms + 0.5
}

/// Sorted response times, in milliseconds, of evenly spaced arrivals from `first_s` of the simulated clock on.
fn oracle_ms(first_s: f64, count: u64) -> anyhow::Result<Vec<f64>> {
    ensure!(count > 0, "the server received no request");
    let distribution: ServiceDistribution = DISTRIBUTION.parse().map_err(anyhow::Error::msg)?;
    let mut queue = Queue::new(distribution, SEED);
    let mut times_ms: Vec<f64> = (0..count)
        .map(|number| {
            let request = queue.serve(first_s + number as f64 / PER_S);
            (request.done_s - request.arrival_s) * 1e3
        })
        .collect();
    times_ms.sort_by(f64::total_cmp);
    Ok(times_ms)
}

/// The `q` quantile: the smallest value that at least this share of the values does not exceed.
fn at_rank(sorted: &[f64], q: f64) -> f64 {
    let rank = (1..=sorted.len()).find(|rank| *rank as f64 >= q * sorted.len() as f64);
    sorted[rank.unwrap_or(sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oracle_of_a_stall_of_2_s_in_10_delays_a_fifth_of_the_requests() {
        let times_ms = oracle_ms(3.0, 5_000).unwrap();
        assert!(at_rank(&times_ms, 0.5) < 1.0);
        for (q, wait_ms) in [(0.9, 1_000.0), (0.95, 1_500.0), (0.99, 1_900.0)] {
            // The backlog of a stall is served at ten times the arrival rate: 0.2 ms per request.
            let found_ms = at_rank(&times_ms, q);
            assert!((wait_ms..wait_ms + 200.0).contains(&found_ms), "{found_ms}");
        }
    }
}
