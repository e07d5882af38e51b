//! Scenario files: whatever the text, it is a scenario, or has problems that can be shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use miette::{GraphicalReportHandler, GraphicalTheme};
use brunt_scenario::Scenario;

fuzz_target!(|text: &str| {
    if let Err(error) = Scenario::read("fuzzed.toml", text) {
        let mut shown = String::new();
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .render_report(&mut shown, &error)
            .expect("text");
        assert!(!shown.is_empty());
    }
});
