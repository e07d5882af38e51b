//! State shared by all requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use uuid::Uuid;

use crate::analysis::{Kept, hundredths};
use crate::baseline::{Baseline, Baselines, Metrics};
use crate::history::History;
use crate::scoring::{self, Scores};
use crate::store::{Database, Left, Row, Store};
use crate::usage::Usage;

/// Stored length of a prompt and of a response, in bytes.
const TEXT_KEPT: usize = 4096;

/// State shared by all requests.
pub(crate) struct State {
    pub(crate) agent_id: Uuid,
    pub(crate) started: Instant,
    pub(crate) database: Database,
    pub(crate) retention: usize,
    pub(crate) usage: Usage,
    pub(crate) validations: AtomicU64,
    /// Number of invalid requests for an analysis.
    pub(crate) refused: AtomicU64,
    known: Mutex<Known>,
    store: Store,
}

/// Extractor of the state for handlers.
pub(crate) type SharedState = axum::extract::State<Arc<State>>;

/// Data of models.
pub(crate) struct Known {
    pub(crate) history: History,
    pub(crate) baselines: Baselines,
}

/// Scored response.
pub(crate) struct Analysis {
    pub(crate) at: Timestamp,
    pub(crate) scores: Scores,
    pub(crate) processing_time_ms: f64,
}

impl State {
    pub(crate) fn new(
        database: Database,
        retention: usize,
        store: Store,
        left: Left,
        usage: Usage,
    ) -> Self {
        let mut history = History::new(retention);
        left.analyses
            .iter()
            .for_each(|(model, kept)| history.keep(model, *kept));
        let mut baselines = Baselines::default();
        left.baselines
            .into_iter()
            .for_each(|baseline| baselines.put(baseline));
        Self {
            agent_id: Uuid::new_v4(),
            started: Instant::now(),
            database,
            retention,
            usage,
            validations: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            known: Mutex::new(Known { history, baselines }),
            store,
        }
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scores and stores a response.
    pub(crate) fn analyze(&self, model: &str, prompt: &str, response: &str) -> Analysis {
        let started = Instant::now();
        let at = Timestamp::now();
        let scores = scoring::score(prompt, response);
        let took = started.elapsed();
        let kept = Kept {
            day: day_of(at),
            quality: hundredths(scores.overall_quality),
            relevance: hundredths(scores.relevance.score),
            coherence: hundredths(scores.coherence.score),
            hallucination: hundredths(scores.hallucination.hallucination_rate),
            latency_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
        };
        self.known().history.keep(model, kept);
        self.store.write(Row::Analysis {
            model: model.to_owned(),
            prompt: beginning(prompt).to_owned(),
            response: beginning(response).to_owned(),
            kept,
            at: at.to_string(),
        });
        Analysis {
            at,
            scores,
            processing_time_ms: took.as_secs_f64() * 1e3,
        }
    }

    /// Creates a baseline from the latest analyses; `None` if there are no analyses.
    pub(crate) fn make_baseline(
        &self,
        model: &str,
        config: &str,
        baseline_type: &str,
        sample_size: usize,
        threshold_percentage: f64,
    ) -> Option<Baseline> {
        let mut known = self.known();
        let samples = known.history.sample(model, sample_size);
        if samples.is_empty() {
            return None;
        }
        let baseline = Baseline {
            baseline_id: Uuid::new_v4(),
            model_name: model.to_owned(),
            config_hash: config.to_owned(),
            baseline_type: baseline_type.to_owned(),
            threshold_percentage,
            metrics: Metrics::of(&samples),
            sample_size: samples.len(),
            created_at: Timestamp::now(),
            status: "active".to_owned(),
        };
        known.baselines.put(baseline.clone());
        drop(known);
        self.store.write(Row::Baseline(Box::new(baseline.clone())));
        Some(baseline)
    }

    /// Stores the outcome of a validation.
    pub(crate) fn keep_validation(
        &self,
        id: Uuid,
        name: &str,
        model: &str,
        decision: &'static str,
    ) {
        self.validations.fetch_add(1, Ordering::Relaxed);
        self.store.write(Row::Validation {
            id: id.to_string(),
            name: name.to_owned(),
            model: model.to_owned(),
            decision,
            at: Timestamp::now().to_string(),
        });
    }
}

/// Days since 1970-01-01, UTC.
pub(crate) fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

/// Stored prefix of a text.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_KEPT)]
}
