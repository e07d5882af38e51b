//! The machine that brunt runs on.

use std::fs;

use brunt_record::Machine;

/// What can be read of it; what cannot stays unknown.
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
