//! The verbs of the command line, one file each.

pub(crate) mod agent;
pub(crate) mod baseline;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod monitor;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod worker;
