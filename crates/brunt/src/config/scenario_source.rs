//! What is put over a scenario file: variables of the environment, and `--set`.

use std::path::{Path, PathBuf};

use brunt_scenario::{Assignment, Layers, Scenario};

use crate::exit::{Failure, note};
use crate::system::environment::World;
use crate::system::input_file;

/// Which scenario is read, and what is changed of it.
#[derive(Debug, clap::Args)]
pub(crate) struct ScenarioOptions {
    /// Read the scenario from this file
    #[arg(short = 'f', long, value_name = "FILE", default_value = "brunt.toml")]
    pub(crate) file: PathBuf,
    /// Override a scenario value, such as users.normal.wait=1s; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = Assignment::parse)]
    pub(crate) set: Vec<Assignment>,
}

impl ScenarioOptions {
    /// Reads the scenario with the files that it includes. The environment lies over the file, and `--set`
    /// over the environment.
    pub(crate) fn read(&self) -> Result<Scenario, Failure> {
        let scenario = self.read_again(&[])?;
        for warning in scenario.warnings() {
            note(&format!("warning: {warning}"));
        }
        Ok(scenario)
    }

    /// The same without a warning, which the user has read, and with more assignments on top.
    pub(crate) fn read_again(&self, more: &[Assignment]) -> Result<Scenario, Failure> {
        let name = self.file.display().to_string();
        let file = std::fs::File::open(&self.file);
        let text = file.and_then(input_file::bounded_text).map_err(|error| {
            let remedy = "name a scenario with -f FILE, or write one with: brunt init";
            Failure::Input(format!("cannot read {name}: {error}; {remedy}"))
        })?;
        let mut assignments = of_environment();
        assignments.extend(self.set.iter().chain(more).cloned());
        let layers = Layers {
            assignments: &assignments,
            file: &|path: &Path| input_file::text(path),
        };
        Ok(Scenario::read_layered(&name, &text, layers, &World)?)
    }
}

/// Variables that set a value, in an order that does not change. What is no text sets nothing.
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
