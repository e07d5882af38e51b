//! Scenario file, and the assignments that override it: environment variables, then `--set`.

use std::path::{Path, PathBuf};

use brunt_scenario::{Assignment, HttpVersion, Layers, Scenario};

use crate::cli::load::ScenarioArgs;
use crate::exit::{Failure, print_note};
use crate::system::environment::SystemEnvironment;
use crate::system::input_file;

/// Scenario file and assignments.
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
    /// Adds the HTTP version of the command line: settings that need HTTP/2 are checked with it. HTTP/1.1 is applied
    /// after reading, and leaves them without effect.
    pub(crate) fn with_http(mut self, http: Option<HttpVersion>) -> Self {
        let http = http.filter(|version| *version != HttpVersion::Http1);
        let assignment = http.map(|version| Assignment::of_http(&version.to_string()));
        self.assignments.extend(assignment);
        self
    }

    /// Reads the scenario with the files that it includes, and prints its warnings.
    pub(crate) fn read(&self) -> Result<Scenario, Failure> {
        let scenario = self.read_again(&[])?;
        for warning in scenario.warnings() {
            print_note(&format!("warning: {warning}"));
        }
        Ok(scenario)
    }

    /// Reads the scenario with additional assignments, without printing warnings again.
    pub(crate) fn read_again(&self, more: &[Assignment]) -> Result<Scenario, Failure> {
        let name = self.file.display().to_string();
        let file = std::fs::File::open(&self.file);
        let text = file.and_then(input_file::bounded_text).map_err(|error| {
            let remedy = "use -f FILE, or create one with: brunt init";
            Failure::Input(format!("cannot read scenario {name}: {error}; {remedy}"))
        })?;
        let mut assignments = from_environment();
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

/// Assignments from environment variables, sorted by name. Variables that are not UTF-8 are ignored.
fn from_environment() -> Vec<Assignment> {
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
