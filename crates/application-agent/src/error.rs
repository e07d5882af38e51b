//! Errors of the service, as its clients see them: `{"detail": …}` with a status.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that says what is wrong.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    detail: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }

    /// A body or query that does not fit.
    pub(crate) fn unprocessable(field: &str, expected: &str) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{field}: expected {expected}"),
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "detail": self.detail }))).into_response()
    }
}

/// Why the service could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; choose another address or port")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The runtime or its network failed.
    #[error("the agent cannot serve: {0}")]
    Io(#[from] std::io::Error),
    /// The database cannot be used.
    #[error(
        "the agent's database cannot be used: {0}; name another file, or keep the state in memory"
    )]
    Database(#[from] rusqlite::Error),
    /// The database was written by a newer version.
    #[error(
        "the agent's database has version {found}, and this agent reads up to {known}; use a newer one, or another file"
    )]
    NewerDatabase {
        /// The version of the file.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
}
