//! Users, pacing, connections, protocols and the recorder: makes the load.
//!
//! In: a plan, settings and commands. Out: increments. One thread a core; nothing is shared between
//! cores, and once a second each hands a snapshot over. This crate knows nothing of reports, storage
//! or judgement.

mod clock;
mod connection;
mod core;
mod desk;
mod engine;
mod example;
mod exchange;
mod fault;
pub mod http1;
mod pacer;
mod recorder;
mod settings;
mod setup;
mod target;
mod user;

pub use clock::Clock;
pub use engine::{Engine, News};
pub use settings::Settings;
pub use setup::{SetupOutcome, set_up};
pub use target::{Target, TargetError};
