//! The files of this machine, with the environment variables of the test.

use std::io;
use std::path::Path;
use std::sync::Arc;

use brunt_scenario::{Environment, FileContent};

pub(crate) struct Files;

impl Environment for Files {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "TOKEN").then(|| "s3cr3t-of-the-environment".to_owned())
    }

    fn file(&self, path: &Path) -> io::Result<Arc<dyn FileContent>> {
        Ok(Arc::new(std::fs::read(path)?))
    }
}
