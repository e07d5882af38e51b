//! HTTP/1.1 answers: from bytes, cut anywhere, to a status and a counted content. No sockets here:
//! bytes are fed in.

mod bad_http;
mod chunked;
mod content;
mod head;
mod reader;

pub use bad_http::BadHttp;
pub use content::{Content, DecodeError, Keep};
pub use head::KeepFields;
pub use reader::{Answer, Reader};

pub(crate) use head::{FIELDS_MAX, is_redirect};
pub(crate) use reader::{HEAD_BYTES_MAX, INTERIM_MAX};

const ASKS: &[u8] = b"\r\nExpect: 100-continue\r\n";

/// Whether the head of a request asks the server before the body is sent.
pub(crate) fn asks_first(head: &[u8]) -> bool {
    memchr::memmem::find(head, ASKS).is_some()
}
