//! The head of a run record: what was known when the run began. No secret ever enters it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Load, Metric, NameId, NameKind, NameSet, RequestName, Target};

/// What was known of a run when it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The run's name, unique in its results folder.
    pub run_id: String,
    /// The version of brunt that made it.
    pub brunt_version: String,
    /// The scenario file, as the user named it.
    pub scenario_file: String,
    /// A hash of the scenario as it was resolved, in hexadecimal.
    pub scenario_hash: String,
    /// The scenario as it was resolved of all layers: TOML, without secrets.
    #[serde(default)]
    pub scenario: Option<String>,
    /// The profile's name.
    pub profile: String,
    /// The base URL of the service under test, without credentials.
    pub host: String,
    /// Whether the service is the Application Agent that ships with brunt.
    pub embedded: bool,
    /// When the load began: the zero of the run's clock.
    pub started_at: Timestamp,
    /// The seed of all randomness.
    pub seed: u64,
    /// Request names; requests refer to them by their place.
    pub names: Vec<RequestName>,
    /// User classes with their planned share of the users (0 to 1).
    pub classes: Vec<(String, f64)>,
    /// The load that was planned.
    pub load: Load,
    /// The targets that are judged.
    pub targets: Vec<Target>,
    /// The shortest run that may pass, in seconds, if the scenario sets it; `None`: the default of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_duration_s: Option<f64>,
    /// Names that no task of this load requests: those of other profiles, or of tasks that tags leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_requested: Vec<NameId>,
    /// The share (0 to 1) of the requests that the scenario plans for each name, by its place, from weights and
    /// waits; `None` for a name without a planned share. Empty if it was not recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned_shares: Vec<Option<f64>>,
    /// How brunt ran.
    pub generator: Generator,
    /// The machine that brunt ran on.
    pub machine: Machine,
    /// What the user calls the run.
    #[serde(default)]
    pub label: Option<String>,
    /// The git commit of the folder that brunt was started in.
    #[serde(default)]
    pub commit: Option<String>,
}

impl Header {
    /// The unit of a target's values and thresholds: none, where they are of a metric of the user's own.
    pub fn unit_of(&self, target: &Target) -> &'static str {
        let is_of_values = matches!(
            target.metric,
            Metric::Percentile(_) | Metric::Mean | Metric::Max
        );
        let names = self.names_of(target);
        let is_metric = |name: &&RequestName| name.kind == NameKind::Metric;
        let is_metric = !names.is_empty() && names.iter().all(is_metric);
        if is_of_values && is_metric {
            ""
        } else {
            target.metric.unit()
        }
    }

    /// The rows of the table of names that a target judges together; none if it judges all requests.
    pub fn names_of(&self, target: &Target) -> Vec<&RequestName> {
        let ids = target.scope.as_ref().map_or(&[][..], NameSet::ids);
        let rows = ids.iter().filter_map(|id| self.names.get(id.index()));
        rows.collect()
    }

    /// What a target judges, as reports show it; `None`: all requests.
    pub fn scope_title(&self, target: &Target) -> Option<String> {
        target.scope_title(&self.names)
    }

    /// All hosts that get load, that of the run first.
    pub fn hosts_text(&self) -> String {
        let others = self.generator.other_hosts.iter();
        let all = std::iter::once(self.host.clone()).chain(others.map(OtherHost::to_string));
        all.collect::<Vec<_>>().join(", ")
    }

    /// A row of the table of names as reports show it: the name, with the method if requests of other methods have the
    /// same name.
    pub fn title_of(&self, name: &RequestName) -> String {
        name.title_among(&self.names)
    }
}

/// How brunt ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    /// Threads that made the load, of all processes.
    pub threads: u32,
    /// Processes that made it; 0 and 1: brunt alone.
    pub processes: u32,
    /// Whether they looked at the clock for the last 100 µs of a wait, instead of sleeping.
    pub busy_wait: bool,
    /// The cores that brunt was pinned to; empty where it was not.
    pub cores: Vec<u32>,
    /// The cores that the embedded agent was pinned to; empty where it was not.
    pub target_cores: Vec<u32>,
    /// Who keeps connections, and for how long: `per-user`, `shared, 100 per host`, …
    pub connections: String,
    /// Where the host's name led: addresses with ports.
    pub addresses: Vec<String>,
    /// Other hosts that get load.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_hosts: Vec<OtherHost>,
    /// Local addresses that connections were made from; empty: the system's choice.
    pub local_addresses: Vec<String>,
    /// Whether any TLS certificate was taken.
    pub insecure: bool,
    /// Timeout for connecting, in seconds.
    pub connect_timeout_s: f64,
    /// Timeout for a TLS handshake, in seconds.
    pub tls_timeout_s: f64,
    /// Timeout for the first byte of an answer, in seconds; `None`: that of the whole request.
    pub first_byte_timeout_s: Option<f64>,
    /// Timeout for a whole request, in seconds.
    pub timeout_s: f64,
    /// How long requests under way may take to end when the load is stopped, in seconds.
    pub stop_timeout_s: f64,
    /// What was watched as the process under test, in words; `None`: nothing.
    pub watched: Option<String>,
    /// What was watched beside it.
    pub additional_targets: Vec<AdditionalTarget>,
    /// Requests a second that these threads make of a server that does nothing; `None`: not measured.
    pub capacity_rps: Option<f64>,
}

/// A host that gets load beside that of the run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OtherHost {
    /// Its base URL.
    pub url: String,
    /// The user classes that send their requests there; none: redirects may lead there.
    pub classes: Vec<String>,
}

impl fmt::Display for OtherHost {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes = self.classes.join(", ");
        match self.classes.len() {
            0 => write!(to, "{} (redirects)", self.url),
            1 => write!(to, "{} (class {classes})", self.url),
            _ => write!(to, "{} (classes {classes})", self.url),
        }
    }
}

/// Something that was watched beside the process under test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdditionalTarget {
    /// What the user calls it.
    pub name: String,
    /// What it is, in words.
    pub description: String,
}

/// A machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The processor's name.
    pub cpu_model: Option<String>,
    /// Cores that processes may use.
    pub cores: Option<u32>,
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// The operating system and its version.
    pub system: Option<String>,
}
