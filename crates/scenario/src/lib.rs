//! From the text of a scenario file to a checked scenario, and from there to a plan for the hot path.
//!
//! Pure: no clocks, no sockets, and no files other than those it is given.

mod arrivals;
mod body;
mod builder;
mod check;
mod class;
mod data;
mod datasets;
mod expectations;
mod expression;
mod extract;
mod function;
mod jinja;
mod json_path;
mod json_query;
mod json_tree;
mod layers;
mod logins;
mod names;
mod network;
mod notation;
mod plan;
mod problem;
mod profile;
mod quantity;
mod reachable;
mod reader;
mod request;
mod resolved;
mod scenario;
mod schema;
mod scope;
mod search;
mod secrets;
mod seen;
mod source;
mod spans;
mod spec;
mod statuses;
mod step;
mod steps;
mod surroundings;
mod tasks;
mod template;
mod value;
mod variables;
mod wait;

pub use arrivals::Arrivals;
pub use body::Body;
pub use check::Check;
pub use class::{Class, Task, TaskOrder};
pub use data::Source;
pub use expression::Expression;
pub use extract::Extract;
pub use json_query::{JsonMatches, JsonQuery, JsonTooLarge};
pub use layers::{Assignment, Layers};
pub use logins::logins_in_words;
pub use network::{
    Connections, HttpVersion, Limits, Network, SHARED_DEFAULT, STREAMS_DEFAULT, Timeouts, Tls,
    TlsVersions,
};
pub use plan::{Cast, Plan, PlanError, PlannedClass};
pub use problem::{Problem, ScenarioError};
pub use profile::{
    Approach, Overrides, Profile, ProfileStage, SearchBy, falls_short, level_in_words, users_in,
    users_in_all,
};
pub use quantity::{duration, duration_in_words, rate};
pub use request::{LooksInto, REDIRECTS_DEFAULT, Rendered, Rendering, Request};
pub use scenario::{Host, Scenario};
pub use schema::schema;
pub use scope::{Halt, Scope, Share, Slot, Stock};
pub use secrets::{MASK, Noted, SecretSources, Secrets, is_secret_name};
pub use seen::Seen;
pub use spans::active_spans;
pub use statuses::Statuses;
pub use step::{Choice, Each, Step, names_of};
pub use surroundings::{FileContent, Surroundings, Unseen};
pub use tasks::{Tags, Tasks, chosen};
pub use template::Template;
pub use value::Value;
pub use wait::Wait;
