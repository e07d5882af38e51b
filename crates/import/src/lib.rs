//! Importers: curl commands, recordings (HAR) and API descriptions (OpenAPI) become the text of a scenario.
//!
//! One function per format: [`curl()`], [`har()`] and [`openapi()`] return an [`Imported`]; [`har_mix()`] is another view of a
//! recording.
//!
//! ```
//! let imported = brunt_import::curl("curl -X DELETE http://127.0.0.1:8000/orders/7")?;
//! assert!(imported.scenario.contains(r#"delete = "/orders/7""#));
//! # Ok::<(), brunt_import::ImportError>(())
//! ```
//!
//! The functions are pure: they return the text of a scenario and warnings. Real files seldom match their specifications,
//! so content that cannot be read is left out with a warning, and only a file without usable content is an error.

mod curl;
mod data;
mod draft;
mod error;
mod grouping;
mod har;
mod headers;
mod json_bodies;
mod json_path;
mod names;
mod openapi;
mod recorded_request;
mod request_secrets;
mod scenario_text;
mod secrets;
mod toml_text;
mod warnings;

pub use curl::{curl, curl_words};
pub use error::ImportError;
pub use har::{har, har_mix};
pub use openapi::openapi;
pub use scenario_text::{BodyFile, Imported};
