//! The header of a run record: the facts about a run that are known when it starts. It never contains secrets.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Load, Metric, NameId, NameKind, NameSet, RequestName, Target};

/// The facts about a run that are known when it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Name of the run, unique in its results folder.
    pub run_id: String,
    /// Version of brunt that made the run.
    pub brunt_version: String,
    /// Path of the scenario file, as the user typed it.
    pub scenario_file: String,
    /// Hash of the resolved scenario, in hexadecimal.
    pub scenario_hash: String,
    /// The scenario as resolved from all layers: TOML, without secrets.
    #[serde(default)]
    pub scenario: Option<String>,
    /// Name of the profile.
    pub profile: String,
    /// Base URL of the service under test, without credentials.
    pub host: String,
    /// Whether the service is the Application Agent that ships with brunt.
    pub embedded: bool,
    /// Start of the load: the zero of the run's clock.
    pub started_at: Timestamp,
    /// Seed of all randomness.
    pub seed: u64,
    /// Request names; [`NameId`] is the position in this list.
    pub names: Vec<RequestName>,
    /// User classes with their planned share of the users (0 to 1).
    pub classes: Vec<(String, f64)>,
    /// Planned load.
    pub load: Load,
    /// Targets that are judged.
    pub targets: Vec<Target>,
    /// Shortest run that may pass, in seconds, if the scenario sets it; `None`: the default of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_duration_s: Option<f64>,
    /// Names that no task of this load requests: those of other profiles, or of tasks that tags exclude.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_requested: Vec<NameId>,
    /// Share (0 to 1) of the requests that the scenario plans for each name, from weights and waits; `None` for a name
    /// without a planned share. Empty if it was not recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned_shares: Vec<Option<f64>>,
    /// Settings of the load generator.
    pub generator: Generator,
    /// The machine that brunt ran on.
    pub machine: Machine,
    /// Label that the user gave the run.
    #[serde(default)]
    pub label: Option<String>,
    /// Git commit of the folder that brunt was started in.
    #[serde(default)]
    pub commit: Option<String>,
}

impl Header {
    /// Unit of a target's values and thresholds; empty for a custom metric.
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

    /// The names that a target judges together; none if it judges all requests.
    pub fn names_of(&self, target: &Target) -> Vec<&RequestName> {
        let ids = target.scope.as_ref().map_or(&[][..], NameSet::ids);
        let rows = ids.iter().filter_map(|id| self.names.get(id.index()));
        rows.collect()
    }

    /// Title of the requests that a target judges, as reports show it; `None`: all requests.
    pub fn scope_title(&self, target: &Target) -> Option<String> {
        target.scope_title(&self.names)
    }

    /// All hosts under load, the run's host first.
    pub fn hosts_text(&self) -> String {
        let others = self.generator.other_hosts.iter();
        let all = std::iter::once(self.host.clone()).chain(others.map(OtherHost::to_string));
        all.collect::<Vec<_>>().join(", ")
    }

    /// Title of a name, as reports show it: with the method if requests of other methods have the same name.
    pub fn title_of(&self, name: &RequestName) -> String {
        name.title_among(&self.names)
    }
}

/// Settings of the load generator.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generator {
    /// Number of load threads of all processes.
    pub threads: u32,
    /// Number of load processes; 0 and 1: brunt alone.
    pub processes: u32,
    /// Whether load threads polled the clock during the last 100 µs of a wait instead of sleeping.
    pub busy_wait: bool,
    /// Cores that brunt was pinned to; empty if it was not.
    pub cores: Vec<u32>,
    /// Cores that the embedded agent was pinned to; empty if it was not.
    pub target_cores: Vec<u32>,
    /// Connection mode and limit: `per-user`, `shared, 100 per host`, …
    pub connections: String,
    /// Addresses with ports that the host resolved to.
    pub addresses: Vec<String>,
    /// Other hosts under load.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_hosts: Vec<OtherHost>,
    /// Local addresses of connections; empty: the system's choice.
    pub local_addresses: Vec<String>,
    /// Whether any TLS certificate was accepted.
    pub insecure: bool,
    /// Timeout for connecting, in seconds.
    pub connect_timeout_s: f64,
    /// Timeout for a TLS handshake, in seconds.
    pub tls_timeout_s: f64,
    /// Timeout for the first byte of a response, in seconds; `None`: only the total timeout.
    pub first_byte_timeout_s: Option<f64>,
    /// Total timeout of a request, in seconds.
    pub timeout_s: f64,
    /// Longest time that requests in flight may take when the load is stopped, in seconds.
    pub stop_timeout_s: f64,
    /// Description of the monitored process under test; `None`: it was not monitored.
    pub watched: Option<String>,
    /// Other processes that were monitored.
    pub additional_targets: Vec<AdditionalTarget>,
    /// Requests per second that these threads reach against a server that does nothing; `None`: not measured.
    pub capacity_rps: Option<f64>,
}

/// A host under load in addition to the run's host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OtherHost {
    /// Base URL.
    pub url: String,
    /// User classes that send their requests there; empty: redirects may lead there.
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

/// A process that is monitored in addition to the process under test.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AdditionalTarget {
    /// Name that the user gave it.
    pub name: String,
    /// Description of the process: its command, process ID, control group or endpoint.
    pub description: String,
}

/// A machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Name of the processor.
    pub cpu_model: Option<String>,
    /// Number of cores that processes may use.
    pub cores: Option<u32>,
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Operating system and its version.
    pub system: Option<String>,
}
