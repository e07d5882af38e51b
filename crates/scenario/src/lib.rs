//! From the text of a scenario file to a checked scenario, and from there to a plan for the hot path.
//!
//! [`Scenario::read`] checks a file and resolves it, a [`Plan`] is what the engine runs: prepared request bytes, compiled
//! expressions, one [`ClassMix`] per load. The crate is pure: no clocks, no sockets, and no files other than those that an
//! [`Environment`] provides.
//!
//! ```
//! use brunt_scenario::Scenario;
//!
//! let text = r#"
//!     host = "http://127.0.0.1:8000"
//!     [[users.visitor.tasks]]
//!     get = "/products/{{ randint(1, 9) }}"
//!     [profiles.load]
//!     users = 10
//!     duration = "1m"
//! "#;
//! let scenario = Scenario::read("brunt.toml", text)?;
//! assert!(scenario.profiles.contains_key("load"));
//!
//! let mistake = Scenario::read("brunt.toml", &text.replace("get", "gte")).unwrap_err();
//! assert_eq!(mistake.to_string(), "brunt.toml cannot be used: 1 problem");
//! # Ok::<(), brunt_scenario::ScenarioError>(())
//! ```

mod compile;
mod data;
mod expr;
mod json;
mod model;
mod plan;
mod random;
mod redact;
mod schema;
mod source;
mod spec;
mod value;

pub use data::{DataSource, SourceId};
pub use expr::context::{DataShard, EvalContext, RecentSecrets, SharedData, TakenRow, VariableId};
pub use expr::error::EvalError;
pub use expr::expression::{Expression, Template};
pub use expr::secrets::SecretSources;
pub use json::query::{JsonMatches, JsonQuery, JsonTooLarge};
pub use model::body_text::{BodyText, Charset};
pub use model::check::Check;
pub use model::class::{Class, Tags, Task, TaskOrder};
pub use model::extract::Extract;
pub use model::header_template::{FieldRange, HeaderTemplate};
pub use model::host::{Host, HostUrl};
pub use model::network::{
    ClientCertificate, Connections, HttpVersion, KeyPassword, Limits, Network, SHARED_DEFAULT,
    STREAMS_DEFAULT, Timeouts, Tls, TlsVersions,
};
pub use model::profile::{
    Overrides, Profile, ProfileStage, Ramp, SearchBy, falls_short, level_in_words, users_in,
    users_in_all,
};
pub use model::reference::Reference;
pub use model::rendered_request::{FieldChange, RenderContext, RenderedRequest};
pub use model::request::{Body, REDIRECTS_DEFAULT, Request, RequestPath, ResponseNeeds};
pub use model::response::ResponseView;
pub use model::scenario::Scenario;
pub use model::status_set::StatusSet;
pub use model::step::{Choice, ForEach, Step, names_of};
pub use model::wait::Wait;
pub use plan::active_spans::active_spans;
pub use plan::arrivals::Arrivals;
pub use plan::class_mix::{ClassMix, PlannedClass};
pub use plan::tasks::{Tasks, chosen};
pub use plan::{Plan, PlanError, logins_in_words};
pub use redact::{MASK, Secrets, is_sensitive_name};
pub use schema::schema;
pub use source::diagnostic::{Diagnostic, ScenarioError};
pub use source::environment::{Environment, FileContent, NoEnvironment};
pub use source::layers::{Assignment, Layers};
pub use source::units::{duration, duration_in_words, rate};
pub use value::Value;
