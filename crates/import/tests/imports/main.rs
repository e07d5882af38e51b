//! What is imported: scenarios that brunt accepts, whatever the file.

mod accepted;
mod curl;
mod har;
mod openapi;
