//! Environment variables and files for scenarios, and the hardware of this machine.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use brunt_record::Machine;
use brunt_scenario::{Environment, FileContent};

use crate::system::input_file;

/// Environment variables and files of this machine.
pub(crate) struct SystemEnvironment;

impl Environment for SystemEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> io::Result<Arc<dyn FileContent>> {
        let file = input_file::open(path)?;
        let size = file.metadata()?.len();
        Ok(Arc::new(OpenFile { file, size }))
    }
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    size: u64,
}

impl FileContent for OpenFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(into, at)
    }
}

/// Hardware and kernel of this machine; `None` for values that cannot be read.
pub(crate) fn machine() -> Machine {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let memory_kib = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.trim_end_matches("kB").trim().parse::<u64>().ok());
    let system = rustix::system::uname();
    let system = format!(
        "{} {}",
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy()
    );
    Machine {
        cpu_model: field("/proc/cpuinfo", "model name"),
        cores: u32::try_from(brunt_monitor::allowed_cpus().len()).ok(),
        memory_bytes: memory_kib.map(|kib| kib * 1024),
        system: Some(system),
    }
}
