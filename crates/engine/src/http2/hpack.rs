//! HPACK: header compression of HTTP/2 (RFC 7541).

mod decoder;
mod encoder;
mod huffman;
mod integer;
mod table;

pub(super) use decoder::{Decoder, Malformed};
pub(super) use encoder::{Encoder, Field, FieldId};
pub(super) use table::{static_field, static_name};
