//! CPU quotas of control groups: the number of cores that a process may use although it may run on more. Version 2 (`cpu.max`)
//! and version 1 (`cpu.cfs_quota_us`); the smallest quota of a group and its ancestors applies.

use std::fs;
use std::path::{Component, Path, PathBuf};

use procfs::FromRead;
use procfs::ProcessCGroups;
use procfs::process::{MountInfo, MountInfos};

/// Mounts of the control groups that limit CPU.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    mounts: Vec<Mount>,
}

#[derive(Debug)]
struct Mount {
    version: Version,
    /// The mounted control group: `/`, or a deeper one inside some containers.
    root: PathBuf,
    point: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Quotas {
    /// Looks up the mounts. If they cannot be read, quotas are unknown.
    pub(crate) fn find() -> Self {
        fs::read("/proc/self/mountinfo").map_or_else(|_| Self::default(), |text| Self::among(&text))
    }

    fn among(mountinfo: &[u8]) -> Self {
        let mounts = MountInfos::from_read(mountinfo).map_or_else(|_| Vec::new(), |infos| infos.0);
        Self {
            mounts: mounts.into_iter().filter_map(Mount::of).collect(),
        }
    }

    /// Number of cores that the quota of the process with this ID allows; `None` without a quota.
    pub(crate) fn of(&self, pid: i32) -> Option<f64> {
        if self.mounts.is_empty() {
            return None;
        }
        self.of_groups(&fs::read(format!("/proc/{pid}/cgroup")).ok()?)
    }

    /// The control groups that may limit the CPU of the calling process: for each version, its own group and the ancestors.
    pub(crate) fn own_groups(&self) -> Vec<Group> {
        fs::read("/proc/self/cgroup").map_or_else(|_| Vec::new(), |text| self.groups(&text))
    }

    fn of_groups(&self, cgroup: &[u8]) -> Option<f64> {
        let groups = self.groups(cgroup);
        groups.iter().filter_map(Group::cores).reduce(f64::min)
    }

    fn groups(&self, cgroup: &[u8]) -> Vec<Group> {
        let Ok(groups) = ProcessCGroups::from_read(cgroup) else {
            return Vec::new();
        };
        let of = |group: &procfs::ProcessCGroup| {
            let version = match group.controllers.as_slice() {
                [] => Version::Two,
                named if named.iter().any(|name| name == "cpu") => Version::One,
                _ => return Vec::new(),
            };
            let mount = self.mounts.iter().find(|mount| mount.version == version);
            mount.map_or_else(Vec::new, |mount| mount.groups(Path::new(&group.pathname)))
        };
        groups.0.iter().flat_map(of).collect()
    }
}

/// Number of cores that the quotas of a group (version 2) and its ancestors allow.
pub(crate) fn of_directory(directory: &Path) -> Option<f64> {
    let groups = directory.ancestors().map(|directory| Group {
        version: Version::Two,
        directory: directory.to_owned(),
    });
    // Directories above the mount do not have this file.
    let groups = groups.take_while(|group| group.directory.join("cgroup.controllers").exists());
    groups.filter_map(|group| group.cores()).reduce(f64::min)
}

/// A control group that may limit CPU.
#[derive(Debug)]
pub(crate) struct Group {
    version: Version,
    directory: PathBuf,
}

impl Group {
    /// Content of one of its files.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.directory.join(name)).ok()
    }

    /// Number of cores that its quota allows.
    fn cores(&self) -> Option<f64> {
        match self.version {
            Version::Two => {
                let text = self.read("cpu.max")?;
                let (quota, period) = text.trim().split_once(' ')?;
                share(quota, period)
            }
            Version::One => {
                let period = self.read("cpu.cfs_period_us")?;
                share(&self.read("cpu.cfs_quota_us")?, &period)
            }
        }
    }
}

impl Mount {
    fn of(info: MountInfo) -> Option<Self> {
        let version = match info.fs_type.as_str() {
            "cgroup2" => Version::Two,
            "cgroup" if info.super_options.contains_key("cpu") => Version::One,
            _ => return None,
        };
        Some(Self {
            version,
            root: PathBuf::from(info.root),
            point: info.mount_point,
        })
    }

    /// The group at `path` and its ancestors, up to the mount.
    fn groups(&self, path: &Path) -> Vec<Group> {
        // A group outside of the mount (`/../x`) cannot be read.
        let Ok(below) = path.strip_prefix(&self.root) else {
            return Vec::new();
        };
        if below.components().any(|part| part == Component::ParentDir) {
            return Vec::new();
        }
        let own = self.point.join(below);
        let all = own.ancestors();
        all.take_while(|directory| directory.starts_with(&self.point))
            .map(|directory| Group {
                version: self.version,
                directory: directory.to_owned(),
            })
            .collect()
    }
}

/// Number of cores from a quota and a period in microseconds; "max" and −1 mean no limit.
fn share(quota: &str, period: &str) -> Option<f64> {
    let quota: u64 = quota.trim().parse().ok()?;
    let period: u64 = period.trim().parse().ok()?;
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_and_period_give_a_number_of_cores() {
        for (quota, period, expected) in [
            ("150000", "100000", Some(1.5)),
            ("max", "100000", None),
            ("-1\n", "100000\n", None),
            ("50000\n", "100000\n", Some(0.5)),
            ("50000", "0", None),
            ("", "", None),
        ] {
            assert_eq!(share(quota, period), expected, "{quota:?} {period:?}");
        }
    }

    /// A tree of groups on disk, with its mount table.
    fn tree(kind: &str, root: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, Quotas) {
        let directory = tempfile::tempdir().expect("tempdir");
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("in a directory")).expect("mkdir");
            fs::write(path, text).expect("write");
        }
        let point = directory.path().display();
        let table = format!(
            "22 1 0:5 / /proc rw - proc proc rw\n\
             23 1 0:6 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             24 1 0:7 {root} {point} rw,relatime shared:9 - {kind}\n"
        );
        let quotas = Quotas::among(table.as_bytes());
        assert_eq!(quotas.mounts.len(), 1, "only the mount that limits CPU");
        (directory, quotas)
    }

    #[test]
    fn version_2_applies_the_smallest_quota_of_the_ancestors() {
        let files = [
            ("a/cpu.max", "150000 100000\n"),
            ("a/b/cpu.max", "max 100000\n"),
            ("a/b/c/cpu.max", "200000 100000\n"),
            ("d/cpu.max", "max 100000\n"),
        ];
        let (_directory, quotas) = tree("cgroup2 cgroup2 rw", "/", &files);
        for (groups, expected) in [
            ("0::/a/b/c\n", Some(1.5)),
            ("0::/a/b\n", Some(1.5)),
            ("0::/d\n", None),
            ("0::/\n", None),
            ("0::/../elsewhere\n", None),
            ("4:memory:/a\n", None),
            ("", None),
        ] {
            assert_eq!(quotas.of_groups(groups.as_bytes()), expected, "{groups:?}");
        }
    }

    #[test]
    fn version_1_is_read_inside_a_container() {
        let files = [
            ("in/cpu.cfs_quota_us", "25000\n"),
            ("in/cpu.cfs_period_us", "100000\n"),
            ("cpu.cfs_quota_us", "-1\n"),
            ("cpu.cfs_period_us", "100000\n"),
        ];
        let (_directory, quotas) = tree("cgroup cgroup rw,cpu,cpuacct", "/docker/x", &files);
        let of = |groups: &str| quotas.of_groups(groups.as_bytes());
        assert_eq!(of("3:cpu,cpuacct:/docker/x/in\n2:memory:/\n"), Some(0.25));
        assert_eq!(of("3:cpu,cpuacct:/docker/x\n"), None);
        assert_eq!(of("3:cpu,cpuacct:/docker/other/in\n"), None);
    }
}
