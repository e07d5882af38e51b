//! HAR files: a text is rejected, or imported as a valid scenario.

#![no_main]

mod any_variable;

use brunt_scenario::Scenario;
use libfuzzer_sys::fuzz_target;

use any_variable::AnyVariable;

fuzz_target!(|text: &str| {
    for imported in [brunt_import::har(text, None), brunt_import::har_mix(text, None)]
        .into_iter()
        .flatten()
    {
        let parsed = Scenario::read_in("imported.toml", &imported.scenario, &AnyVariable);
        assert!(parsed.is_ok(), "{:?}\n{}", parsed.err(), imported.scenario);
    }
});
