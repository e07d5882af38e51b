//! Connections of either version of HTTP: opened, and kept by a user or by a pool.

pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod per_user;
pub(crate) mod pool;
