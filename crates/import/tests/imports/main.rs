//! Imports: brunt accepts the scenario of any file.

mod accepted;
mod curl;
mod har;
mod openapi;
