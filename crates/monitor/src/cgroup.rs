//! Control groups (version 2), read from their own files, or from their processes if a file is missing. A group stays the
//! same group without processes or with other ones.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use brunt_record::ProcessReading;

use crate::cgroup_quota;
use crate::pressure::Pressures;
use crate::process::Kernel;
use crate::process_tree::ProcessTree;
use crate::unavailable;

/// A monitored control group.
#[derive(Debug)]
pub(crate) struct ControlGroup {
    directory: PathBuf,
    processes: ProcessTree,
    pressures: Pressures,
    before: Option<Counters>,
}

/// Counters since the group was created.
#[derive(Debug, Clone, Copy)]
struct Counters {
    at: Duration,
    cpu_us: Option<u64>,
    read_bytes: Option<u64>,
    written_bytes: Option<u64>,
}

impl ControlGroup {
    /// Monitors a group. Fails if the folder is not a control group (version 2).
    pub(crate) fn open(directory: &Path, kernel: Kernel) -> io::Result<Self> {
        // Groups of version 1 do not have this file.
        fs::read(directory.join("cgroup.controllers"))?;
        let file = |name: &str| directory.join(name);
        Ok(Self {
            processes: ProcessTree::of_group(directory, kernel),
            pressures: Pressures::in_files(
                ["cpu.pressure", "memory.pressure", "io.pressure"].map(file),
            ),
            directory: directory.to_owned(),
            before: None,
        })
    }

    /// Takes a reading: the current state, and the resources used since the previous reading. Values without a file of the
    /// group are those of its processes. All values are `None` once the group was removed.
    pub(crate) fn reading(&mut self, at: Duration) -> ProcessReading {
        if !self.directory.join("cgroup.procs").exists() {
            self.before = None;
            return ProcessReading::default();
        }
        let mut reading = self.processes.reading(at);
        let now = self.counters(at);
        let before = self.before.replace(now);
        reading.cores = self.cores(reading.cores);
        if now.cpu_us.is_some() {
            let used = before.and_then(|before| now.cores_since(&before));
            reading.cpu_cores = used;
            let percent = |used: f64| Some((used / reading.cores? * 100.0).clamp(0.0, 100.0));
            reading.cpu_percent = used.and_then(percent);
        }
        let since = |is: Option<u64>, was: fn(&Counters) -> Option<u64>| {
            Some(is?.saturating_sub(before.as_ref().and_then(was)?))
        };
        if now.read_bytes.is_some() {
            reading.disk_read_bytes = since(now.read_bytes, |was| was.read_bytes);
            reading.disk_written_bytes = since(now.written_bytes, |was| was.written_bytes);
        }
        if let Some(bytes) = self.number("memory.current") {
            reading.rss_bytes = Some(bytes);
        }
        if let Some(bytes) = self
            .text("memory.stat")
            .and_then(|text| field(&text, "anon"))
        {
            reading.anonymous_bytes = Some(bytes);
        }
        if let Some(tasks) = self.number("pids.current") {
            reading.threads = Some(tasks);
        }
        reading.pressure = self.pressures.reading(at);
        reading
    }

    /// Unavailable data with the missing files. It includes values that are read from the processes instead, since those
    /// lack processes that started and ended between two readings.
    pub(crate) fn unavailable(&self) -> Vec<String> {
        let files = [
            ("the group's own CPU", "cpu.stat"),
            ("the group's own memory", "memory.current"),
            ("the group's own disk I/O", "io.stat"),
        ];
        let files = files.map(|(what, name)| (what, self.directory.join(name)));
        let missing = files.iter().filter(|(_, file)| fs::read(file).is_err());
        let missing = missing.map(|(what, file)| (*what, file));
        missing
            .chain(self.pressures.missing())
            .map(|(what, file)| unavailable::describe(what, file))
            .collect()
    }

    fn counters(&self, at: Duration) -> Counters {
        let io = self.text("io.stat");
        let sum = |key: &str| io.as_ref().map(|text| sum_of(text, key));
        Counters {
            at,
            cpu_us: self
                .text("cpu.stat")
                .and_then(|text| field(&text, "usage_usec")),
            read_bytes: sum("rbytes="),
            written_bytes: sum("wbytes="),
        }
    }

    /// Number of cores from the affinity of its processes, or else from its CPU set; and from its quota.
    fn cores(&self, by_affinity: Option<f64>) -> Option<f64> {
        let by_set = || {
            let text = self.text("cpuset.cpus.effective")?;
            let count = cpus_in(&text);
            (count > 0).then(|| f64::from(count))
        };
        let cores = by_affinity.or_else(by_set);
        let quota = cgroup_quota::of_directory(&self.directory);
        match (cores, quota) {
            (Some(cores), Some(quota)) => Some(cores.min(quota)),
            (known, None) | (None, known) => known,
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.directory.join(name)).ok()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.trim().parse().ok()
    }
}

impl Counters {
    fn cores_since(&self, was: &Self) -> Option<f64> {
        let used_us = self.cpu_us?.saturating_sub(was.cpu_us?) as f64;
        let elapsed_us = self.at.checked_sub(was.at)?.as_micros() as f64;
        (elapsed_us > 0.0).then(|| used_us / elapsed_us)
    }
}

/// The number after a key at the beginning of a line.
fn field(text: &str, key: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(name, _)| *name == key)?.1.trim().parse().ok()
}

/// Sum of a counter over all devices.
fn sum_of(text: &str, key: &str) -> u64 {
    let words = text.split_ascii_whitespace();
    words
        .filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok())
        .sum()
}

/// Number of CPUs in a list such as `0-3,8`.
fn cpus_in(list: &str) -> u32 {
    let parts = list.trim().split(',');
    let count = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.parse::<u32>().ok()?, to.parse::<u32>().ok()?);
        Some(to.checked_sub(from)?.saturating_add(1))
    };
    parts.filter_map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("folder");
        write(&folder, &[("cgroup.controllers", ""), ("cgroup.procs", "")]);
        write(&folder, files);
        folder
    }

    fn write(folder: &tempfile::TempDir, files: &[(&str, &str)]) {
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("write");
        }
    }

    #[test]
    fn reading_contains_the_values_of_the_files() {
        let folder = group(&[
            ("cpu.stat", "usage_usec 1000000\nuser_usec 1\n"),
            ("cpu.max", "200000 100000\n"),
            ("cpuset.cpus.effective", "0-2,7\n"),
            ("memory.current", "5000\n"),
            ("memory.stat", "anon 3000\nfile 1500\n"),
            (
                "io.stat",
                "8:0 rbytes=100 wbytes=10 rios=1\n8:16 rbytes=1 wbytes=2\n",
            ),
            ("pids.current", "12\n"),
            ("cpu.pressure", "some avg10=0 avg60=0 avg300=0 total=0\n"),
        ]);
        let mut group = ControlGroup::open(folder.path(), Kernel::detect()).expect("a group");
        let first = group.reading(Duration::from_secs(1));
        assert_eq!((first.cpu_percent, first.disk_read_bytes), (None, None));
        write(
            &folder,
            &[
                ("cpu.stat", "usage_usec 4000000\n"),
                (
                    "io.stat",
                    "8:0 rbytes=150 wbytes=10\n8:16 rbytes=1 wbytes=9\n",
                ),
                (
                    "cpu.pressure",
                    "some avg10=0 avg60=0 avg300=0 total=1000000\n",
                ),
            ],
        );
        let second = group.reading(Duration::from_secs(3));
        assert_eq!(second.cpu_cores, Some(1.5));
        assert_eq!((second.cores, second.cpu_percent), (Some(2.0), Some(75.0)));
        assert_eq!(
            (second.rss_bytes, second.anonymous_bytes),
            (Some(5000), Some(3000))
        );
        assert_eq!(
            (second.disk_read_bytes, second.disk_written_bytes),
            (Some(50), Some(7))
        );
        assert_eq!((second.threads, second.processes), (Some(12), 0));
        assert_eq!(second.pressure.cpu_percent, Some(50.0));
        assert_eq!(second.pressure.memory_percent, None);
        let missing = group.unavailable();
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert!(missing[0].starts_with("memory pressure ("), "{missing:?}");
        folder.close().expect("remove");
        assert_eq!(
            group.reading(Duration::from_secs(4)),
            ProcessReading::default()
        );
    }

    #[test]
    fn missing_files_are_replaced_by_the_processes() {
        let folder = group(&[]);
        let own = rustix::process::getpid().as_raw_nonzero();
        fs::create_dir(folder.path().join("below")).expect("mkdir");
        write(&folder, &[("below/cgroup.procs", &format!("{own}\n0\n"))]);
        let mut group = ControlGroup::open(folder.path(), Kernel::detect()).expect("a group");
        let reading = group.reading(Duration::from_secs(1));
        assert_eq!(reading.processes, 1);
        assert!(reading.rss_bytes.is_some_and(|bytes| bytes > 0));
        assert_eq!(group.unavailable().len(), 6, "{:?}", group.unavailable());
    }

    #[test]
    fn folder_that_is_not_a_group_is_rejected() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(ControlGroup::open(folder.path(), Kernel::detect()).is_err());
    }

    #[test]
    fn cpus_of_a_list_are_counted() {
        for (list, expected) in [("0-3\n", 4), ("0,2-3,9", 4), ("5", 1), ("\n", 0), ("x", 0)] {
            assert_eq!(cpus_in(list), expected, "{list:?}");
        }
    }
}
