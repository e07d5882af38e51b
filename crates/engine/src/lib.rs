//! Users, pacing, connections, protocols and the recorder: makes the load.
//!
//! In: a plan, settings and commands. Out: increments. One thread a core; nothing is shared between
//! cores, and once a second each hands a snapshot over. This crate knows nothing of reports, storage
//! or judgement.

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

pub use net::origins::{Reach, Target, TargetError};
pub use net::resolver::Pin;
pub use net::tls::TlsError;
pub use settings::Settings;
pub use time::clock::Clock;
pub use worker::engine::{Engine, News};
pub use worker::setup::{SetupOutcome, set_up, tear_down};
pub use worker::smoke_run::{Heard, Rehearsed, Scene, rehearse};
pub use workload::start_stats::Started;
