//! The network below HTTP: origins and their addresses, local ports, TLS, byte streams, and request errors.

pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod local_ports;
pub(crate) mod origins;
pub(crate) mod resolver;
pub(crate) mod stream;
pub(crate) mod tls;
