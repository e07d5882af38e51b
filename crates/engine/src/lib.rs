//! Users, pacing, connections, protocols and the recorder: makes the load.
//!
//! In: a plan, settings and commands. Out: increments. One thread a core; nothing is shared between
//! cores, and once a second each hands a snapshot over. This crate knows nothing of reports, storage
//! or judgement.

mod belongings;
mod clock;
mod connection;
mod cookies;
mod core;
mod cpu_account;
mod desk;
mod dialer;
mod engine;
mod example;
mod exchange;
mod fault;
pub mod http1;
pub mod http2;
mod keeper;
mod link;
mod outbox;
mod pacer;
mod parser_thread;
mod part;
mod playing;
mod pool;
mod ports;
mod recorder;
mod redirect;
mod rehearsal;
mod resolver;
mod schedule;
mod settings;
mod setup;
mod slices;
mod starts;
mod stream;
mod target;
mod tls;
mod user;
mod user_pool;
mod wanted;

pub use clock::Clock;
pub use engine::{Engine, News};
pub use rehearsal::{Heard, Rehearsed, Scene, rehearse};
pub use resolver::Pin;
pub use settings::Settings;
pub use setup::{SetupOutcome, set_up, tear_down};
pub use starts::Started;
pub use target::{Reach, Target, TargetError};
pub use tls::TlsError;
