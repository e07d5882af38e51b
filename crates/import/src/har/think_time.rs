//! How long users rest, from the gaps of a recording.

use crate::draft::Wait;
use crate::recorded::Recorded;

/// Whoever is away for longer does not use the service.
const GAP_MAX_MS: f64 = 60_000.0;

/// Half to one and a half of the mean gap, so that a user makes as many requests a minute as the recorded
/// one. Requests side by side have no gap between them.
pub(super) fn wait(recorded: &[Recorded]) -> Wait {
    let taken: Option<Vec<(f64, f64)>> = recorded.iter().map(|request| request.taken_ms).collect();
    let Some(taken) = taken.filter(|taken| taken.len() >= 2) else {
        return Wait::default();
    };
    let mut ended_ms = taken[0].1;
    let mut sum_ms = 0.0;
    for (begin, end) in &taken[1..] {
        sum_ms += (begin - ended_ms).clamp(0.0, GAP_MAX_MS);
        ended_ms = ended_ms.max(*end);
    }
    let mean_ms = sum_ms / (taken.len() - 1) as f64;
    Wait {
        text: format!("{}..{}", in_words(mean_ms * 0.5), in_words(mean_ms * 1.5)),
        comment: "half to one and a half of the mean gap between the recorded requests",
    }
}

/// Two digits are enough for what people do.
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

    fn at(times: &[(f64, f64)]) -> Vec<Recorded> {
        let request = |taken: &(f64, f64)| {
            let mut request = Recorded::new("GET", Url::parse("http://x/").unwrap());
            request.taken_ms = Some(*taken);
            request
        };
        times.iter().map(request).collect()
    }

    #[test]
    fn the_mean_gap_is_kept() {
        let cases = [
            // Gaps of 1,000 ms and 3,000 ms.
            (
                &[(0.0, 100.0), (1100.0, 1200.0), (4200.0, 4300.0)][..],
                "1000ms..3000ms",
            ),
            // Side by side.
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
