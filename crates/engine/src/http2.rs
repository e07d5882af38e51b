//! HTTP/2 (RFC 9113): connections that carry several concurrent requests, each on its own stream.
//!
//! Requests are encoded straight from their rendered bytes, and responses are decoded straight into the parts that are
//! kept, without intermediate message types. Each connection has a protocol state that does no I/O, and a task that
//! moves bytes between the state and the socket.

mod close;
mod connection;
mod error_code;
mod exchange;
mod frame;
mod hpack;
mod recv;
mod request_headers;
mod response;
mod send_buffer;
mod state;
mod streams;
#[cfg(any(test, feature = "test-harness"))]
mod test_harness;

pub(crate) use connection::Http2Connection;
pub(crate) use request_headers::{HeaderEncoder, is_sent};
#[cfg(any(test, feature = "test-harness"))]
pub use test_harness::Http2Harness;
