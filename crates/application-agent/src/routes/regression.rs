//! `/regression`: baselines of quality, and drops since then.

use axum::Json;
use axum::http::StatusCode;

use crate::baseline::{self, Baseline, Detection};
use crate::error::ApiError;
use crate::input::Fields;
use crate::state::SharedState;

/// Default threshold of a regression, in percent.
pub(super) const THRESHOLD_DEFAULT: f64 = 5.0;
/// Default number of analyses of a baseline.
pub(super) const SAMPLES_DEFAULT: u64 = 100;
/// Default config.
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
        .ok_or_else(|| ApiError::new(StatusCode::BAD_REQUEST, "no analyses for a baseline"))
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
