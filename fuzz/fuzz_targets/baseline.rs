//! Baselines: whatever the text, it is refused, or compared with a run, and written as it was read.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use record::RunRecord;
use verdict::baseline::Baseline;

static RUN: LazyLock<RunRecord> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!("../../crates/record/tests/data/v2.brunt");
    record::file::read(bytes).expect("a record")
});

fuzz_target!(|text: &str| {
    let Ok(baseline) = Baseline::read(text) else {
        return;
    };
    baseline.compare(&RUN, None);
    let conditions = verdict::baseline::Conditions::of(&RUN.header);
    let differences = baseline.conditions.differences(&conditions);
    verdict::judge_beside(&RUN, &baseline, differences, None);
    let again = Baseline::read(&baseline.to_text()).expect("what was written is read");
    assert_eq!(again.runs.len(), baseline.runs.len());
});
