//! Text of a scenario: its layers, how TOML is read to the end, diagnostics with their places, and quantities with
//! units.

pub(crate) mod diagnostic;
pub(crate) mod environment;
pub(crate) mod layers;
pub(crate) mod reader;
pub(crate) mod redacted;
pub(crate) mod source_map;
pub(crate) mod units;
