//! Imports: brunt accepts the scenario of any file.

mod accepted;
mod curl;
mod har;
mod har_bodies;
mod har_journey;
mod openapi;
mod openapi_requests;
