//! Servers with a known truth, for tests and benches; never part of the product.
//!
//! A [`Server`] answers HTTP/1.1 as its [`Behaviour`] says and counts to the request what it saw.
//! [`Null`] does next to nothing, fast, for benches. This crate shares no code with the engine, so
//! that it can contradict it.

mod answer;
mod authority;
mod behaviour;
mod browser;
mod connection;
mod counts;
mod ended;
mod fault;
mod hoard;
pub mod interruptions;
mod keep_alive;
mod listener;
mod null;
mod null_http2;
mod port;
mod reader;
mod request;
mod routes;
pub mod series;
mod server;
mod service;
mod shop;
mod skip;
mod stall;
mod stop;
mod tls_front;
mod until;
pub mod virtual_time;
mod wire;

pub use answer::{Answer, Framing};
pub use authority::{Authority, Identity};
pub use behaviour::Behaviour;
pub use browser::{Browser, Look};
pub use counts::Counts;
pub use ended::{Ended, Signal};
pub use fault::Fault;
pub use hoard::{Hoard, Memory};
pub use keep_alive::KeepAlive;
pub use null::{Null, NullCounts};
pub use null_http2::NullHttp2;
pub use port::Port;
pub use request::Request;
pub use routes::Routes;
pub use server::Server;
pub use service::Service;
pub use shop::Shop;
pub use skip::skip;
pub use stall::Stall;
pub use tls_front::{TlsCounts, TlsFront, TlsRules};
pub use until::until;
