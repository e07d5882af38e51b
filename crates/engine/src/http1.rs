//! HTTP/1.1 (RFC 9112): responses from bytes, cut anywhere, to a status and a counted body, and connections that
//! carry one request at a time.

mod chunked;
pub(crate) mod connection;
mod head;
mod reader;

pub use crate::http::{BadHttp, Content, DecodeError, Keep};
pub use head::KeepFields;
pub use reader::{Answer, Reader};

pub(crate) use head::{FIELDS_MAX, is_redirect};
pub(crate) use reader::{HEAD_BYTES_MAX, INTERIM_MAX};

const ASKS: &[u8] = b"\r\nExpect: 100-continue\r\n";

/// Whether the head of a request asks the server before the body is sent.
pub(crate) fn asks_first(head: &[u8]) -> bool {
    memchr::memmem::find(head, ASKS).is_some()
}
