//! Responses of every route to valid and invalid requests.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::router;
use crate::state::State;
use crate::store::{Database, Store};
use crate::usage::Usage;

fn agent() -> Router {
    agent_with(&Database::Memory, 1000)
}

fn agent_with(database: &Database, retention: usize) -> Router {
    let (store, left) = Store::open(database, retention).unwrap();
    let usage = Usage::start().unwrap();
    router(Arc::new(State::new(
        database.clone(),
        retention,
        store,
        left,
        usage,
    )))
}

async fn ask(agent: &Router, method: Method, path: &str, body: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = agent.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 10 << 20).await.unwrap();
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

async fn post(agent: &Router, path: &str, body: Value) -> (u16, Value) {
    ask(agent, Method::POST, path, &body.to_string()).await
}

async fn get(agent: &Router, path: &str) -> (u16, Value) {
    ask(agent, Method::GET, path, "").await
}

async fn analyze(agent: &Router, model: &str) -> Value {
    let body = json!({"prompt": "What is AI?", "response": "AI is artificial intelligence...", "model_id": model});
    let (status, response) = post(agent, "/quality/analyze", body).await;
    assert_eq!(status, 200, "{response}");
    response
}

#[tokio::test]
async fn documented_example_has_the_documented_scores() {
    let response = analyze(&agent(), "m").await;
    assert_eq!(response["relevance"]["score"], 63.33);
    assert_eq!(response["coherence"]["score"], 76.0);
    assert_eq!(response["hallucination"]["hallucination_rate"], 0.0);
    assert_eq!(response["overall_quality"], 75.73);
    assert_eq!(response["quality_grade"], "C");
    assert_eq!(response["model_name"], "m");
    for field in [
        "request_id",
        "timestamp",
        "prompt",
        "response",
        "processing_time_ms",
        "metadata",
    ] {
        assert!(!response[field].is_null(), "{field}");
    }
}

#[tokio::test]
async fn invalid_body_is_rejected_by_field() {
    let agent = agent();
    let cases = [
        (
            "/quality/analyze",
            json!({"prompt": "p"}),
            "response: expected a text",
        ),
        (
            "/quality/analyze",
            json!({"prompt": 5, "response": "r"}),
            "prompt: expected a text",
        ),
        (
            "/quality/analyze",
            json!({"prompt": "p", "response": "r", "metadata": 1}),
            "metadata: expected an object",
        ),
        (
            "/quality/analyze",
            json!([1]),
            "body: expected a JSON object",
        ),
        (
            "/regression/baseline",
            json!({"model_name": "m", "baseline_type": "odd"}),
            "baseline_type: expected one of rolling, fixed, adaptive",
        ),
        (
            "/regression/baseline",
            json!({"model_name": "m".repeat(201)}),
            "model_name: expected a text of at most 200 bytes",
        ),
        (
            "/regression/baseline",
            json!({"model_name": "m", "sample_size": 0}),
            "sample_size: expected a whole number",
        ),
        (
            "/regression/detect",
            json!({"model_name": "m", "current_quality": 101}),
            "current_quality: expected a number from 0 to 100",
        ),
        (
            "/validation/create",
            json!({"name": "n", "model_name": "m", "baseline_quality": 1}),
            "new_quality: expected a number",
        ),
        (
            "/workflow/validate",
            json!({"model_name": "m", "prompt": "p"}),
            "response: expected a text",
        ),
    ];
    for (path, body, expected) in cases {
        let (status, response) = post(&agent, path, body).await;
        assert_eq!(status, 422, "{path} {response}");
        let detail = response["detail"].as_str().unwrap();
        assert!(detail.starts_with(expected), "{detail} for {expected}");
    }
}

#[tokio::test]
async fn invalid_query_is_rejected_by_parameter() {
    let agent = agent();
    for (path, expected) in [
        (
            "/analytics/summary?period=1d",
            "period: expected one of 7d, 30d, 90d",
        ),
        (
            "/analytics/trends?metric=x",
            "metric: expected one of quality, latency",
        ),
        ("/analytics/comparison", "models: expected names"),
    ] {
        let (status, response) = get(&agent, path).await;
        let detail = response["detail"].as_str().unwrap();
        assert!(
            status == 422 && detail.starts_with(expected),
            "{path}: {status} {detail}"
        );
    }
    let (status, response) = ask(&agent, Method::POST, "/quality/analyze", "{").await;
    assert_eq!(status, 422);
    assert!(
        response["detail"]
            .as_str()
            .unwrap()
            .starts_with("body: expected JSON"),
        "{response}"
    );
}

#[tokio::test]
async fn unknown_path_method_and_size_have_their_status_codes() {
    let agent = agent();
    assert_eq!(get(&agent, "/nowhere").await.0, 404);
    assert!(get(&agent, "/nowhere").await.1["detail"].is_string());
    assert_eq!(get(&agent, "/quality/analyze").await.0, 405);
    assert!(get(&agent, "/quality/analyze").await.1["detail"].is_string());
    let large = json!({"prompt": "p", "response": "r".repeat(1 << 20)});
    let (status, response) = post(&agent, "/quality/analyze", large).await;
    assert_eq!(status, 413);
    assert!(response["detail"].is_string());
}

#[tokio::test]
async fn baselines_need_analyses_and_detection_needs_a_baseline() {
    let agent = agent();
    let ask = json!({"model_name": "m", "config_hash": "c"});
    assert_eq!(
        post(&agent, "/regression/baseline", ask.clone()).await.0,
        400
    );
    let detect = json!({"model_name": "m", "config_hash": "c", "current_quality": 50.0});
    assert_eq!(
        post(&agent, "/regression/detect", detect.clone()).await.0,
        404
    );
    analyze(&agent, "other").await;
    let (status, baseline) = post(&agent, "/regression/baseline", ask).await;
    assert_eq!(status, 201, "all models' analyses serve where it has none");
    assert_eq!(
        (&baseline["sample_size"], &baseline["status"]),
        (&json!(1), &json!("active"))
    );
    assert_eq!(baseline["metrics"]["mean_quality"], 75.73);
    let (status, found) = post(&agent, "/regression/detect", detect).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&found["regression_detected"], &found["severity"]),
        (&json!(true), &json!("critical"))
    );
    assert_eq!(found["quality_drop"], 25.73);
    assert!(found["alert"].is_string());
    let better = json!({"model_name": "m", "config_hash": "c", "current_quality": 76.0});
    let (_, found) = post(&agent, "/regression/detect", better).await;
    assert_eq!(
        (&found["regression_detected"], &found["alert"]),
        (&json!(false), &Value::Null)
    );
}

#[tokio::test]
async fn workflow_creates_a_baseline_from_ten_analyses() {
    let agent = agent();
    let body = json!({"model_name": "m", "prompt": "What is AI?", "response": "AI is artificial intelligence..."});
    for number in 1..=10 {
        let (status, response) = post(&agent, "/workflow/validate", body.clone()).await;
        let expected = if number < 10 {
            "baseline_checked"
        } else {
            "completed"
        };
        assert_eq!(
            (status, response["status"].as_str()),
            (200, Some(expected)),
            "{number}"
        );
        assert_eq!(response["decision"].is_null(), number < 10);
        assert_eq!(response["errors"], json!([]));
    }
}

#[tokio::test]
async fn validation_returns_a_decision() {
    let body = json!({"name": "n", "model_name": "m", "baseline_quality": 90, "new_quality": 80, "metadata": {"a": 1}});
    let (status, response) = post(&agent(), "/validation/create", body).await;
    assert_eq!(
        (status, response["decision"].as_str()),
        (201, Some("reject"))
    );
    assert_eq!(response["quality_change"], -10.0);
    assert!(response["validation_id"].is_string() && response["reasoning"].is_array());
}

#[tokio::test]
async fn insights_and_analytics_follow_the_analyses() {
    let agent = agent();
    assert_eq!(
        get(&agent, "/quality/insights").await.1["status"],
        "no_data"
    );
    for model in ["a", "a", "b"] {
        analyze(&agent, model).await;
    }
    let insights = get(&agent, "/quality/insights").await.1;
    assert_eq!(
        (&insights["status"], &insights["total_analyzed"]),
        (&json!("ok"), &json!(3))
    );
    assert_eq!(insights["average_quality"], 75.73);
    let summary = get(&agent, "/analytics/summary").await.1;
    assert_eq!(
        (&summary["total_requests"], &summary["period"]),
        (&json!(3), &json!("30d"))
    );
    assert_eq!(summary["top_models"][0]["model_name"], "a");
    assert_eq!(summary["success_rate"], 100.0);
    let trends = get(&agent, "/analytics/trends").await.1;
    assert_eq!(
        (
            &trends["data"][0]["sample_count"],
            &trends["trend_direction"]
        ),
        (&json!(3), &json!("stable"))
    );
    let comparison = get(&agent, "/analytics/comparison?models=a,b,none").await.1;
    let counts: Vec<_> = comparison["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["requests"].clone())
        .collect();
    assert_eq!(counts, [2, 1, 0]);
    assert!(comparison["recommendation"].is_string());
}

#[tokio::test]
async fn agent_reports_its_config_health_and_usage() {
    let agent = agent();
    for path in ["/health", "/health/", "/health/live", "/health/ready"] {
        let (status, health) = get(&agent, path).await;
        assert_eq!(
            (status, health["status"].as_str()),
            (200, Some("healthy")),
            "{path}"
        );
    }
    let (_, config) = get(&agent, "/config/current").await;
    assert_eq!(
        config["snapshot_id"],
        get(&agent, "/config/current").await.1["snapshot_id"]
    );
    analyze(&agent, "m").await;
    let (status, stats) = get(&agent, "/admin/stats").await;
    assert_eq!((status, &stats["kept"]["analyses"]), (200, &json!(1)));
    assert!(stats["uptime_seconds"].is_number() && stats["cpu_percent"].is_number());
}

#[tokio::test]
async fn agent_on_an_existing_database_continues_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::File(folder.path().join("agent.db"));
    let first = agent_with(&database, 150);
    for _ in 0..200 {
        analyze(&first, "m").await;
    }
    post(&first, "/regression/baseline", json!({"model_name": "m"})).await;
    drop(first);
    let second = agent_with(&database, 150);
    let stats = get(&second, "/admin/stats").await.1;
    assert_eq!(
        (&stats["kept"]["analyses"], &stats["kept"]["baselines"]),
        (&json!(150), &json!(1))
    );
    let detect = json!({"model_name": "m", "current_quality": 75.73});
    assert_eq!(post(&second, "/regression/detect", detect).await.0, 200);
    let Database::File(path) = &database else {
        unreachable!()
    };
    drop(second);
    let connection = rusqlite::Connection::open(path).unwrap();
    let rows: i64 = connection
        .query_row("SELECT count(*) FROM analyses", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 150);
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&database, 10).err().unwrap().to_string();
    assert!(error.contains("version 99"), "{error}");
}
