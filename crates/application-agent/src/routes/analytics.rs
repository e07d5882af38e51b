//! `/analytics`: statistics of days and models, from running sums.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::analysis::Sums;
use crate::error::ApiError;
use crate::input::Parameters;
use crate::scoring::two_decimals;
use crate::state::{SharedState, day_of};

const PERIODS: [&str; 3] = ["7d", "30d", "90d"];
/// Maximum number of models in a summary.
const TOP_MODELS: usize = 5;
/// Minimum change of a trend, in percent.
const TREND_PERCENT: f64 = 2.0;

/// First day of a period that ends today.
fn first_day(period: &str) -> i64 {
    let days: i64 = period.trim_end_matches('d').parse().unwrap_or(0);
    day_of(Timestamp::now()) - days + 1
}

pub(super) async fn summary(
    axum::extract::State(state): SharedState,
    parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let period = parameters.one_of("period", &PERIODS, "30d")?;
    let known = state.known();
    let models = known.history.models_since(first_day(period));
    let mut all = Sums::default();
    models.iter().for_each(|(_, sums)| all.merge(sums));
    let top: Vec<Value> = models
        .iter()
        .take(TOP_MODELS)
        .map(|(name, sums)| row(name, sums))
        .collect();
    drop(models);
    drop(known);
    let refused = state.refused.load(Ordering::Relaxed) as f64;
    let answered = all.count as f64;
    let success_rate = if answered > 0.0 {
        100.0 * answered / (answered + refused)
    } else {
        0.0
    };
    Ok(Json(json!({
        "total_requests": all.count,
        "avg_quality": two_decimals(all.quality()),
        "avg_latency": all.latency_ms(),
        "success_rate": two_decimals(success_rate),
        "top_models": top,
        "period": period,
        "generated_at": Timestamp::now(),
    })))
}

fn row(model: &str, sums: &Sums) -> Value {
    json!({
        "model_name": model,
        "requests": sums.count,
        "avg_quality": two_decimals(sums.quality()),
        "avg_relevance": two_decimals(sums.relevance()),
        "avg_coherence": two_decimals(sums.coherence()),
        "avg_hallucination": two_decimals(sums.hallucination()),
        "avg_latency": sums.latency_ms(),
    })
}

pub(super) async fn trends(
    axum::extract::State(state): SharedState,
    parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let period = parameters.one_of("period", &PERIODS, "7d")?;
    let metric = parameters.one_of("metric", &["quality", "latency"], "quality")?;
    let value = |sums: &Sums| {
        if metric == "quality" {
            sums.quality()
        } else {
            sums.latency_ms()
        }
    };
    let days = state.known().history.days_since(first_day(period));
    let mut all = Sums::default();
    days.values().for_each(|sums| all.merge(sums));
    let first = days.values().next().map_or(0.0, value);
    let last = days.values().next_back().map_or(0.0, value);
    let change = if first > 0.0 {
        (last - first) / first * 100.0
    } else {
        0.0
    };
    let trend_direction = match change {
        change if change > TREND_PERCENT => "up",
        change if change < -TREND_PERCENT => "down",
        _ => "stable",
    };
    let rows: Vec<Value> = days
        .iter()
        .map(|(day, sums)| {
            json!({ "date": date(*day), "value": value(sums), "sample_count": sums.count })
        })
        .collect();
    Ok(Json(json!({
        "metric": metric,
        "period": period,
        "data": rows,
        "avg_value": value(&all),
        "trend_direction": trend_direction,
    })))
}

fn date(day: i64) -> Option<String> {
    let at = Timestamp::from_second(day * 86_400).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date().to_string())
}

pub(super) async fn comparison(
    axum::extract::State(state): SharedState,
    parameters: Parameters,
) -> Result<Json<Value>, ApiError> {
    let asked = parameters.list("models")?;
    let known = state.known();
    let sums = |name: &String| known.history.model(name).map(crate::history::Model::sums);
    let rows: Vec<(String, Sums)> = asked
        .iter()
        .map(|name| (name.clone(), sums(name).unwrap_or_default()))
        .collect();
    drop(known);
    let measured = rows.iter().filter(|(_, sums)| sums.count > 0);
    let best = measured.max_by(|a, b| a.1.quality().total_cmp(&b.1.quality()));
    let reason = match best {
        None => "none of these models has analyses".to_owned(),
        Some((name, sums)) => {
            format!("{name} has the best mean quality, {:.2}", sums.quality())
        }
    };
    let table: Vec<Value> = rows.iter().map(|(name, sums)| row(name, sums)).collect();
    if table.len() > 100 {
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "models: expected at most 100 names",
        ));
    }
    Ok(Json(json!({
        "models": table,
        "recommendation": best.map(|(name, _)| name),
        "reason": reason,
    })))
}
