//! Access to environment variables and files that a scenario names. The caller provides it; this crate opens nothing
//! itself.

use std::io;
use std::path::Path;
use std::sync::Arc;

/// Environment variables and files that a scenario may name.
pub trait Environment {
    /// Value of an environment variable; `None` if it is not set.
    fn variable(&self, name: &str) -> Option<String>;

    /// Content of a file that the scenario names.
    fn file(&self, path: &Path) -> io::Result<Arc<dyn FileContent>>;
}

/// The content of a file.
pub trait FileContent: std::fmt::Debug + Send + Sync {
    /// Its size, in bytes.
    fn size(&self) -> u64;

    /// Reads from an offset until `into` is full. Returns the number of bytes; 0 at the end.
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;
}

/// An environment without variables and files.
#[derive(Debug, Clone, Copy)]
pub struct NoEnvironment;

impl Environment for NoEnvironment {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn file(&self, _: &Path) -> io::Result<Arc<dyn FileContent>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl FileContent for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let at = usize::try_from(at).map_or(self.len(), |at| at.min(self.len()));
        let rest = &self[at..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// Sequential reader of a file from an offset.
pub(crate) struct Reading<'a> {
    pub(crate) content: &'a dyn FileContent,
    pub(crate) at: u64,
}

impl io::Read for Reading<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_at(into, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
