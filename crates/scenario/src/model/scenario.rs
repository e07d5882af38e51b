//! The scenario: the checked content of a scenario file. Errors were reported when it was read.

use std::sync::Arc;
use std::time::Duration;

use brunt_record::{RequestName, Target};
use indexmap::IndexMap;

use crate::data::DataSource;
use crate::expr::secrets::SecretSources;
use crate::model::class::Class;
use crate::model::host::Host;
use crate::model::network::Network;
use crate::model::profile::Profile;
use crate::model::step::{Step, names_of};

/// The checked content of a scenario file.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Service under test; `None` if the command line has to name it.
    pub host: Option<Host>,
    /// Network settings.
    pub network: Network,
    /// Names of requests, groups and metrics, including those of the setup.
    pub names: Vec<RequestName>,
    /// Steps that run once, before the load.
    pub setup: Vec<Step>,
    /// Steps that run once, after the load.
    pub teardown: Vec<Step>,
    /// Data sources.
    pub sources: Arc<[DataSource]>,
    /// Variables of a user, by their slots. Names with a space are hidden.
    pub variables: Arc<[String]>,
    /// Whether the setup sets variables for all users.
    pub shares_values: bool,
    /// Secrets, which no report, screen or file may show.
    pub secrets: Arc<SecretSources>,
    /// User classes, in the order of the file.
    pub classes: Vec<Class>,
    /// Profiles by name, in the order of the file.
    pub profiles: IndexMap<String, Profile>,
    /// Targets, in the order of the file.
    pub targets: Vec<Target>,
    /// Shortest run that may pass; `None`: the default of the verdict.
    pub min_duration: Option<Duration>,
    /// Hash of the values of the file, without comments and layout, in hexadecimal.
    pub hash: String,
    /// All layers as one TOML text, with secrets masked.
    pub resolved: String,
}

/// Number of names above which a scenario gets a warning, since reports have a row for each.
const NAMES_MANY: usize = 200;

impl Scenario {
    /// Warnings about valid but doubtful content.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.names.len() > NAMES_MANY {
            warnings.push(format!(
                "the scenario has {} names of requests, and reports have a row for each; give similar requests the same \
                 `name`",
                self.names.len()
            ));
        }
        for class in &self.classes {
            for task in class.never_chosen() {
                let first = names_of(task.steps()).first().copied();
                let first = first.map(|name| self.names[name.index()].title());
                warnings.push(format!(
                    "a task of `{}`{} has weight 0 and never runs",
                    class.name,
                    first.map_or_else(String::new, |first| format!(", {first},"))
                ));
            }
        }
        warnings
    }
}
