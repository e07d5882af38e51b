//! Think time, from the gaps of a recording.

use crate::draft::Wait;
use crate::recorded_request::RecordedRequest;

/// Longest gap that counts, since a user with a longer pause does not use the service.
const GAP_MAX_MS: f64 = 60_000.0;

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
        text: format!("{}..{}", in_words(mean_ms * 0.5), in_words(mean_ms * 1.5)),
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

    fn at(times: &[(f64, f64)]) -> Vec<RecordedRequest> {
        let request = |times_ms: &(f64, f64)| {
            let mut request = RecordedRequest::new("GET", Url::parse("http://x/").unwrap());
            request.times_ms = Some(*times_ms);
            request
        };
        times.iter().map(request).collect()
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
