//! HTTP/1.1 (RFC 9112): an incremental response parser, and connections that
//! carry one request at a time.

mod chunked;
pub(crate) mod connection;
mod head;
mod reader;

pub use reader::Reader;
