//! Recordings: whatever the text, what is made of it is a scenario.

#![no_main]

use libfuzzer_sys::fuzz_target;
use brunt_scenario::Scenario;

fuzz_target!(|text: &str| {
    if let Ok(imported) = brunt_import::har(text, None) {
        let read = Scenario::read("imported.toml", &imported.scenario);
        assert!(read.is_ok(), "{:?}\n{}", read.err(), imported.scenario);
    }
});
