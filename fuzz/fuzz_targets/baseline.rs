//! Baselines: a text is rejected, or its baseline can be compared with a run and is the same when it is written and read
//! again.

#![no_main]

use std::sync::LazyLock;

use brunt_record::RunRecord;
use brunt_verdict::baseline::Baseline;
use libfuzzer_sys::fuzz_target;

static RUN: LazyLock<RunRecord> = LazyLock::new(|| {
    let bytes: &[u8] = include_bytes!("../../crates/record/tests/data/v1.brunt");
    brunt_record::file::read(bytes).expect("valid record")
});

fuzz_target!(|text: &str| {
    let Ok(baseline) = Baseline::read(text) else {
        return;
    };
    baseline.compare(&RUN, None);
    let conditions = brunt_verdict::baseline::Conditions::of(&RUN.header);
    let differences = baseline.conditions.differences(&conditions);
    brunt_verdict::judge_with_baseline(&RUN, &baseline, differences, None);
    let again = Baseline::read(&baseline.to_text()).expect("written baseline is valid");
    assert_eq!(again.runs.len(), baseline.runs.len());
});
