//! Glossary: the terms of the page with their explanations, which are also tooltips of the terms.

use maud::{Markup, html as markup};

/// Terms: key, name, and explanation.
const TERMS: &[(&str, &str, &str)] = &[
    (
        "response",
        "response time",
        "How long a user waits: from the intended start of the request until its response is complete. Targets apply to this time. It includes the wait of a request that starts late because the service is slow.",
    ),
    (
        "service",
        "service time",
        "The time of the service: from the first byte of the request sent until its response is complete.",
    ),
    (
        "percentile",
        "p50, p95, p99, p99.9",
        "The time that this share of the requests does not exceed: a p95 of 200 ms means that 95 % of requests took 200 ms or less. p50 is the median. Requests without a response are ranked as slower than any response.",
    ),
    (
        "mean",
        "mean",
        "The sum of all times divided by their number. A few slow requests move it more than a percentile.",
    ),
    (
        "interval",
        "95 % interval",
        "The range that contains the true value with 95 % confidence. A short or unsteady run has a wide interval.",
    ),
    (
        "grade",
        "grade",
        "How well a target is met: good (target met), acceptable, poor (acceptable missed), critical (critical threshold reached). Inconclusive: there is not enough data to decide. Not applicable: this load can never decide it.",
    ),
    (
        "target",
        "target",
        "A limit on one metric with up to three thresholds: target, acceptable and critical.",
    ),
    (
        "threshold",
        "threshold",
        "A value of a target at which the grade changes. Charts show thresholds as thin lines.",
    ),
    (
        "throughput",
        "throughput",
        "Successful requests per second.",
    ),
    (
        "offered",
        "offered",
        "Requests whose intended start is in a second, however they ended.",
    ),
    (
        "error-rate",
        "error rate",
        "The share of the requests that failed: an unexpected status, a failed check, or no response at all.",
    ),
    (
        "unanswered",
        "no response",
        "The request received no complete response: connection refused or reset, timeout, or not HTTP.",
    ),
    (
        "wire",
        "on the wire",
        "Requests that were sent, redirects included. One request of the scenario may be sent as several.",
    ),
    (
        "connect",
        "connect",
        "Time to open a TCP connection. Only requests that opened a connection have this value; the others reused an open one.",
    ),
    (
        "tls",
        "TLS handshake",
        "Time to negotiate encryption on a new connection.",
    ),
    (
        "first-byte",
        "time to first byte",
        "From the first byte of the request sent to the first byte of the response: the network's round trip and the work of the service.",
    ),
    (
        "lag",
        "lag",
        "The delay with which brunt dispatched a request, caused by brunt and not by the service. Large lag makes a run invalid if it could change a grade.",
    ),
    (
        "in-flight",
        "in flight",
        "Requests that were sent and whose response is not complete.",
    ),
    (
        "users",
        "virtual user",
        "A simulated user that runs tasks one after the other, with think time between them.",
    ),
    (
        "open",
        "open model",
        "Tasks arrive at a planned rate, whether or not the service keeps up. In the closed model a user starts its next task after the last one ended.",
    ),
    (
        "warm-up",
        "warm-up",
        "The start of a run, before the service reaches a steady state. Targets exclude it; statistics of the complete run include it.",
    ),
    (
        "heat",
        "heat map",
        "Columns are times, rows are durations; a stronger color is a larger share of the requests at that time.",
    ),
    (
        "cpu",
        "CPU",
        "Mean use of the cores that the process may use.",
    ),
    (
        "memory",
        "memory",
        "Resident memory of the process with its children; 1 MB is 10⁶ bytes.",
    ),
    (
        "pressure",
        "pressure",
        "The percentage of time in which some task waited for a CPU, memory or a disk (Linux PSI).",
    ),
    (
        "run-delay",
        "run delay",
        "The time for which threads were runnable but waiting for a CPU.",
    ),
    (
        "bracket",
        "holds, breaks",
        "The breaking point is between the highest load that held its targets and the lowest that did not.",
    ),
    (
        "usl",
        "Universal Scalability Law",
        "A curve of throughput over requests in flight: contention flattens it, coordination bends it down.",
    ),
    (
        "share",
        "share",
        "Requests of this name, as a share of all requests: planned by the weights and waits of the scenario, and measured in the run. Failures, and tasks that are slower than their wait, make the measured share differ from the planned one.",
    ),
    (
        "seed",
        "seed",
        "The start value of all random choices. The same scenario with the same seed sends the same requests.",
    ),
    (
        "baseline",
        "baseline",
        "Earlier runs that are stored for comparisons with later ones.",
    ),
    (
        "tolerance",
        "tolerance",
        "A difference of less than this does not count as a change.",
    ),
];

/// A term with a tooltip and a link to the glossary.
pub(super) fn term(key: &str, shown: &str) -> Markup {
    let known = TERMS.iter().find(|(known, _, _)| *known == key);
    markup! {
        @if let Some((_, _, text)) = known {
            a.term href={ "#term-" (key) } title=(text) { (shown) }
        } @else {
            (shown)
        }
    }
}

/// A metric, legend entry or column as a glossary term, if it is one; otherwise plain text.
pub(super) fn explained(words: &str) -> Markup {
    term(key_of(words), words)
}

fn key_of(words: &str) -> &'static str {
    match words {
        "response time" | "Response time" | "Response" => "response",
        "service time" | "Service time" | "Service" => "service",
        "95 % interval" => "interval",
        "Grade" | "Outcome" => "grade",
        "Target" => "target",
        "Acceptable" | "Critical" => "threshold",
        "throughput" | "req/s" | "succeeded" | "succeeded per second" => "throughput",
        "offered" => "offered",
        "error_rate" | "error rate" | "Error rate" | "failed" | "Failed" => "error-rate",
        "oldest in flight, from 1 s" | "no response" => "unanswered",
        "On the wire" => "wire",
        "Connect" => "connect",
        "TLS handshake" => "tls",
        "Time to first byte" => "first-byte",
        "lag" | "Lag" | "dispatched late by brunt" => "lag",
        "in flight" => "in-flight",
        "users" | "users in the pool" | "users, including pools" => "users",
        "cpu" | "CPU" => "cpu",
        "memory" | "Memory" => "memory",
        "mean" | "Mean" => "mean",
        "Share" => "share",
        "Tolerance" => "tolerance",
        "Baseline" => "baseline",
        _ if is_percentile(words) => "percentile",
        _ => "",
    }
}

fn is_percentile(words: &str) -> bool {
    let digits = words.strip_prefix('p');
    digits.is_some_and(|digits| digits.parse::<f64>().is_ok())
}

/// All terms, at the end of the page.
pub(super) fn glossary() -> Markup {
    markup! {
        section.glossary {
            h2 id="glossary" { "Glossary" }
            dl {
                @for (key, name, text) in TERMS {
                    div id={ "term-" (key) } { dt { (name) } dd { (text) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_is_explained_once_and_known_by_its_words() {
        let mut keys: Vec<&str> = TERMS.iter().map(|(key, _, _)| *key).collect();
        keys.sort_unstable();
        let count = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), count, "a key stands twice");
        for words in ["p99.9", "Lag", "throughput", "95 % interval", "Share"] {
            assert!(
                keys.contains(&key_of(words)),
                "{words} leads to {:?}",
                key_of(words)
            );
        }
        assert_eq!(
            explained("pieces").into_string(),
            "pieces",
            "p is not a number"
        );
    }
}
