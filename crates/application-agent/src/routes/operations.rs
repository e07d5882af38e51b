//! `/config`, `/health` and `/admin`: configuration and state of the agent.

use std::sync::atomic::Ordering;

use axum::Json;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::input::BODY_MAX;
use crate::state::SharedState;
use crate::store::Database;

pub(super) async fn config(axum::extract::State(state): SharedState) -> Json<Value> {
    let database = match &state.database {
        Database::Memory => "memory".to_owned(),
        Database::File(path) => path.display().to_string(),
    };
    Json(json!({
        "snapshot_id": snapshot_id(&database, state.retention),
        "config": {
            "version": env!("CARGO_PKG_VERSION"),
            "database": database,
            "retention": state.retention,
            "body_bytes_max": BODY_MAX,
        },
    }))
}

/// The same configuration has the same id.
fn snapshot_id(database: &str, retention: usize) -> Uuid {
    let text = format!("{} {retention} {database}", env!("CARGO_PKG_VERSION"));
    // FNV-1a, 128 bits (RFC 9923); any stable hash is sufficient.
    let hash = text.bytes().fold(
        0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128,
        |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        },
    );
    uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid()
}

pub(super) async fn health(axum::extract::State(state): SharedState) -> Json<Value> {
    Json(json!({
        "status": "healthy",
        "timestamp": Timestamp::now(),
        "agent_id": state.agent_id,
    }))
}

pub(super) async fn stats(axum::extract::State(state): SharedState) -> Json<Value> {
    let known = state.known();
    let (analyses, models) = (known.history.len(), known.history.model_count());
    let baselines = known.baselines.len();
    drop(known);
    let validations = state.validations.load(Ordering::Relaxed);
    Json(json!({
        "uptime_seconds": state.started.elapsed().as_secs_f64(),
        "rss_bytes": state.usage.rss_bytes(),
        "cpu_percent": state.usage.cpu_percent(),
        "threads": state.usage.threads(),
        "kept": {
            "analyses": analyses,
            "models": models,
            "baselines": baselines,
            "validations": validations.min(state.retention as u64),
        },
    }))
}
