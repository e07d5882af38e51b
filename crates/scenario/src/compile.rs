//! Compilation: from the keys of a scenario file to what they mean.

pub(crate) mod body;
pub(crate) mod checks;
pub(crate) mod class;
pub(crate) mod compiler;
pub(crate) mod data;
pub(crate) mod keys;
pub(crate) mod multipart;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod path;
pub(crate) mod profile;
pub(crate) mod request;
pub(crate) mod scenario;
pub(crate) mod search;
pub(crate) mod steps;
pub(crate) mod targets;
