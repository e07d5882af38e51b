//! What HTTP/1.1 and HTTP/2 have in common: requests on their way out, and responses.

mod body;
pub(crate) mod outgoing_request;
mod protocol_error;
pub(crate) mod response_options;

pub use body::{Content, DecodeError, Keep};
pub use protocol_error::BadHttp;

pub(crate) use body::part_of;
