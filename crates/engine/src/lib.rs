//! Load generation: users, timers, connections, protocols and the recorder.
//!
//! Input: a plan, settings and commands. Output: events with recorded seconds. There is one worker thread per core.
//! Workers share nothing; each hands over a snapshot per second. This crate does not depend on reports, storage or
//! verdicts.
//!
//! The modules are layers, from general to specific: `time`, `net`, `http`, `http1` and `http2`, `connections`,
//! `workload`, `client`, `user`, `worker`. Each imports only from those before it.

mod client;
mod connections;
pub mod http;
pub mod http1;
pub mod http2;
mod net;
mod settings;
mod time;
mod user;
mod worker;
mod workload;

pub use client::trace::{ExchangeTrace, HopTrace, ResponseTrace, TraceSection};
pub use net::origins::{NetworkOptions, Origins, OriginsError};
pub use net::resolver::ResolveOverride;
pub use net::tls::TlsError;
pub use settings::{Settings, Shard};
pub use time::clock::Clock;
pub use worker::engine::{Engine, EngineEvent};
pub use worker::setup::{SetupOutcome, set_up, tear_down};
pub use worker::smoke_run::smoke_run;
pub use workload::start_stats::StartStats;
