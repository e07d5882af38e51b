//! Routes: one file for each group of the API.

mod analytics;
mod operations;
mod quality;
mod regression;
#[cfg(test)]
mod tests;
mod validation;
mod workflow;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::error::ApiError;
use crate::input::BODY_MAX;
use crate::state::State;

/// All routes.
pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/quality/analyze", post(quality::analyze))
        .route("/quality/insights", get(quality::insights))
        .route("/regression/baseline", post(regression::baseline))
        .route("/regression/detect", post(regression::detect))
        .route("/validation/create", post(validation::create))
        .route("/workflow/validate", post(workflow::validate))
        .route("/analytics/summary", get(analytics::summary))
        .route("/analytics/trends", get(analytics::trends))
        .route("/analytics/comparison", get(analytics::comparison))
        .route("/config/current", get(operations::config))
        .route("/health", get(operations::health))
        .route("/health/", get(operations::health))
        .route("/health/live", get(operations::health))
        .route("/health/ready", get(operations::health))
        .route("/admin/stats", get(operations::stats))
        .fallback(|| async { ApiError::new(StatusCode::NOT_FOUND, "unknown path") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method not allowed for this path",
            )
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(state)
}
