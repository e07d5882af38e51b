//! The common parts of HTTP/1.1 and HTTP/2: outgoing requests, responses, and errors.

mod body;
pub(crate) mod outgoing_request;
mod protocol_error;
pub(crate) mod request_context;
pub(crate) mod response;

pub use body::{BodyCapture, DecodeError, ResponseBody};
pub use protocol_error::ProtocolError;
pub use response::{HeaderCapture, Response, ResponseVersion};

pub(crate) use body::prefix_of;
