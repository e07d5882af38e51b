//! A full disk: a clear error, and the result all the same.

use std::path::Path;
use std::process::Command;

use crate::brunt::Brunt;

/// A small file system, taken away at the end.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg(self.0).status().ok();
    }
}

#[test]
fn a_full_disk_is_said_and_the_result_is_shown() {
    let brunt = Brunt::new(&["run", "load", "-u", "40", "-t", "4s", "--out", "out"]).shipped();
    let path = brunt.path("out");
    let Some(_disk) = SmallDisk::mount(&path) else {
        testbed::skip(
            "disk::a_full_disk_is_said_and_the_result_is_shown",
            "cannot mount a tmpfs (not root)",
        );
        return;
    };
    let ended = brunt.run();
    assert_eq!(ended.code, Some(70), "{ended:?}");
    assert!(
        ended.stderr.contains("cannot write out/record.brunt"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("o space left"), "{ended:?}");
    assert!(
        ended.stdout.contains("/quality/analyze") && ended.stdout.contains("p95"),
        "{ended:?}"
    );
    assert!(
        !path.join("report.html").exists(),
        "a part of a page is none"
    );
    let bytes = std::fs::read(path.join("record.brunt")).expect("what fitted");
    let record = record::file::read(bytes.as_slice()).expect("readable");
    assert_eq!(record.ending, None);
}
