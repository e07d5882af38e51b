//! Connections of either HTTP version: opening them, and keeping them per user or in a pool.

pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod per_user;
pub(crate) mod pool;
