//! `/regression`: baselines of quality, and whether it has dropped since.

use axum::Json;
use axum::http::StatusCode;

use crate::baseline::{self, Baseline, Detection};
use crate::error::ApiError;
use crate::input::Fields;
use crate::state::SharedState;

/// The drop from which on a regression is detected, unless the request says otherwise, in percent.
pub(super) const THRESHOLD_DEFAULT: f64 = 5.0;
/// How many analyses make a baseline, unless the request says otherwise.
pub(super) const SAMPLES_DEFAULT: u64 = 100;
/// The config of requests that name none.
pub(super) const CONFIG_DEFAULT: &str = "default";

pub(super) async fn baseline(
    axum::extract::State(state): SharedState,
    fields: Result<Fields, ApiError>,
) -> Result<(StatusCode, Json<Baseline>), ApiError> {
    let mut fields = fields?;
    let model = fields.name("model_name")?;
    let config = fields.name_or("config_hash", CONFIG_DEFAULT)?;
    let baseline_type = fields.one_of("baseline_type", &["rolling", "fixed", "adaptive"])?;
    let samples = fields.count_or("sample_size", SAMPLES_DEFAULT)?;
    let threshold = fields.number_or("threshold_percentage", 0.0..=100.0, THRESHOLD_DEFAULT)?;
    let samples = usize::try_from(samples).unwrap_or(usize::MAX);
    state
        .make_baseline(&model, &config, baseline_type, samples, threshold)
        .map(|baseline| (StatusCode::CREATED, Json(baseline)))
        .ok_or_else(|| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "there are no analyses to make a baseline of",
            )
        })
}

pub(super) async fn detect(
    axum::extract::State(state): SharedState,
    fields: Result<Fields, ApiError>,
) -> Result<Json<Detection>, ApiError> {
    let mut fields = fields?;
    let model = fields.name("model_name")?;
    let config = fields.name_or("config_hash", CONFIG_DEFAULT)?;
    let quality = fields.number("current_quality", 0.0..=100.0)?;
    let known = state.known();
    let baseline = known.baselines.get(&model, &config).ok_or_else(|| {
        let detail = format!("{model} with config {config} has no active baseline");
        ApiError::new(StatusCode::NOT_FOUND, detail)
    })?;
    Ok(Json(baseline::detect(baseline, quality)))
}
