//! From the text of a scenario file to a checked scenario, and from there to a plan for the hot path.
//!
//! Pure: no clocks, no sockets, and no files other than the text that it is given.

mod arrivals;
mod class;
mod expression;
mod names;
mod plan;
mod problem;
mod profile;
mod quantity;
mod request;
mod scenario;
mod spec;
mod template;
mod wait;

pub use arrivals::Arrivals;
pub use class::{Class, Task};
pub use plan::{Plan, PlanError, PlannedClass, Tasks};
pub use problem::{Problem, ScenarioError};
pub use profile::{
    Approach, Overrides, Profile, ProfileStage, active_spans, falls_short, level_in_words, users_in,
};
pub use quantity::{duration, duration_in_words, rate};
pub use request::{REDIRECTS_DEFAULT, Request, Statuses};
pub use scenario::{CONNECT_TIMEOUT_DEFAULT, Host, Scenario, WHOLE_TIMEOUT_DEFAULT};
pub use template::Template;
pub use wait::Wait;
