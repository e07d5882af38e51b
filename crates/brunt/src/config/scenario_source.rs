//! Scenario file, and the assignments over it: environment variables, and `--set` over those.

use std::path::{Path, PathBuf};

use brunt_scenario::{Assignment, Layers, Scenario};

use crate::cli::load::ScenarioArgs;
use crate::exit::{Failure, print_note};
use crate::system::environment::SystemEnvironment;
use crate::system::input_file;

/// Where a scenario comes from.
#[derive(Debug, Clone)]
pub(crate) struct ScenarioSource {
    pub(crate) file: PathBuf,
    assignments: Vec<Assignment>,
}

impl From<&ScenarioArgs> for ScenarioSource {
    fn from(args: &ScenarioArgs) -> Self {
        Self {
            file: args.file.clone(),
            assignments: args.set.clone(),
        }
    }
}

impl ScenarioSource {
    /// Reads the scenario with the files that it includes, and prints its warnings.
    pub(crate) fn read(&self) -> Result<Scenario, Failure> {
        let scenario = self.read_again(&[])?;
        for warning in scenario.warnings() {
            print_note(&format!("warning: {warning}"));
        }
        Ok(scenario)
    }

    /// Reads the scenario with more assignments on top, without the warnings, which the user has read.
    pub(crate) fn read_again(&self, more: &[Assignment]) -> Result<Scenario, Failure> {
        let name = self.file.display().to_string();
        let file = std::fs::File::open(&self.file);
        let text = file.and_then(input_file::bounded_text).map_err(|error| {
            let remedy = "name a scenario with -f FILE, or write one with: brunt init";
            Failure::Input(format!("cannot read {name}: {error}; {remedy}"))
        })?;
        let mut assignments = of_environment();
        assignments.extend(self.assignments.iter().chain(more).cloned());
        let layers = Layers {
            assignments: &assignments,
            file: &|path: &Path| input_file::text(path),
        };
        Ok(Scenario::read_layered(
            &name,
            &text,
            layers,
            &SystemEnvironment,
        )?)
    }
}

/// Environment variables that set a value, in a stable order. Variables that are not text set nothing.
fn of_environment() -> Vec<Assignment> {
    let variables = std::env::vars_os();
    let mut texts: Vec<(String, String)> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    texts.sort();
    let assignments = texts.iter();
    assignments
        .filter_map(|(name, value)| Assignment::of_environment(name, value))
        .collect()
}
