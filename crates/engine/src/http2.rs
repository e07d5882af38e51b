//! HTTP/2 (RFC 9113): connections that carry several requests at once, each on a stream of its own.
//!
//! A request goes from the bytes of its plan into the bytes that are written, and its response from the bytes that
//! were read into what is kept of it, with nothing made in between. Each connection has a state, into which bytes are
//! fed and from which bytes are taken, and a task that reads and writes them.

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
mod static_headers;
mod streams;
#[cfg(any(test, feature = "test-harness"))]
mod test_harness;

pub(crate) use connection::Http2Connection;
pub(crate) use request_headers::HeaderEncoder;
#[cfg(any(test, feature = "test-harness"))]
pub use test_harness::Http2Harness;
