//! HTTP/2 (RFC 9113): connections that carry several requests at once, each on a stream of its own.
//!
//! Of our own, as the framing of HTTP/1.1 is: a request goes from the bytes of its plan into the bytes that are
//! written, and its answer from the bytes that were read into what is kept of it, with nothing made in between.
//! Each connection has a session, which is told bytes and says bytes, and a driver, which reads and writes them.

mod close;
mod connection;
mod driver;
mod error_code;
mod exchange;
mod frame;
mod hpack;
mod recv;
mod request_headers;
mod response;
mod send_buffer;
mod state;
mod static_headers;
mod streams;
#[cfg(any(test, feature = "dialogue"))]
mod test_harness;
mod upload;

pub(crate) use connection::Connection;
pub(crate) use exchange::Course;
pub(crate) use request_headers::RequestHeads;
#[cfg(any(test, feature = "dialogue"))]
pub use test_harness::Dialogue;
