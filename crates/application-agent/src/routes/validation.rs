//! `/validation`: whether a new version is good enough to deploy.

use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::ApiError;
use crate::input::Fields;
use crate::state::SharedState;
use crate::validation::decide;

pub(super) async fn create(
    axum::extract::State(state): SharedState,
    fields: Result<Fields, ApiError>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let mut fields = fields?;
    let name = fields.name("name")?;
    let model = fields.name("model_name")?;
    let config = fields.name_or("config_hash", super::regression::CONFIG_DEFAULT)?;
    let before = fields.number("baseline_quality", 0.0..=100.0)?;
    let after = fields.number("new_quality", 0.0..=100.0)?;
    let metadata = fields.object("metadata")?;
    let (id, found) = (Uuid::new_v4(), decide(before, after));
    state.keep_validation(id, &name, &model, found.decision);
    let answer = json!({
        "validation_id": id,
        "name": name,
        "model_name": model,
        "config_hash": config,
        "decision": found.decision,
        "confidence": found.confidence,
        "quality_change": found.quality_change,
        "quality_change_percentage": found.quality_change_percentage,
        "statistically_significant": found.statistically_significant,
        "recommendation": found.recommendation,
        "reasoning": found.reasoning,
        "metadata": metadata,
        "timestamp": jiff::Timestamp::now(),
    });
    Ok((StatusCode::CREATED, Json(answer)))
}
