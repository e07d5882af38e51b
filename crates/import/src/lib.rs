//! Scenarios to start from: made of curl commands, of recordings (HAR) and of API descriptions
//! (OpenAPI).
//!
//! Pure: text in, the text of a scenario and warnings out. What such files hold in the wild is
//! seldom what their specifications say, so what cannot be read is left out with a word, and only a
//! file with nothing in it is an error.

mod curl;
mod data;
mod draft;
mod grouping;
mod har;
mod headers;
mod json_bodies;
mod names;
mod openapi;
mod recorded;
mod scenario_text;
mod secrets;
mod toml_text;
mod warnings;

pub use curl::{curl, curl_words};
pub use har::har;
pub use openapi::openapi;

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The scenario, as `brunt check` accepts it.
    pub scenario: String,
    /// Bodies that the scenario reads from files of their own.
    pub files: Vec<BodyFile>,
    /// What was left out or made up, for whoever goes on from here.
    pub warnings: Vec<String>,
}

/// A body in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyFile {
    /// Where it lies, relative to the scenario.
    pub path: String,
    /// What it holds.
    pub content: Vec<u8>,
}

/// Why nothing could be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// There is no command in the text.
    #[error("there is no curl command in it; write curl and its options, as a browser copies them")]
    NoCommand,
    /// A quote is not closed.
    #[error("the quote that opens before `{near}` is never closed; copy the whole command")]
    OpenQuote {
        /// The text behind the quote.
        near: String,
    },
    /// A command names no URL.
    #[error("the curl command names no URL of http or https")]
    NoUrl,
    /// The text is not what it should be.
    #[error("this is no {what}: {why}")]
    NotThat {
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        why: String,
    },
    /// Nothing is left of it.
    #[error("nothing in it can be played: {why}")]
    Nothing {
        /// What was left out, and why.
        why: String,
    },
}
