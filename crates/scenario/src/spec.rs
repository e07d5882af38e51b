//! The scenario file as its user typed it. What it means is in [`crate::Scenario`].
//!
//! The doc comments of the fields are the reference of the keys: they are the descriptions of the JSON Schema, which
//! editors show, and the rows of the tables in `docs/scenario.md`. A last paragraph `Default: …` is the default.

mod data;
mod fields;
mod json;
mod response;
pub(crate) mod shape;
mod spanned;
mod step;

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

pub(crate) use data::{DataSpec, DataTable};
pub(crate) use fields::{FieldTable, FieldsSpec};
pub(crate) use json::{ANY_VALUE, Json};
pub(crate) use response::{CheckSpec, ExtractSpec, ExtractTable};
pub(crate) use spanned::Spanned;
pub(crate) use step::{AuthSpec, FilePartSpec, PartSpec, SET_BY_BRUNT, StepSpec};

/// A scenario of brunt.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// Files whose values this file extends and overrides, such as `["common.toml"]` ([layers](#layers)). Paths are
    /// relative to this file.
    ///
    /// Default: none
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "read before the rest, by `layers`")]
    pub(crate) include: Vec<Spanned<String>>,
    /// Base URL of the service, `http://…` or `https://…`, without a query. Its path is prepended to the path of every
    /// request. `"embedded"` starts the Application Agent that ships with brunt, in a separate process. `--host`
    /// overrides it.
    /// A link-local IPv6 address has its network interface: `http://[fe80::1%25eth0]:8000`.
    ///
    /// Default: none; then `--host` is required
    #[schemars(with = "Option<shape::Host>")]
    pub(crate) host: Option<Spanned<String>>,
    /// HTTP version: `"1.1"`, `"2"` or `"auto"`. With `"2"`, `https` hosts must negotiate HTTP/2 via ALPN, and `http`
    /// hosts are contacted with HTTP/2 prior knowledge. With `"auto"`, the server of an `https` host chooses via
    /// ALPN, and `http` hosts get 1.1. `--http` overrides it.
    ///
    /// Default: `"1.1"`
    #[schemars(with = "Option<shape::HttpVersion>")]
    pub(crate) http: Option<Spanned<Json>>,
    /// Lifetime of connections. `"per-user"`: each user keeps its own. `"per-iteration"`: closed after each task.
    /// `"per-request"`: closed after each request. `"shared"` or `{ shared = N }`: all users share a pool of N
    /// connections per host (100 unless set). With HTTP/2, `{ shared = N, streams = M }` allows M requests in flight on
    /// each connection (100 unless set).
    ///
    /// Default: `"per-user"`
    pub(crate) connections: Option<Spanned<ConnectionsSpec>>,
    /// Other hosts to which redirects may lead, such as `["https://login.example.com"]`. URLs without a path.
    ///
    /// Default: none
    #[serde(default)]
    #[schemars(with = "Vec<shape::HttpUrl>")]
    pub(crate) redirect_hosts: Vec<Spanned<String>>,
    /// [Timeouts](#timeouts) for the phases of a request.
    #[serde(default)]
    pub(crate) timeouts: TimeoutsSpec,
    /// [TLS](#tls) settings for `https` hosts.
    #[serde(default)]
    pub(crate) tls: TlsSpec,
    /// [Limits](#limits) on the size of responses.
    #[serde(default)]
    pub(crate) limits: LimitsSpec,
    /// Header fields of every request, such as `Accept-Language = "en"`. Values may contain expressions. A list repeats
    /// the field, and `none` leaves it out.
    ///
    /// Default: `User-Agent: brunt/VERSION` and `Accept: */*`
    #[serde(default)]
    #[schemars(with = "Option<shape::HeaderTable>")]
    pub(crate) headers: FieldTable,
    /// Whether each user keeps the cookies that its responses set (RFC 6265).
    ///
    /// Default: `true`
    #[serde(default)]
    pub(crate) cookies: Option<bool>,
    /// [Data](#data) for expressions: lists, tables and files, each with a name.
    #[serde(default)]
    pub(crate) data: IndexMap<Spanned<String>, Spanned<DataSpec>>,
    /// [Steps](#steps) that run once, in order, before the load starts (`[[setup]]`). They are reported but not
    /// judged. A failed request ends the run with exit code 4. All users see the variables that these steps set.
    #[serde(default)]
    pub(crate) setup: Vec<Spanned<StepSpec>>,
    /// [Steps](#steps) that run once after the load ends (`[[teardown]]`). They are reported but not judged. A
    /// failure is reported and has no other effect.
    #[serde(default)]
    pub(crate) teardown: Vec<Spanned<StepSpec>>,
    /// [User classes](#user-classes), one `[users.NAME]` table each. At least one is required.
    #[serde(default)]
    pub(crate) users: IndexMap<Spanned<String>, Spanned<ClassSpec>>,
    /// [Profiles](#profiles): the load over time, one `[profiles.NAME]` table each. A run uses one of them.
    #[serde(default)]
    #[schemars(extend("propertyNames" = json!({ "not": { "const": "all" } })))]
    pub(crate) profiles: IndexMap<Spanned<String>, Spanned<ProfileSpec>>,
    /// Settings of the [verdict](#verdict).
    #[serde(default, skip_serializing_if = "VerdictSpec::is_empty")]
    pub(crate) verdict: VerdictSpec,
    /// [Targets](#targets) for all requests in the load, taken together.
    #[serde(default)]
    #[schemars(with = "Option<shape::Targets>")]
    pub(crate) targets: IndexMap<Spanned<String>, Spanned<TargetSpec>>,
    /// [Targets](#targets) for the requests with a given name, one `[request_targets."NAME"]` table per name. The name
    /// may include a method, such as `"POST /items"`.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, shape::RequestTargets>")]
    pub(crate) request_targets: NamedTargets,
    /// [Targets](#targets) for [groups](#steps) of steps, one `[group_targets.NAME]` table per group.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, shape::RequestTargets>")]
    pub(crate) group_targets: NamedTargets,
    /// [Targets](#targets) for custom metrics (`measure`), one `[metric_targets.NAME]` table per metric. Thresholds
    /// are plain numbers.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, shape::MetricTargets>")]
    pub(crate) metric_targets: NamedTargets,
}

type NamedTargets = IndexMap<Spanned<String>, IndexMap<Spanned<String>, Spanned<TargetSpec>>>;

/// `[timeouts]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeoutsSpec {
    /// Maximum time to open a TCP connection.
    ///
    /// Default: `"10s"`
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) connect: Option<Spanned<String>>,
    /// Maximum duration of the TLS handshake.
    ///
    /// Default: `"10s"`
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) tls: Option<Spanned<String>>,
    /// Maximum time from the end of the request to the first byte of the response.
    ///
    /// Default: same as `total`
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) first_byte: Option<Spanned<String>>,
    /// Maximum duration of the request, including redirects. A request's `timeout` overrides it.
    ///
    /// Default: `"60s"`
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) total: Option<Spanned<String>>,
}

/// `connections = "per-user"` or `connections = { shared = 100, streams = 8 }`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(untagged)]
pub(crate) enum ConnectionsSpec {
    Mode(#[schemars(with = "shape::ConnectionMode")] String),
    Shared(SharedConnections),
}

/// A pool of connections per host, for all users.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedConnections {
    /// Number of connections per host.
    #[schemars(range(min = 1))]
    pub(crate) shared: u32,
    /// Number of requests in flight on each connection (HTTP/2).
    ///
    /// Default: `100`
    #[schemars(range(min = 1))]
    pub(crate) streams: Option<u32>,
}

impl<'de> Deserialize<'de> for ConnectionsSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ConnectionsVisitor;

        impl<'de> Visitor<'de> for ConnectionsVisitor {
            type Value = ConnectionsSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string like \"per-user\" or { shared = 100 }")
            }

            fn visit_str<E>(self, mode: &str) -> Result<ConnectionsSpec, E> {
                Ok(ConnectionsSpec::Mode(mode.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ConnectionsSpec, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                SharedConnections::deserialize(map).map(ConnectionsSpec::Shared)
            }
        }

        deserializer.deserialize_any(ConnectionsVisitor)
    }
}

/// `[tls]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("dependencies" = json!({ "certificate": ["key"], "key": ["certificate"] })))]
pub(crate) struct TlsSpec {
    /// PEM file with the certificates to trust, instead of the system's: of authorities, or of servers themselves. A
    /// relative path is resolved against the scenario's folder.
    ///
    /// Default: the system's
    pub(crate) ca: Option<Spanned<String>>,
    /// PEM file with the client's certificate chain. Needs `key`.
    ///
    /// Default: none
    pub(crate) certificate: Option<Spanned<String>>,
    /// PEM file with the private key of `certificate`.
    ///
    /// Default: none
    pub(crate) key: Option<Spanned<String>>,
    /// Password of an encrypted `key` (PKCS #8), such as `"{{ env.KEY_PASSWORD }}"`. A [secret](#secrets).
    ///
    /// Default: none
    pub(crate) key_password: Option<Spanned<String>>,
    /// Server name (SNI) that is requested, and that the server's certificate must match.
    ///
    /// Default: that of the host
    pub(crate) server_name: Option<Spanned<String>>,
    /// TLS versions that are offered: `["1.2"]`, `["1.3"]` or both.
    ///
    /// Default: `["1.2", "1.3"]`
    #[schemars(with = "Option<shape::TlsVersions>")]
    pub(crate) versions: Option<Spanned<Vec<Spanned<String>>>>,
    /// Whether later connections of a user resume the TLS session of an earlier one.
    ///
    /// Default: `true`
    pub(crate) resumption: Option<bool>,
    /// Accepts any certificate. Every report says so. `--insecure` does the same.
    ///
    /// Default: `false`
    pub(crate) insecure: Option<bool>,
}

/// `[limits]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSpec {
    /// Maximum size of a response body, as transferred. A larger one fails the request with `response_too_large`.
    ///
    /// Default: `"1GiB"`
    #[schemars(with = "Option<shape::Bytes>")]
    pub(crate) body: Option<Spanned<String>>,
    /// Maximum decoded size of a body that a check or an `extract` reads. A larger one fails the request with
    /// `response_too_large`.
    ///
    /// Default: `"16MiB"`
    #[schemars(with = "Option<shape::Bytes>")]
    pub(crate) decoded: Option<Spanned<String>>,
}

/// `[verdict]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerdictSpec {
    /// Minimum duration of a run that can pass, `"2s"` or more.
    ///
    /// Default: `"20s"`
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) min_duration: Option<Spanned<String>>,
}

impl VerdictSpec {
    fn is_empty(&self) -> bool {
        self.min_duration.is_none()
    }
}

/// `[users.NAME]`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassSpec {
    /// Class whose keys this one inherits unless it sets its own. `weight` and `fixed_count` are not inherited.
    ///
    /// Default: none
    pub(crate) extends: Option<Spanned<String>>,
    /// Share of the users, relative to the other classes.
    ///
    /// Default: `1`
    #[schemars(range(min = 0))]
    pub(crate) weight: Option<Spanned<f64>>,
    /// Fixed number of users of this class, whatever the level. They are allocated before the other classes get any.
    /// Cannot be combined with `weight`.
    ///
    /// Default: none
    pub(crate) fixed_count: Option<Spanned<u32>>,
    /// Base URL for this class, instead of the scenario's. `--host CLASS=URL` overrides it.
    ///
    /// Default: the scenario's `host`
    #[schemars(with = "Option<shape::HttpUrl>")]
    pub(crate) host: Option<Spanned<String>>,
    /// [Think time](#waits) between two tasks, such as `"1s..3s"`.
    ///
    /// Default: `"none"`
    #[schemars(with = "Option<shape::Wait>")]
    pub(crate) wait: Option<Spanned<String>>,
    /// Order of the tasks: `"weight"` chooses by weight, `"sequence"` runs them one after another, in a loop.
    ///
    /// Default: `"weight"`
    #[schemars(with = "Option<shape::TaskOrder>")]
    pub(crate) order: Option<Spanned<String>>,
    /// Tags of all tasks of the class, for `--tags` and `--exclude-tags`.
    ///
    /// Default: none
    pub(crate) tags: Option<Vec<Spanned<String>>>,
    /// [Steps](#steps) that each user runs once before its first task. They are reported but not judged.
    ///
    /// Default: none
    pub(crate) on_start: Option<Vec<Spanned<StepSpec>>>,
    /// [Steps](#steps) that each user runs once after its last task. They are reported but not judged.
    ///
    /// Default: none
    pub(crate) on_stop: Option<Vec<Spanned<StepSpec>>>,
    /// [Tasks](#tasks) that users of this class run, one `[[users.NAME.tasks]]` table each. Required unless
    /// inherited.
    pub(crate) tasks: Option<Vec<Spanned<StepSpec>>>,
}

/// `[profiles.NAME]`: users or a rate for a time, stages, or a search.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileSpec {
    /// Number of users for the `duration` (closed model). With a `rate` or a search over arrivals: size of the pool of
    /// users.
    pub(crate) users: Option<Spanned<u32>>,
    /// Users started (or stopped) per second on the way to each level. The transition is part of the stage's duration.
    ///
    /// Default: all at once
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(crate) spawn_rate: Option<Spanned<f64>>,
    /// Tasks per unit of time for the `duration`, whether or not responses keep up (open model): `"500/s"`,
    /// `"3k/min"`, or `500` (per second).
    #[schemars(with = "Option<shape::Rate>")]
    pub(crate) rate: Option<Spanned<Json>>,
    /// Distribution of the arrivals of a rate: `"poisson"` (exponential gaps) or `"constant"` (even gaps).
    ///
    /// Default: `"poisson"`
    #[schemars(with = "Option<shape::Arrivals>")]
    pub(crate) arrivals: Option<Spanned<String>>,
    /// Length of the load, such as `"5m"`. With `iterations` or `search`: maximum time that they may take. Stages
    /// have durations of their own.
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) duration: Option<Spanned<String>>,
    /// [Stages](#stages), one after another, instead of `users` or `rate` with `duration`.
    pub(crate) stages: Option<Vec<Spanned<StageSpec>>>,
    /// [Search](#searches) for the level at which the service breaks, within `duration`. `{}` uses the defaults.
    pub(crate) search: Option<Spanned<SearchSpec>>,
    /// User classes that take part. `--classes` overrides it.
    ///
    /// Default: all
    pub(crate) classes: Option<Vec<Spanned<String>>>,
    /// Metrics whose targets are judged, such as `["p95", "error_rate"]`.
    ///
    /// Default: all
    pub(crate) targets: Option<Vec<Spanned<String>>>,
    /// Time at the beginning that is not judged: percentiles, mean and throughput exclude it.
    ///
    /// Default: [detected](methodology.md)
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) warm_up: Option<Spanned<String>>,
    /// Number of tasks after which the load ends, divided evenly among the users (closed model).
    ///
    /// Default: unlimited
    #[schemars(range(min = 1))]
    pub(crate) iterations: Option<Spanned<u64>>,
    /// Loads of other classes that run at the same time, each with `classes` and a level of its own
    /// ([concurrent loads](#concurrent-loads)).
    ///
    /// Default: none
    pub(crate) concurrent: Option<Vec<Spanned<ProfileSpec>>>,
}

/// `search = { … }`: a search for the level at which the service breaks.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchSpec {
    /// Quantity that is searched over: `"arrivals"` (open model) or `"users"` (closed model). `--search-by` overrides
    /// it.
    ///
    /// Default: `"arrivals"`
    #[schemars(with = "Option<shape::SearchBy>")]
    pub(crate) by: Option<Spanned<String>>,
    /// First level: a rate such as `"10/s"`, or a number of users.
    ///
    /// Default: `10`
    #[schemars(with = "Option<shape::Rate>")]
    pub(crate) from: Option<Spanned<Json>>,
    /// Highest level: a rate such as `"5k/s"`, or a number of users.
    ///
    /// Default: none for arrivals; for users, 20,000 or the number of users for which brunt can open connections,
    /// whichever is smaller
    #[schemars(with = "Option<shape::Rate>")]
    pub(crate) to: Option<Spanned<Json>>,
    /// Threshold of each target at which the service counts as broken: `"critical"`, `"acceptable"` or `"target"`. If
    /// a target lacks this threshold, another of its thresholds is used: `critical`, else `acceptable`, else `target`
    /// (with `"target"`: `acceptable`, else `critical`).
    ///
    /// Default: `"critical"`
    #[schemars(with = "Option<shape::Threshold>")]
    pub(crate) breaks_at: Option<Spanned<String>>,
    /// Precision at which the search ends: the distance from the highest level that holds to the lowest that breaks,
    /// `"0.1%"` or more.
    ///
    /// Default: `"5%"`
    #[schemars(with = "Option<shape::Percent>")]
    pub(crate) precision: Option<Spanned<String>>,
}

/// A stage of a profile.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("dependencies" = json!({ "ramp_steps": ["ramp"] })))]
pub(crate) struct StageSpec {
    /// Number of users at the end of the ramp (closed model).
    pub(crate) users: Option<Spanned<u32>>,
    /// Users started (or stopped) per second on the way to the level. Cannot be combined with `ramp`.
    ///
    /// Default: that of the profile
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(crate) spawn_rate: Option<Spanned<f64>>,
    /// Rate at the end of the ramp (open model): `"500/s"`, `"3k/min"`, or `500` (per second).
    #[schemars(with = "Option<shape::Rate>")]
    pub(crate) rate: Option<Spanned<Json>>,
    /// Time from the previous level to this one, part of the stage's duration.
    ///
    /// Default: at once
    #[schemars(with = "Option<shape::Duration>")]
    pub(crate) ramp: Option<Spanned<String>>,
    /// Number of equal steps of the ramp. Needs `ramp`.
    ///
    /// Default: a linear ramp
    #[schemars(range(min = 1))]
    pub(crate) ramp_steps: Option<Spanned<u32>>,
    /// Length of the stage, such as `"2m"`. Required.
    #[schemars(with = "shape::Duration")]
    pub(crate) duration: Spanned<String>,
}

/// The thresholds of a target.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct TargetSpec {
    /// Value that the service should meet. A miss is graded poor, or acceptable if `acceptable` is met.
    #[schemars(with = "Option<shape::ThresholdValue>")]
    pub(crate) target: Option<Spanned<Json>>,
    /// Value that is still good enough. A miss is graded poor.
    #[schemars(with = "Option<shape::ThresholdValue>")]
    pub(crate) acceptable: Option<Spanned<Json>>,
    /// Value that the service must not reach. If it does, the grade is critical.
    #[schemars(with = "Option<shape::ThresholdValue>")]
    pub(crate) critical: Option<Spanned<Json>>,
    /// Stops the run as soon as it is certain that this threshold is missed: `"critical"`, `"acceptable"` or
    /// `"target"` ([early stopping](running.md#early-stopping)). A search continues anyway.
    ///
    /// Default: the run continues
    #[schemars(with = "Option<shape::Threshold>")]
    pub(crate) stop_at: Option<Spanned<String>>,
}
