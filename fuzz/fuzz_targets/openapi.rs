//! OpenAPI documents: a text is rejected, or imported as a valid scenario.

#![no_main]

mod any_variable;

use brunt_scenario::Scenario;
use libfuzzer_sys::fuzz_target;

use any_variable::AnyVariable;

fuzz_target!(|text: &str| {
    if let Ok(imported) = brunt_import::openapi(text, Some("http://127.0.0.1/a")) {
        let parsed = Scenario::read_in("imported.toml", &imported.scenario, &AnyVariable);
        assert!(parsed.is_ok(), "{:?}\n{}", parsed.err(), imported.scenario);
    }
});
