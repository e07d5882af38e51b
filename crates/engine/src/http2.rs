//! HTTP/2 (RFC 9113): connections that carry several requests at once, each on a stream of its own.
//!
//! Of our own, as the framing of HTTP/1.1 is: a request goes from the bytes of its plan into the bytes that are
//! written, and its answer from the bytes that were read into what is kept of it, with nothing made in between.
//! Each connection has a session, which is told bytes and says bytes, and a driver, which reads and writes them.

mod answering;
mod connection;
#[cfg(any(test, feature = "dialogue"))]
mod dialogue;
mod driver;
mod ending;
mod exchange;
mod fixed;
mod frame;
mod hearing;
mod hpack;
mod outgoing;
mod reason;
mod request_head;
mod session;
mod streams;
mod upload;

pub(crate) use connection::Connection;
#[cfg(any(test, feature = "dialogue"))]
pub use dialogue::Dialogue;
pub(crate) use exchange::Course;
pub(crate) use request_head::RequestHeads;
