//! Servers with a known truth, for tests and benches.
