//! `/workflow`: analyze a response, find or create the baseline, detect a regression, decide.

use axum::Json;
use serde_json::{Value, json};
use uuid::Uuid;

use super::regression::{CONFIG_DEFAULT, SAMPLES_DEFAULT, THRESHOLD_DEFAULT};
use crate::baseline::{self, Baseline};
use crate::error::ApiError;
use crate::input::Fields;
use crate::state::{SharedState, State};
use crate::validation::decide;

/// Minimum number of analyses for a baseline from the workflow.
const ANALYSES_NEEDED: usize = 10;

pub(super) async fn validate(
    axum::extract::State(state): SharedState,
    fields: Result<Fields, ApiError>,
) -> Result<Json<Value>, ApiError> {
    let mut fields = fields?;
    let model = fields.name("model_name")?;
    let (prompt, response) = (fields.text("prompt")?, fields.text("response")?);
    let config = fields.name_or("config_hash", CONFIG_DEFAULT)?;
    let analysis = state.analyze(&model, &prompt, &response);
    let quality = analysis.scores.overall_quality;
    let result = find_or_make(&state, &model, &config).map(|baseline| {
        let detection = baseline::detect(&baseline, quality);
        let decided = decide(baseline.metrics.mean_quality, quality);
        (
            decided.decision,
            json!({ "detection": detection, "decision": decided }),
        )
    });
    let status = if result.is_some() {
        "completed"
    } else {
        "baseline_checked"
    };
    let (decision, validation_result) = result.unzip();
    Ok(Json(json!({
        "request_id": Uuid::new_v4(),
        "status": status,
        "decision": decision,
        "quality_metrics": analysis.scores,
        "validation_result": validation_result,
        "errors": [],
    })))
}

fn find_or_make(state: &State, model: &str, config: &str) -> Option<Baseline> {
    let known = state.known();
    if let Some(baseline) = known.baselines.get(model, config) {
        return Some(baseline.clone());
    }
    let analyses = known
        .history
        .model(model)
        .map_or(0, crate::history::Model::len);
    drop(known);
    let samples = usize::try_from(SAMPLES_DEFAULT).unwrap_or(usize::MAX);
    (analyses >= ANALYSES_NEEDED)
        .then(|| state.make_baseline(model, config, "rolling", samples, THRESHOLD_DEFAULT))
        .flatten()
}
