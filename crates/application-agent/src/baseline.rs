//! Baselines: the earlier quality of a model, and drops since then.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::analysis::{Kept, Sums};
use crate::scoring::two_decimals;

/// Maximum number of (model, config) pairs with a baseline.
const BASELINES_MAX: usize = 1000;

/// Baseline of a model and config, with the field names of the API.
#[expect(clippy::struct_field_names, reason = "field names of the API")]
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
pub(crate) struct Baseline {
    pub(crate) baseline_id: Uuid,
    pub(crate) model_name: String,
    pub(crate) config_hash: String,
    pub(crate) baseline_type: String,
    pub(crate) threshold_percentage: f64,
    pub(crate) metrics: Metrics,
    pub(crate) sample_size: usize,
    pub(crate) created_at: Timestamp,
    pub(crate) status: String,
}

/// Content of a baseline.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
pub(crate) struct Metrics {
    pub(crate) mean_quality: f64,
    pub(crate) mean_relevance: f64,
    pub(crate) mean_coherence: f64,
    pub(crate) mean_hallucination: f64,
    pub(crate) std_quality: f64,
    pub(crate) min_quality: f64,
    pub(crate) max_quality: f64,
}

impl Metrics {
    /// Creates a baseline from at least one analysis.
    pub(crate) fn of(samples: &[Kept]) -> Self {
        let mut sums = Sums::default();
        samples.iter().for_each(|kept| sums.add(kept));
        let mean = sums.quality();
        let quality = |kept: &Kept| kept.quality as f64 / 100.0;
        let squares: f64 = samples
            .iter()
            .map(|kept| (quality(kept) - mean).powi(2))
            .sum();
        let freedom = samples.len().saturating_sub(1).max(1);
        Self {
            mean_quality: two_decimals(mean),
            mean_relevance: two_decimals(sums.relevance()),
            mean_coherence: two_decimals(sums.coherence()),
            mean_hallucination: two_decimals(sums.hallucination()),
            std_quality: two_decimals((squares / freedom as f64).sqrt()),
            min_quality: samples.iter().map(quality).fold(f64::INFINITY, f64::min),
            max_quality: samples.iter().map(quality).fold(0.0, f64::max),
        }
    }
}

/// The newest baseline of each model and config.
#[derive(Debug, Default)]
pub(crate) struct Baselines {
    active: HashMap<(String, String), Baseline>,
    /// Pairs in the order of their first baseline.
    order: VecDeque<(String, String)>,
}

impl Baselines {
    /// Activates a baseline for its model and config.
    pub(crate) fn put(&mut self, baseline: Baseline) {
        let key = (baseline.model_name.clone(), baseline.config_hash.clone());
        if self.active.insert(key.clone(), baseline).is_none() {
            self.order.push_back(key);
            if self.order.len() > BASELINES_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.active.remove(&oldest);
            }
        }
    }

    pub(crate) fn get(&self, model: &str, config: &str) -> Option<&Baseline> {
        self.active.get(&(model.to_owned(), config.to_owned()))
    }

    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }
}

/// Result of a comparison with a baseline.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Detection {
    pub(crate) regression_detected: bool,
    pub(crate) regression_score: f64,
    pub(crate) severity: &'static str,
    pub(crate) quality_drop: f64,
    pub(crate) quality_drop_percentage: f64,
    pub(crate) baseline_quality: f64,
    pub(crate) current_quality: f64,
    pub(crate) z_score: f64,
    pub(crate) alert: Option<String>,
    pub(crate) timestamp: Timestamp,
}

/// Compares a quality of 0 to 100 with a baseline.
pub(crate) fn detect(baseline: &Baseline, current_quality: f64) -> Detection {
    let before = baseline.metrics.mean_quality;
    let drop = before - current_quality;
    let percent = if before > 0.0 {
        drop / before * 100.0
    } else {
        0.0
    };
    let spread = baseline.metrics.std_quality;
    let z_score = if spread > 0.0 {
        (current_quality - before) / spread
    } else {
        0.0
    };
    let regression_detected = percent > baseline.threshold_percentage;
    let severity = severity(percent);
    let alert = regression_detected.then(|| {
        format!(
            "quality of {} dropped by {percent:.1} % ({severity})",
            baseline.model_name
        )
    });
    Detection {
        regression_detected,
        regression_score: two_decimals(percent.clamp(0.0, 100.0)),
        severity,
        quality_drop: two_decimals(drop),
        quality_drop_percentage: two_decimals(percent),
        baseline_quality: before,
        current_quality,
        z_score: two_decimals(z_score),
        alert,
        timestamp: Timestamp::now(),
    }
}

/// Severity of a drop, in percent of the baseline.
fn severity(percent: f64) -> &'static str {
    match percent {
        percent if percent < 5.0 => "none",
        percent if percent < 10.0 => "minor",
        percent if percent < 20.0 => "moderate",
        percent if percent < 30.0 => "severe",
        _ => "critical",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_follows_the_size_of_the_drop() {
        let cases = [
            (-3.0, "none"),
            (4.99, "none"),
            (5.0, "minor"),
            (9.99, "minor"),
            (10.0, "moderate"),
            (20.0, "severe"),
            (30.0, "critical"),
        ];
        for (percent, expected) in cases {
            assert_eq!(severity(percent), expected, "{percent}");
        }
    }
}
