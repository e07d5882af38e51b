//! A full disk: a clear error, and the result all the same.

use crate::brunt::Brunt;
use crate::small_disk::SmallDisk;

#[test]
fn a_full_disk_is_said_and_the_result_is_shown() {
    let brunt = Brunt::new(&["run", "load", "-u", "40", "-t", "4s", "--out", "out"]).shipped();
    let path = brunt.path("out");
    let Some(_disk) = SmallDisk::mount(&path, 8) else {
        brunt_testbed::skip(
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
    let record = brunt_record::file::read(bytes.as_slice()).expect("readable");
    assert_eq!(record.ending, None);
}
