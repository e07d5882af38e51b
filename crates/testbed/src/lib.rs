//! Servers with known behavior, for tests and benches; never part of the product.
//!
//! A [`Server`] responds over HTTP/1.1 according to its [`Behavior`] and counts exactly what it received and sent.
//! [`NullServer`] sends a fixed response with as little work as possible, for benches. This crate shares no code with the
//! engine, so that it can contradict it.

mod behavior;
mod browser;
mod connection;
mod counted_stream;
mod counts;
mod fault;
pub mod interruptions;
mod kill_on_drop;
mod listener;
mod memory_ballast;
mod null;
mod port;
pub mod queue_simulation;
mod reader;
mod request;
mod response;
mod routes;
mod server;
mod service;
mod shop;
mod shutdown;
mod skip;
mod stall;
pub mod synthetic_series;
mod test_ca;
mod tls_front;
mod wait_until;

pub use behavior::{Behavior, KeepAlive};
pub use browser::{Browser, Look};
pub use counts::Counts;
pub use fault::Fault;
pub use kill_on_drop::{KillOnDrop, Signal};
pub use memory_ballast::{MemoryBallast, MemoryGrowth};
pub use null::http2::NullHttp2Server;
pub use null::{NullCounts, NullServer};
pub use port::Port;
pub use request::Request;
pub use response::{Framing, Response};
pub use routes::Routes;
pub use server::Server;
pub use service::Service;
pub use shop::Shop;
pub use skip::skip;
pub use stall::Stall;
pub use test_ca::{Identity, TestCa};
pub use tls_front::{TlsCounts, TlsFront, TlsRules};
pub use wait_until::wait_until;
