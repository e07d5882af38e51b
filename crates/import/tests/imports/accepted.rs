//! Checks that apply to all imports.

use std::io;
use std::path::Path;
use std::sync::Arc;

use brunt_import::{ImportError, Imported};
use brunt_scenario::{Environment, FileContent, Scenario};

/// An environment in which every variable is set.
struct AnyVariable;

impl Environment for AnyVariable {
    fn variable(&self, _: &str) -> Option<String> {
        Some(String::new())
    }

    fn file(&self, _: &Path) -> io::Result<Arc<dyn FileContent>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Checks that brunt accepts the scenario, and returns it with its files and warnings as one text.
pub(crate) fn shown(imported: &Imported) -> String {
    accept(imported);
    let mut text = imported.scenario.clone();
    for file in &imported.files {
        text += &format!(
            "--- {}\n{}\n",
            file.path,
            String::from_utf8_lossy(&file.content)
        );
    }
    for warning in &imported.warnings {
        text += &format!("--- warning: {warning}\n");
    }
    text
}

/// Checks that brunt accepts the scenario.
pub(crate) fn accept(imported: &Imported) -> Scenario {
    match Scenario::read_in("imported.toml", &imported.scenario, &AnyVariable) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}\n{}", miette_of(&error), imported.scenario),
    }
}

/// Checks the result of an arbitrary text: a valid scenario, or an error with a message.
pub(crate) fn accept_any(result: &Result<Imported, ImportError>) {
    match result {
        Ok(imported) => {
            accept(imported);
            for warning in &imported.warnings {
                assert!(!warning.contains(char::is_control), "{warning:?}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// All problems of a scenario.
fn miette_of(error: &dyn miette::Diagnostic) -> Vec<String> {
    let problems = error.related().into_iter().flatten();
    problems.map(ToString::to_string).collect()
}
