//! HTTP/1.1 answers: from bytes, cut anywhere, to a status and a counted body. Bodies are counted,
//! not kept. No sockets here: bytes are fed in.

mod chunked;
mod head;
mod reader;

pub use reader::{Answer, BadHttp, Reader};
