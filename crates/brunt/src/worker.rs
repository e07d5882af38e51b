//! Load generators: threads of this process, or worker processes.

pub(crate) mod load_generator;
pub(crate) mod process_pool;
pub(crate) mod protocol;
