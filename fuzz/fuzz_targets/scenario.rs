//! Scenario files: a text is a valid scenario, or its diagnostics can be rendered.

#![no_main]

use brunt_scenario::Scenario;
use libfuzzer_sys::fuzz_target;
use miette::{GraphicalReportHandler, GraphicalTheme};

fuzz_target!(|text: &str| {
    if let Err(error) = Scenario::read("fuzzed.toml", text) {
        let mut shown = String::new();
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .render_report(&mut shown, &error)
            .expect("rendered diagnostics");
        assert!(!shown.is_empty());
    }
});
