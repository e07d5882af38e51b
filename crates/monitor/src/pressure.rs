//! Pressure stall information of the machine (`/proc/pressure`) or of a control group: the share of the time in which some
//! task waited for a CPU, for memory or for a disk.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use brunt_record::Pressure;

/// Pressure files with their counters at the previous reading.
#[derive(Debug)]
pub(crate) struct Pressures {
    files: [PathBuf; 3],
    before: Option<(Duration, [Option<u64>; 3])>,
}

impl Pressures {
    /// Pressure of the machine.
    pub(crate) fn of_machine() -> Self {
        Self::in_files(
            ["cpu", "memory", "io"].map(|name| PathBuf::from("/proc/pressure").join(name)),
        )
    }

    /// Pressure from these files, for CPU, memory and disks.
    pub(crate) fn in_files(files: [PathBuf; 3]) -> Self {
        Self {
            files,
            before: None,
        }
    }

    /// Pressure since the previous reading; unknown at the first one.
    pub(crate) fn reading(&mut self, at: Duration) -> Pressure {
        let now = self
            .files
            .each_ref()
            .map(|file| waited_us(&fs::read_to_string(file).ok()?));
        let Some((was_at, was)) = self.before.replace((at, now)) else {
            return Pressure::default();
        };
        let elapsed_us = at.saturating_sub(was_at).as_micros() as f64;
        let percent = |number: usize| {
            let waited_us = now[number]?.saturating_sub(was[number]?) as f64;
            (elapsed_us > 0.0).then(|| (waited_us / elapsed_us * 100.0).min(100.0))
        };
        Pressure {
            cpu_percent: percent(0),
            memory_percent: percent(1),
            io_percent: percent(2),
        }
    }

    /// Files that are missing or invalid, with the name of their data.
    pub(crate) fn missing(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        let names = ["CPU pressure", "memory pressure", "I/O pressure"];
        let all = names.into_iter().zip(&self.files);
        all.filter(|(_, file)| {
            let text = fs::read_to_string(file).ok();
            text.and_then(|text| waited_us(&text)).is_none()
        })
    }
}

/// Total time that some task waited, in microseconds.
pub(crate) fn waited_us(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    line.rsplit_once("total=")?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_the_share_of_the_time_between_two_readings() {
        let folder = tempfile::tempdir().expect("folder");
        let file = |name: &str| folder.path().join(name);
        let mut pressures = Pressures::in_files([file("cpu"), file("memory"), file("io")]);
        let write = |name: &str, total: u64| {
            let text = format!(
                "some avg10=1.00 avg60=0.50 avg300=0.10 total={total}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
            );
            fs::write(file(name), text).expect("write");
        };
        write("cpu", 1_000);
        write("io", 5);
        assert_eq!(
            pressures.reading(Duration::from_secs(1)),
            Pressure::default()
        );
        write("cpu", 251_000);
        let second = pressures.reading(Duration::from_secs(2));
        assert_eq!(second.cpu_percent, Some(25.0));
        assert_eq!(second.io_percent, Some(0.0));
        assert_eq!(second.memory_percent, None, "the file is missing");
        let missing: Vec<&str> = pressures.missing().map(|(what, _)| what).collect();
        assert_eq!(missing, ["memory pressure"]);
    }
}
