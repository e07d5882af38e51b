//! Targets to grades, statistics to findings: pure functions of a run record.
