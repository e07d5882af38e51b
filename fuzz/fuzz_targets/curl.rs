//! curl commands: a text is rejected, or imported as a valid scenario.

#![no_main]

use brunt_scenario::Scenario;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(imported) = brunt_import::curl(text) {
        let parsed = Scenario::read("imported.toml", &imported.scenario);
        assert!(parsed.is_ok(), "{:?}\n{}", parsed.err(), imported.scenario);
    }
});
