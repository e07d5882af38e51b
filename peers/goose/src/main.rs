//! The Application Agent's tasks for goose, chosen by weight, with random bodies. The scenario `plain` sends GET requests
//! to one path. Users have no think time.

use goose::goose::GooseResponse;
use goose::prelude::*;
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

const PROMPTS: [&str; 5] = [
    "What is AI?",
    "Explain machine learning",
    "How does deep learning work?",
    "What are neural networks?",
    "Describe natural language processing",
];
const RESPONSES: [&str; 5] = [
    "AI is artificial intelligence, the field of building machines that can perceive, learn and reason.",
    "Machine learning is a branch of AI in which models learn patterns from data. For example, a model can learn to sort mail.",
    "Deep learning works with many layers of neurons. However, it needs a lot of data, and therefore a lot of compute.",
    "Neural networks are layered functions, inspired by the brain, whose weights are learned from examples.",
    "Natural language processing lets computers read and write human language. It might use statistics, rules or neural networks.",
];
const MODELS: [&str; 3] = ["model-v1", "model-v2", "model-v3"];
const CONFIGS: [&str; 5] = ["v1.0.0", "v2.0.0", "v3.0.0", "v4.0.0", "v5.0.0"];
const ANALYTICS: [&str; 3] = [
    "/analytics/summary",
    "/analytics/trends",
    "/analytics/comparison?models=model-v1,model-v2",
];

#[tokio::main]
async fn main() -> Result<(), GooseError> {
    let agent = scenario!("Agent")
        .register_transaction(transaction!(analyze).set_weight(10)?)
        .register_transaction(transaction!(insights).set_weight(5)?)
        .register_transaction(transaction!(baseline).set_weight(3)?)
        .register_transaction(transaction!(detect).set_weight(3)?)
        .register_transaction(transaction!(analytics).set_weight(3)?)
        .register_transaction(transaction!(validation).set_weight(2)?)
        .register_transaction(transaction!(workflow).set_weight(2)?)
        .register_transaction(transaction!(config).set_weight(2)?)
        .register_transaction(transaction!(health).set_weight(1)?)
        .register_transaction(transaction!(stats).set_weight(1)?);
    let plain = scenario!("Plain").register_transaction(transaction!(root));
    GooseAttack::initialize()?
        .register_scenario(agent)
        .register_scenario(plain)
        .set_scheduler(GooseScheduler::Random)
        .execute()
        .await?;
    Ok(())
}

fn one_of(list: &[&'static str]) -> &'static str {
    list.choose(&mut rand::rng()).copied().unwrap_or_default()
}

fn uniform(low: f64, high: f64) -> f64 {
    rand::rng().random_range(low..=high)
}

/// Reads the body, so that the connection can be reused.
async fn read_body(response: GooseResponse) -> TransactionResult {
    response.response?.bytes().await?;
    Ok(())
}

async fn get(user: &mut GooseUser, path: &str) -> TransactionResult {
    read_body(user.get(path).await?).await
}

async fn post(user: &mut GooseUser, path: &str, body: Value) -> TransactionResult {
    read_body(user.post_json(path, &body).await?).await
}

async fn root(user: &mut GooseUser) -> TransactionResult {
    get(user, "/").await
}

async fn analyze(user: &mut GooseUser) -> TransactionResult {
    let body = json!({
        "prompt": one_of(&PROMPTS),
        "response": one_of(&RESPONSES),
        "model_id": one_of(&MODELS),
    });
    post(user, "/quality/analyze", body).await
}

async fn insights(user: &mut GooseUser) -> TransactionResult {
    get(user, "/quality/insights").await
}

async fn baseline(user: &mut GooseUser) -> TransactionResult {
    let body = json!({
        "model_name": one_of(&MODELS),
        "config_hash": one_of(&CONFIGS),
        "sample_size": 100,
    });
    post(user, "/regression/baseline", body).await
}

async fn detect(user: &mut GooseUser) -> TransactionResult {
    let body = json!({
        "model_name": one_of(&MODELS),
        "config_hash": "v1.0.0",
        "current_quality": uniform(70.0, 95.0),
    });
    post(user, "/regression/detect", body).await
}

async fn analytics(user: &mut GooseUser) -> TransactionResult {
    let response = user.get_named(one_of(&ANALYTICS), "/analytics/*").await?;
    read_body(response).await
}

async fn validation(user: &mut GooseUser) -> TransactionResult {
    let body = json!({
        "name": format!("validation-{}", rand::rng().random_range(1..=1000)),
        "model_name": one_of(&MODELS),
        "baseline_quality": uniform(80.0, 90.0),
        "new_quality": uniform(85.0, 95.0),
    });
    post(user, "/validation/create", body).await
}

async fn workflow(user: &mut GooseUser) -> TransactionResult {
    let body = json!({
        "model_name": one_of(&MODELS),
        "prompt": one_of(&PROMPTS),
        "response": one_of(&RESPONSES),
    });
    post(user, "/workflow/validate", body).await
}

async fn config(user: &mut GooseUser) -> TransactionResult {
    get(user, "/config/current").await
}

async fn health(user: &mut GooseUser) -> TransactionResult {
    get(user, "/health").await
}

async fn stats(user: &mut GooseUser) -> TransactionResult {
    get(user, "/admin/stats").await
}
