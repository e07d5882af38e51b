//! Comparisons: with a baseline, and A/B tests of two builds.

pub(crate) mod ab_runner;
pub(crate) mod baseline_comparison;
pub(crate) mod managed_service;
