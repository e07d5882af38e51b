//! From the text of a scenario file to a checked scenario, and from there to a plan for the hot path.
//!
//! Pure: no clocks, no sockets, and no files other than the text that it is given.

mod arrivals;
mod class;
mod expression;
mod layers;
mod names;
mod network;
mod plan;
mod problem;
mod profile;
mod quantity;
mod reader;
mod request;
mod scenario;
mod schema;
mod search;
mod source;
mod spans;
mod spec;
mod template;
mod wait;

pub use arrivals::Arrivals;
pub use class::{Class, Task};
pub use layers::{Assignment, Layers};
pub use network::{Connections, Limits, Network, SHARED_DEFAULT, Timeouts, Tls, TlsVersions};
pub use plan::{Plan, PlanError, PlannedClass, Tasks};
pub use problem::{Problem, ScenarioError};
pub use profile::{
    Approach, Overrides, Profile, ProfileStage, falls_short, level_in_words, users_in,
};
pub use quantity::{duration, duration_in_words, rate};
pub use request::{Body, REDIRECTS_DEFAULT, Rendering, Request, Statuses};
pub use scenario::{Host, Scenario};
pub use schema::schema;
pub use spans::active_spans;
pub use template::Template;
pub use wait::Wait;
