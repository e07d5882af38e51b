//! Expressions: how they are parsed and evaluated, and which of their values are secret.

pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod expression;
pub(crate) mod fields;
pub(crate) mod function;
pub(crate) mod grammar;
pub(crate) mod jinja;
pub(crate) mod parser;
pub(crate) mod secrets;
pub(crate) mod variables;
