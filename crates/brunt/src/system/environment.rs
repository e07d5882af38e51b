//! The world that scenarios are read in: the environment, and files.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use brunt_scenario::{Environment, FileContent};

use crate::system::input_file;

/// The environment and the files of this machine.
pub(crate) struct World;

impl Environment for World {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> io::Result<Arc<dyn FileContent>> {
        let file = input_file::open(path)?;
        let size = file.metadata()?.len();
        Ok(Arc::new(Opened { file, size }))
    }
}

#[derive(Debug)]
struct Opened {
    file: File,
    size: u64,
}

impl FileContent for Opened {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(into, at)
    }
}
