//! Errors of the API, `{"detail": …}` with a status code, and of the agent.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Error response.
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

    /// Error of an invalid body or query.
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

/// Reason why the agent cannot start or continue.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Cannot listen on the address.
    #[error("cannot listen on {address}: {error}; choose another address or port")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// Error of the system.
        error: std::io::Error,
    },
    /// The runtime or its network failed.
    #[error("cannot serve: {0}")]
    Io(#[from] std::io::Error),
    /// The database cannot be used.
    #[error("cannot use the database: {0}; choose another file with --db, or use --memory")]
    Database(#[from] rusqlite::Error),
    /// The database was written by a newer version.
    #[error(
        "cannot use the database: it has version {found}, and this agent supports up to {known}; use a newer version of brunt, or choose another file with --db"
    )]
    NewerDatabase {
        /// Version of the file.
        found: i64,
        /// Newest supported version.
        known: i64,
    },
}
