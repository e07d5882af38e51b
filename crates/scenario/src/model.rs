//! Meaning of a scenario: the checked content of its keys, with compiled expressions.

pub(crate) mod body_text;
pub(crate) mod check;
pub(crate) mod class;
pub(crate) mod extract;
pub(crate) mod header_template;
pub(crate) mod host;
pub(crate) mod network;
pub(crate) mod profile;
pub(crate) mod reference;
pub(crate) mod rendered_request;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod scenario;
pub(crate) mod status_set;
pub(crate) mod step;
pub(crate) mod wait;
