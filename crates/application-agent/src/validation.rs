//! Validations: whether a new version is good enough to deploy.

use serde::Serialize;

use crate::scoring::two_decimals;

/// Decision on a change of quality, with the field names of the API.
#[expect(clippy::struct_field_names, reason = "field names of the API")]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Decision {
    pub(crate) decision: &'static str,
    pub(crate) confidence: f64,
    pub(crate) quality_change: f64,
    pub(crate) quality_change_percentage: f64,
    pub(crate) statistically_significant: bool,
    pub(crate) recommendation: &'static str,
    pub(crate) reasoning: Vec<String>,
}

/// Decides on a change: an improvement or a change under 2 % is approved, a drop of up to 5 % needs a review, and a larger one
/// is rejected.
pub(crate) fn decide(before: f64, after: f64) -> Decision {
    let change = after - before;
    let percent = if before > 0.0 {
        change / before * 100.0
    } else {
        0.0
    };
    let (decision, confidence, recommendation, why) = if percent.abs() < 2.0 {
        (
            "approve",
            0.90,
            "deploy: the quality is the same",
            "the change is under 2 %",
        )
    } else if percent > 0.0 {
        (
            "approve",
            0.85,
            "deploy: the quality is better",
            "quality rose",
        )
    } else if percent >= -5.0 {
        (
            "manual_review",
            0.70,
            "review before deployment",
            "the drop is between 2 and 5 %",
        )
    } else {
        (
            "reject",
            0.95,
            "keep the previous version",
            "the drop is over 5 %",
        )
    };
    Decision {
        decision,
        confidence,
        quality_change: two_decimals(change),
        quality_change_percentage: two_decimals(percent),
        statistically_significant: percent.abs() >= 2.0,
        recommendation,
        reasoning: vec![
            format!("quality went from {before:.2} to {after:.2} ({percent:+.2} %)"),
            why.to_owned(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_follows_the_size_of_the_change() {
        let cases = [
            (80.0, 90.0, "approve", 0.85),
            (80.0, 81.0, "approve", 0.90),
            (80.0, 79.0, "approve", 0.90),
            (100.0, 98.0, "manual_review", 0.70),
            (100.0, 95.0, "manual_review", 0.70),
            (100.0, 94.9, "reject", 0.95),
            (0.0, 50.0, "approve", 0.90),
        ];
        for (before, after, decision, confidence) in cases {
            let found = decide(before, after);
            assert_eq!(found.decision, decision, "{before} to {after}");
            assert!(
                (found.confidence - confidence).abs() < 1e-9,
                "{before} to {after}"
            );
        }
    }
}
