//! Full disk: brunt prints an error and the result.

use crate::brunt::Brunt;
use crate::small_disk::SmallDisk;

#[test]
fn run_on_a_full_disk_prints_the_error_and_the_result() {
    let brunt = Brunt::new(&["run", "load", "-u", "40", "-t", "4s", "--out", "out"]).shipped();
    let path = brunt.path("out");
    let Some(_disk) = SmallDisk::mount(&path, 8) else {
        brunt_testbed::skip(
            "full_disk::run_on_a_full_disk_prints_the_error_and_the_result",
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
    assert!(!path.join("report.html").exists(), "no incomplete report");
    assert!(!ended.stdout.contains("Report:"), "{ended:?}");
    assert!(ended.stdout.contains("Results: out"), "{ended:?}");
    let bytes = std::fs::read(path.join("record.brunt")).expect("an incomplete record");
    let record = brunt_record::file::read(bytes.as_slice()).expect("readable");
    assert_eq!(record.ending, None);
}
