//! The scenario: what a scenario file means. It cannot be wrong: what is wrong is said when it is
//! read, all at once.

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
    /// The service under test; `None` where the file leaves it to the command line.
    pub host: Option<Host>,
    /// How the service is reached.
    pub network: Network,
    /// The names of requests, groups and metrics, those of the set-up among them.
    pub names: Vec<RequestName>,
    /// What is done once, before the load.
    pub setup: Vec<Step>,
    /// What is done once, after the load.
    pub teardown: Vec<Step>,
    /// What rows are drawn from.
    pub sources: Arc<[DataSource]>,
    /// The variables of a user, by their slots; names with a blank are hidden.
    pub variables: Arc<[String]>,
    /// Whether the set-up sets variables for all users.
    pub shares_values: bool,
    /// What is secret: no report, screen or file may show it.
    pub secrets: Arc<SecretSources>,
    /// User classes, in the order of the file.
    pub classes: Vec<Class>,
    /// Profiles by name, in the order of the file.
    pub profiles: IndexMap<String, Profile>,
    /// Targets, in the order of the file.
    pub targets: Vec<Target>,
    /// The shortest run that may pass; `None`: the default of the verdict.
    pub min_duration: Option<Duration>,
    /// A hash of what was typed, comments and layout left out, in hexadecimal.
    pub hash: String,
    /// All layers in one text of TOML, without secrets.
    pub resolved: String,
}

/// More names than this from one scenario are worth a warning: reports have a row for each.
const NAMES_MANY: usize = 200;

impl Scenario {
    /// What is not wrong, and yet not as it should be.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.names.len() > NAMES_MANY {
            warnings.push(format!(
                "the scenario has {} names of requests, and reports a row for each; give requests that are alike \
                 one `name`",
                self.names.len()
            ));
        }
        for class in &self.classes {
            for task in class.never_chosen() {
                let first = names_of(task.steps()).first().copied();
                let first = first.map(|name| self.names[name.index()].title());
                warnings.push(format!(
                    "a task of `{}`{} has weight 0, and is never played",
                    class.name,
                    first.map_or_else(String::new, |first| format!(", {first},"))
                ));
            }
        }
        warnings
    }
}
