//! HTTP/2 (RFC 9113), on `h2`: connections that carry several requests at once, each on a stream of its own.
//!
//! `h2` frames, compresses and controls the flow. What a sample needs and it does not tell (bytes and moments
//! of each stream, why a connection ended) is taken from the frames as they pass.

mod answering;
mod connection;
mod ending;
mod exchange;
mod frames;
mod ledger;
mod meter;
mod request_head;
mod upload;

pub(crate) use connection::Connection;
pub(crate) use exchange::Course;
pub(crate) use request_head::RequestHeads;
