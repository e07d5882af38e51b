//! JSON bodies of responses: paths into them (RFC 9535), parsed within bounded memory.

pub(crate) mod numbers;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod tree;
