//! Scoring: the quality of a response, computed only from the words of prompt and response.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

const STOP_WORDS: [&str; 11] = [
    "the", "a", "an", "and", "or", "but", "in", "on", "at", "to", "for",
];
const QUESTION_WORDS: [&str; 6] = ["what", "when", "where", "who", "why", "how"];

/// Scores of a response.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Scores {
    /// Relevance of the response to the prompt.
    pub(crate) relevance: Relevance,
    /// Coherence of the response.
    pub(crate) coherence: Coherence,
    /// Risk that the response is hallucinated.
    pub(crate) hallucination: Hallucination,
    /// 0 to 100, two decimals.
    pub(crate) overall_quality: f64,
    /// A to F.
    pub(crate) quality_grade: char,
}

/// Relevance of a response to its prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Relevance {
    /// 0 to 100.
    pub(crate) score: f64,
    /// Share of the prompt's words found in the response, 0 to 1.
    pub(crate) keyword_overlap: f64,
    /// Whether the response has 10 to 500 words.
    pub(crate) length_appropriate: bool,
    /// Whether the prompt is not a question, or the response addresses it.
    pub(crate) question_type_match: bool,
}

/// Coherence of a response.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Coherence {
    /// 0 to 100.
    pub(crate) score: f64,
    /// Share of sentences of three words or more, in percent.
    pub(crate) sentence_quality: f64,
    /// Derived from the number of transition words.
    pub(crate) logical_flow: f64,
    /// Whether a contradiction pattern was found.
    pub(crate) contradictions: bool,
    /// Derived from the mean number of words per sentence.
    pub(crate) readability: f64,
}

/// Risk that a response is hallucinated.
#[expect(clippy::struct_field_names, reason = "field names of the API")]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Hallucination {
    /// 0 to 100.
    pub(crate) hallucination_rate: f64,
    /// Number of hedging phrases.
    pub(crate) confidence_markers: usize,
    /// Years, percentages and dollar amounts per 100 words, at most 10.
    pub(crate) unsupported_claims: f64,
    /// Numbers of five or more digits, at most 5.
    pub(crate) numeric_precision: usize,
    /// LOW, MEDIUM or HIGH.
    pub(crate) risk_level: &'static str,
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern, compiled by tests")
}

static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"\w+"));
static SENTENCE_END: LazyLock<Regex> = LazyLock::new(|| pattern(r"[.!?]+"));
static TRANSITION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(however|therefore|moreover|furthermore|additionally|consequently|thus|hence|meanwhile|nevertheless|for example|for instance|in addition|as a result|on the other hand|in contrast|finally|first|second|third|then|because)\b",
    )
});
static CONTRADICTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?is)\b(?:is|are|was|were|can|will|does|do)\b[^.!?]*\bbut\b[^.!?]*\b(?:is not|isn't|are not|aren't|was not|wasn't|were not|weren't|cannot|can't|will not|won't|does not|doesn't|do not|don't)\b|\balways\b[^.!?]*\bnever\b|\bnever\b[^.!?]*\balways\b",
    )
});
static HEDGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(might|maybe|perhaps|possibly|probably|could be|may be|i think|i believe|it seems|seems to|appears to|likely|supposedly|allegedly|reportedly)\b",
    )
});
static CLAIM: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:1[0-9]|20)\d{2}\b|\b\d+(?:\.\d+)?\s?%|\$\d[\d,]*(?:\.\d+)?"));
static LONG_NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d{5,}\b"));

/// Scores a response to a prompt.
pub(crate) fn score(prompt: &str, response: &str) -> Scores {
    let relevance = relevance(prompt, response);
    let coherence = coherence(response);
    let hallucination = hallucination(response);
    let overall = 0.4 * relevance.score
        + 0.4 * coherence.score
        + 0.2 * (100.0 - hallucination.hallucination_rate);
    let overall_quality = two_decimals(overall);
    let quality_grade = grade(overall_quality);
    Scores {
        relevance,
        coherence,
        hallucination,
        overall_quality,
        quality_grade,
    }
}

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    WORD.find_iter(&lower)
        .map(|word| word.as_str().to_owned())
        .collect()
}

fn key_words(words: &[String]) -> HashSet<&str> {
    let all = words.iter().map(String::as_str);
    all.filter(|word| !STOP_WORDS.contains(word)).collect()
}

fn relevance(prompt: &str, response: &str) -> Relevance {
    let (asked, answered) = (words(prompt), words(response));
    let (asked_about, found) = (key_words(&asked), key_words(&answered));
    let overlap = if asked_about.is_empty() {
        0.0
    } else {
        asked_about.intersection(&found).count() as f64 / asked_about.len() as f64
    };
    let length_appropriate = (10..=500).contains(&answered.len());
    let is_question = asked
        .iter()
        .any(|word| QUESTION_WORDS.contains(&word.as_str()));
    let question_type_match = !is_question || !response.trim().is_empty();
    let score = 50.0 * overlap
        + if length_appropriate { 30.0 } else { 10.0 }
        + if question_type_match { 20.0 } else { 0.0 };
    Relevance {
        score: two_decimals(score.min(100.0)),
        keyword_overlap: overlap,
        length_appropriate,
        question_type_match,
    }
}

fn coherence(response: &str) -> Coherence {
    let lengths: Vec<usize> = SENTENCE_END
        .split(response)
        .map(|sentence| WORD.find_iter(sentence).count())
        .filter(|length| *length > 0)
        .collect();
    let whole = lengths.iter().filter(|length| **length >= 3).count();
    let share = |part: usize| part as f64 / lengths.len().max(1) as f64;
    let sentence_quality = 100.0 * share(whole);
    let mean_length = share(lengths.iter().sum());
    let logical_flow = match TRANSITION.find_iter(response).count() {
        0 => 60.0,
        1..=3 => 90.0,
        _ => 75.0,
    };
    let readability = match mean_length {
        15.0..=20.0 => 100.0,
        10.0..=25.0 => 80.0,
        _ => 60.0,
    };
    let contradictions = CONTRADICTION.is_match(response);
    let score = 0.3 * (sentence_quality + logical_flow + readability)
        + if contradictions { 0.0 } else { 10.0 };
    Coherence {
        score: two_decimals(score.min(100.0)),
        sentence_quality,
        logical_flow,
        contradictions,
        readability,
    }
}

fn hallucination(response: &str) -> Hallucination {
    let confidence_markers = HEDGE.find_iter(response).count();
    let words = WORD.find_iter(response).count().max(1) as f64;
    let claims = CLAIM.find_iter(response).count() as f64;
    let unsupported_claims = (claims * 100.0 / words).min(10.0);
    let numeric_precision = LONG_NUMBER.find_iter(response).count().min(5);
    let rate = 10.0 * (confidence_markers as f64 + unsupported_claims + numeric_precision as f64);
    let hallucination_rate = two_decimals(rate.min(100.0));
    let risk_level = match hallucination_rate {
        rate if rate < 20.0 => "LOW",
        rate if rate < 50.0 => "MEDIUM",
        _ => "HIGH",
    };
    Hallucination {
        hallucination_rate,
        confidence_markers,
        unsupported_claims,
        numeric_precision,
        risk_level,
    }
}

/// Grade of a quality from 0 to 100.
pub(crate) fn grade(quality: f64) -> char {
    match quality {
        quality if quality >= 90.0 => 'A',
        quality if quality >= 80.0 => 'B',
        quality if quality >= 70.0 => 'C',
        quality if quality >= 60.0 => 'D',
        _ => 'F',
    }
}

pub(crate) fn two_decimals(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relevance_counts_words_length_and_question() {
        let long = "one two three four five six seven eight nine ten";
        let cases = [
            ("What is AI?", "AI is artificial intelligence...", 63.33),
            ("one two", long, 100.0),
            ("the one", long, 100.0),
            ("How?", "  ", 10.0),
            ("tell", "", 30.0),
            ("ONE six", "one", 25.0 + 10.0 + 20.0),
        ];
        for (prompt, response, expected) in cases {
            let found = relevance(prompt, response).score;
            assert!(
                (found - expected).abs() < 1e-9,
                "{prompt} / {response}: {found}"
            );
        }
    }

    #[test]
    fn coherence_counts_sentences_transitions_and_contradictions() {
        let fifteen = "a b c d e f g h i j k l m n o.";
        let cases = [
            ("AI is artificial intelligence...", 76.0),
            (fifteen, 0.3 * (100.0 + 60.0 + 100.0) + 10.0),
            ("It is so. However, no.", 0.3 * (50.0 + 90.0 + 60.0) + 10.0),
            ("It is always so and never so.", 0.3 * (100.0 + 60.0 + 60.0)),
            ("", 0.3 * (0.0 + 60.0 + 60.0) + 10.0),
        ];
        for (response, expected) in cases {
            let found = coherence(response).score;
            assert!(
                (found - expected).abs() < 0.006,
                "{response}: {found}, not {expected}"
            );
        }
    }

    #[test]
    fn hallucination_counts_hedges_claims_and_long_numbers() {
        let hundred = "word ".repeat(99);
        let cases = [
            ("plain words".to_owned(), 0.0, "LOW"),
            ("maybe it might".to_owned(), 20.0, "MEDIUM"),
            (format!("{hundred} 12345"), 10.0, "LOW"),
            (format!("{hundred} 1999"), 10.0, "LOW"),
            ("in 1999 it cost $5 and 7%".to_owned(), 100.0, "HIGH"),
        ];
        for (response, rate, risk) in cases {
            let found = hallucination(&response);
            assert!(
                (found.hallucination_rate - rate).abs() < 0.2,
                "{response}: {found:?}"
            );
            assert_eq!(found.risk_level, risk, "{response}");
        }
    }

    #[test]
    fn grades_begin_at_their_bounds() {
        let bounds = [
            (90.0, 'A'),
            (89.99, 'B'),
            (80.0, 'B'),
            (70.0, 'C'),
            (60.0, 'D'),
            (59.99, 'F'),
        ];
        for (quality, expected) in bounds {
            assert_eq!(grade(quality), expected, "{quality}");
        }
    }
}
