//! HTTP/1.1 (RFC 9112): responses from bytes, cut anywhere, to a status and a counted body, and connections that
//! carry one request at a time.

mod chunked;
pub(crate) mod connection;
mod head;
mod reader;

pub use reader::Reader;
