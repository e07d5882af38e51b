//! The scenario file as its user typed it. What it means is in [`crate::Scenario`].

mod data;
mod json;
mod response;
mod step;

use std::fmt;

use indexmap::IndexMap;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;

pub(crate) use data::{DataSpec, DataTable};
pub(crate) use json::Json;
pub(crate) use response::{CheckSpec, ExtractSpec, ExtractTable};
pub(crate) use step::{AuthSpec, PartSpec, StepSpec};

/// The whole file.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// Files that lie below this one; what they hold counts, and not what they are called.
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "read before the rest, by `layers`")]
    pub(crate) include: Vec<Spanned<String>>,
    pub(crate) host: Option<Spanned<String>>,
    pub(crate) http: Option<Spanned<Json>>,
    pub(crate) connections: Option<Spanned<ConnectionsSpec>>,
    #[serde(default)]
    pub(crate) redirect_hosts: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) timeouts: TimeoutsSpec,
    #[serde(default)]
    pub(crate) tls: TlsSpec,
    #[serde(default)]
    pub(crate) limits: LimitsSpec,
    #[serde(default)]
    pub(crate) headers: IndexMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pub(crate) cookies: Option<bool>,
    #[serde(default)]
    pub(crate) data: IndexMap<Spanned<String>, Spanned<DataSpec>>,
    #[serde(default)]
    pub(crate) setup: Vec<Spanned<StepSpec>>,
    #[serde(default)]
    pub(crate) teardown: Vec<Spanned<StepSpec>>,
    #[serde(default)]
    pub(crate) users: IndexMap<Spanned<String>, Spanned<ClassSpec>>,
    #[serde(default)]
    pub(crate) profiles: IndexMap<Spanned<String>, Spanned<ProfileSpec>>,
    #[serde(default, skip_serializing_if = "VerdictSpec::is_empty")]
    pub(crate) verdict: VerdictSpec,
    #[serde(default)]
    pub(crate) targets: IndexMap<Spanned<String>, Spanned<TargetSpec>>,
    #[serde(default)]
    pub(crate) request_targets: NamedTargets,
    #[serde(default)]
    pub(crate) group_targets: NamedTargets,
    #[serde(default)]
    pub(crate) metric_targets: NamedTargets,
}

type NamedTargets = IndexMap<Spanned<String>, IndexMap<Spanned<String>, Spanned<TargetSpec>>>;

/// `[timeouts]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeoutsSpec {
    pub(crate) connect: Option<Spanned<String>>,
    pub(crate) tls: Option<Spanned<String>>,
    pub(crate) first_byte: Option<Spanned<String>>,
    pub(crate) total: Option<Spanned<String>>,
}

/// `connections = "per-user"` or `connections = { shared = 100, streams = 8 }`.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum ConnectionsSpec {
    Mode(String),
    Shared { shared: u32, streams: Option<u32> },
}

impl<'de> Deserialize<'de> for ConnectionsSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ConnectionsVisitor;

        impl<'de> Visitor<'de> for ConnectionsVisitor {
            type Value = ConnectionsSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text like \"per-user\" or { shared = 100 }")
            }

            fn visit_str<E>(self, mode: &str) -> Result<ConnectionsSpec, E> {
                Ok(ConnectionsSpec::Mode(mode.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ConnectionsSpec, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Shared {
                    shared: u32,
                    streams: Option<u32>,
                }
                let Shared { shared, streams } =
                    Shared::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(ConnectionsSpec::Shared { shared, streams })
            }
        }

        deserializer.deserialize_any(ConnectionsVisitor)
    }
}

/// `[tls]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSpec {
    pub(crate) ca: Option<Spanned<String>>,
    pub(crate) certificate: Option<Spanned<String>>,
    pub(crate) key: Option<Spanned<String>>,
    pub(crate) server_name: Option<Spanned<String>>,
    pub(crate) versions: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) resumption: Option<bool>,
    pub(crate) insecure: Option<bool>,
}

/// `[limits]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSpec {
    pub(crate) body: Option<Spanned<String>>,
    pub(crate) decoded: Option<Spanned<String>>,
}

/// `[verdict]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerdictSpec {
    pub(crate) min_duration: Option<Spanned<String>>,
}

impl VerdictSpec {
    fn is_empty(&self) -> bool {
        self.min_duration.is_none()
    }
}

/// `[users.NAME]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassSpec {
    pub(crate) extends: Option<Spanned<String>>,
    pub(crate) weight: Option<Spanned<f64>>,
    pub(crate) fixed_count: Option<Spanned<u32>>,
    pub(crate) host: Option<Spanned<String>>,
    pub(crate) wait: Option<Spanned<String>>,
    pub(crate) order: Option<Spanned<String>>,
    pub(crate) tags: Option<Vec<Spanned<String>>>,
    pub(crate) on_start: Option<Vec<Spanned<StepSpec>>>,
    pub(crate) on_stop: Option<Vec<Spanned<StepSpec>>>,
    pub(crate) tasks: Option<Vec<Spanned<StepSpec>>>,
}

/// `[profiles.NAME]`: users or a rate for a time, stages, or a search.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileSpec {
    pub(crate) users: Option<Spanned<u32>>,
    pub(crate) spawn_rate: Option<Spanned<f64>>,
    pub(crate) rate: Option<Spanned<Json>>,
    pub(crate) arrivals: Option<Spanned<String>>,
    pub(crate) duration: Option<Spanned<String>>,
    pub(crate) stages: Option<Vec<Spanned<StageSpec>>>,
    pub(crate) search: Option<Spanned<SearchSpec>>,
    pub(crate) users_of: Option<Vec<Spanned<String>>>,
    pub(crate) targets: Option<Vec<Spanned<String>>>,
    pub(crate) warm_up: Option<Spanned<String>>,
    pub(crate) iterations: Option<Spanned<u64>>,
    pub(crate) concurrent: Option<Vec<Spanned<ProfileSpec>>>,
}

/// `search = { … }`: the level is looked for at which the service breaks.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchSpec {
    pub(crate) by: Option<Spanned<String>>,
    pub(crate) from: Option<Spanned<Json>>,
    pub(crate) to: Option<Spanned<Json>>,
    pub(crate) breaks_at: Option<Spanned<String>>,
    pub(crate) precision: Option<Spanned<String>>,
}

/// A stage of a profile.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageSpec {
    pub(crate) users: Option<Spanned<u32>>,
    pub(crate) spawn_rate: Option<Spanned<f64>>,
    pub(crate) rate: Option<Spanned<Json>>,
    pub(crate) ramp: Option<Spanned<String>>,
    pub(crate) ramp_steps: Option<Spanned<u32>>,
    pub(crate) duration: Spanned<String>,
}

/// The thresholds of a target.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetSpec {
    pub(crate) target: Option<Spanned<Json>>,
    pub(crate) acceptable: Option<Spanned<Json>>,
    pub(crate) critical: Option<Spanned<Json>>,
    pub(crate) stop_at: Option<Spanned<String>>,
}
