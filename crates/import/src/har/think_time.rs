//! Think time, from the gaps of a recording.

use crate::draft::{Pause, Wait};
use crate::har::exchange::Exchange;
use crate::recorded_request::RecordedRequest;

/// Longest gap that counts, since a user with a longer pause does not use the service.
const GAP_MAX_MS: f64 = 60_000.0;

/// Shortest gap that is a pause of a person. Shorter ones are those of a program, such as a browser that loads a page.
const GAP_MIN_MS: f64 = 100.0;

/// Pauses of a journey.
#[derive(Debug)]
pub(super) struct Pauses {
    /// The pause after each request, if there is one.
    pub(super) after: Vec<Option<Pause>>,
    /// Whether the recording has times.
    pub(super) are_known: bool,
}

/// The recorded pauses, each 0.5 to 1.5 times as long. The last request has the mean pause, since the journey starts again.
pub(super) fn pauses(exchanges: &[Exchange]) -> Pauses {
    let times: Option<Vec<(f64, f64)>> = exchanges
        .iter()
        .map(|exchange| exchange.request.times_ms)
        .collect();
    let Some(times) = times.filter(|times| times.len() >= 2) else {
        return Pauses {
            after: vec![None; exchanges.len()],
            are_known: false,
        };
    };
    let mut ended_ms = times[0].1;
    let mut gaps_ms = Vec::new();
    for (start, end) in &times[1..] {
        gaps_ms.push((start - ended_ms).clamp(0.0, GAP_MAX_MS));
        ended_ms = ended_ms.max(*end);
    }
    let pauses_ms: Vec<f64> = gaps_ms
        .iter()
        .copied()
        .filter(|gap| *gap >= GAP_MIN_MS)
        .collect();
    let mut after: Vec<Option<Pause>> = gaps_ms
        .iter()
        .map(|gap_ms| {
            (*gap_ms >= GAP_MIN_MS).then(|| Pause {
                text: around(*gap_ms),
                comment: format!("recorded: {}", in_words(*gap_ms)),
            })
        })
        .collect();
    after.push(Some(if pauses_ms.is_empty() {
        Pause {
            text: Wait::default().text,
            comment: "before the journey starts again".to_owned(),
        }
    } else {
        Pause {
            text: around(pauses_ms.iter().sum::<f64>() / pauses_ms.len() as f64),
            comment: "before the journey starts again: the mean of the recorded pauses".to_owned(),
        }
    }));
    Pauses {
        after,
        are_known: true,
    }
}

/// A wait of 0.5 to 1.5 times a duration.
fn around(ms: f64) -> String {
    format!("{}..{}", in_words(ms * 0.5), in_words(ms * 1.5))
}

/// A wait of 0.5 to 1.5 times the mean gap, so that a user sends as many requests per minute as the recorded one. Parallel
/// requests have no gap between them.
pub(super) fn wait(recorded: &[RecordedRequest]) -> Wait {
    let times: Option<Vec<(f64, f64)>> = recorded.iter().map(|request| request.times_ms).collect();
    let Some(times) = times.filter(|times| times.len() >= 2) else {
        return Wait::default();
    };
    let mut ended_ms = times[0].1;
    let mut sum_ms = 0.0;
    for (start, end) in &times[1..] {
        sum_ms += (start - ended_ms).clamp(0.0, GAP_MAX_MS);
        ended_ms = ended_ms.max(*end);
    }
    let mean_ms = sum_ms / (times.len() - 1) as f64;
    Wait {
        text: around(mean_ms),
        comment: "0.5 to 1.5 times the mean gap between the recorded requests",
    }
}

/// Milliseconds with two significant digits.
fn in_words(ms: f64) -> String {
    if ms < 10.0 {
        return format!("{ms:.0}ms");
    }
    let unit = 10_f64.powf(ms.log10().floor() - 1.0);
    format!("{:.0}ms", (ms / unit).round() * unit)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::har::exchange::RecordedResponse;

    fn at(times: &[(f64, f64)]) -> Vec<RecordedRequest> {
        let request = |times_ms: &(f64, f64)| {
            let mut request = RecordedRequest::new("GET", Url::parse("http://x/").unwrap());
            request.times_ms = Some(*times_ms);
            request
        };
        times.iter().map(request).collect()
    }

    #[test]
    fn pauses_are_those_of_the_recording() {
        let exchanges = |times: &[(f64, f64)]| -> Vec<Exchange> {
            let exchange = |request| Exchange {
                request,
                response: RecordedResponse::default(),
            };
            at(times).into_iter().map(exchange).collect()
        };
        let texts = |times: &[(f64, f64)]| {
            let pauses = pauses(&exchanges(times));
            let text = |pause: Option<Pause>| pause.map(|pause| pause.text);
            pauses.after.into_iter().map(text).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        // A pause of 2 s, two requests at once, a pause of 1 s, and a gap of 40 ms.
        let times = [
            (0.0, 100.0),
            (2100.0, 2500.0),
            (2100.0, 2300.0),
            (3500.0, 3510.0),
            (3550.0, 3560.0),
        ];
        assert_eq!(
            texts(&times),
            [
                some("1000ms..3000ms"),
                None,
                some("500ms..1500ms"),
                None,
                some("750ms..2300ms")
            ]
        );
        assert_eq!(texts(&[(0.0, 9.0), (10.0, 19.0)]), [None, some("1s..3s")]);
        let mut without = exchanges(&[(0.0, 1.0), (2.0, 3.0)]);
        without[1].request.times_ms = None;
        assert!(!pauses(&without).are_known);
    }

    #[test]
    fn wait_has_the_mean_gap_of_the_recording() {
        let cases = [
            // Gaps of 1,000 ms and 3,000 ms.
            (
                &[(0.0, 100.0), (1100.0, 1200.0), (4200.0, 4300.0)][..],
                "1000ms..3000ms",
            ),
            // Parallel requests.
            (&[(0.0, 900.0), (100.0, 200.0), (300.0, 400.0)], "0ms..0ms"),
            // A lunch break counts as a minute.
            (
                &[(0.0, 0.0), (3_600_000.0, 3_600_000.0)],
                "30000ms..90000ms",
            ),
            (&[(0.0, 0.0), (1234.0, 1234.0)], "620ms..1900ms"),
        ];
        for (times, expected) in cases {
            assert_eq!(wait(&at(times)).text, expected);
        }
        assert_eq!(wait(&at(&[(0.0, 1.0)])).text, "1s..3s");
    }
}
