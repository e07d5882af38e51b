//! `/quality`: scores responses, and reports recent issues.

use std::sync::atomic::Ordering;

use axum::Json;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::ApiError;
use crate::input::Fields;
use crate::scoring::two_decimals;
use crate::state::SharedState;

/// Default model.
const UNKNOWN_MODEL: &str = "unknown";

struct Asked {
    prompt: String,
    response: String,
    model: String,
    metadata: serde_json::Map<String, Value>,
}

impl Asked {
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let (prompt, response) = (fields.text("prompt")?, fields.text("response")?);
        let id = fields.optional_name("model_id")?;
        let name = fields.optional_name("model_name")?;
        let model = name.or(id).unwrap_or_else(|| UNKNOWN_MODEL.to_owned());
        Ok(Self {
            prompt,
            response,
            model,
            metadata: fields.object("metadata")?,
        })
    }
}

pub(super) async fn analyze(
    axum::extract::State(state): SharedState,
    fields: Result<Fields, ApiError>,
) -> Result<Json<Value>, ApiError> {
    let asked = fields.and_then(Asked::read).inspect_err(|_| {
        state.refused.fetch_add(1, Ordering::Relaxed);
    })?;
    let analysis = state.analyze(&asked.model, &asked.prompt, &asked.response);
    let scores = &analysis.scores;
    Ok(Json(json!({
        "request_id": Uuid::new_v4(),
        "timestamp": analysis.at,
        "prompt": asked.prompt,
        "response": asked.response,
        "model_name": asked.model,
        "relevance": scores.relevance,
        "coherence": scores.coherence,
        "hallucination": scores.hallucination,
        "overall_quality": scores.overall_quality,
        "quality_grade": scores.quality_grade,
        "processing_time_ms": analysis.processing_time_ms,
        "metadata": asked.metadata,
    })))
}

/// Thresholds of recent means for issues: minimums, and a maximum for the last one.
const QUALITY_LOW: f64 = 70.0;
const RELEVANCE_LOW: f64 = 60.0;
const COHERENCE_LOW: f64 = 60.0;
const HALLUCINATION_HIGH: f64 = 30.0;

pub(super) async fn insights(axum::extract::State(state): SharedState) -> Json<Value> {
    let recent = *state.known().history.recent();
    let issues: Vec<&str> = [
        (recent.quality() < QUALITY_LOW, "the quality is low"),
        (
            recent.relevance() < RELEVANCE_LOW,
            "responses are not relevant to the prompt",
        ),
        (
            recent.coherence() < COHERENCE_LOW,
            "responses are incoherent",
        ),
        (
            recent.hallucination() > HALLUCINATION_HIGH,
            "responses may be hallucinated",
        ),
    ]
    .into_iter()
    .filter(|(found, _)| *found && recent.count > 0)
    .map(|(_, issue)| issue)
    .collect();
    let (status, recommendation) = match (recent.count, issues.is_empty()) {
        (0, _) => ("no_data", "send responses to /quality/analyze first"),
        (_, true) => ("ok", "nothing to do"),
        (_, false) => ("warning", "check the latest responses and recent changes"),
    };
    Json(json!({
        "status": status,
        "average_quality": two_decimals(recent.quality()),
        "average_relevance": two_decimals(recent.relevance()),
        "average_coherence": two_decimals(recent.coherence()),
        "average_hallucination": two_decimals(recent.hallucination()),
        "total_analyzed": recent.count,
        "issues": issues,
        "recommendation": recommendation,
    }))
}
