//! A/B comparison of two builds.

pub(crate) mod ab_runner;
pub(crate) mod managed_service;
