//! Notes on a run: how it was judged, insecure connections, retries, and problems of the generator that changed no
//! result.

use brunt_record::{Measure, RunRecord};

use crate::generator::signals::{self, GeneratorSignal};
use crate::model::finding::{Figure, Finding, FindingKind};
use crate::number;
use crate::stats::batch_means::BLOCKS_MIN;
use crate::window::totals::p99_ms;
use crate::window::totals::{every_outcome, lags};

/// A lag below this does not matter, in milliseconds.
const LAG_MS: f64 = 10.0;

/// Neither does a lag below this proportion of the response time.
const LAG_SHARE: f64 = 0.1;

/// The finding that the run was judged although it is shorter than usual, because the scenario allows it.
pub(crate) fn short_run(record: &RunRecord) -> Option<Finding> {
    let min_s = record.header.min_duration_s?;
    let run_s = record.duration_s();
    let is_judged = record.header.load.search.is_none() && !record.header.targets.is_empty();
    let is_short = run_s < BLOCKS_MIN as f64 && min_s < BLOCKS_MIN as f64;
    let sentence = format!(
        "The scenario lets runs of {} pass (min_duration): fluctuations of the service that are longer than this run \
         of {} do not show in it.",
        number::seconds(min_s),
        number::seconds(run_s)
    );
    let finding = Finding::new(FindingKind::ShortRun, sentence);
    (is_judged && is_short).then(|| finding.with("min_duration_s", Figure::Number(min_s)))
}

/// The finding that certificates were not verified, so another host may have responded.
pub(crate) fn insecure(record: &RunRecord) -> Option<Finding> {
    let sentence =
        "TLS certificates were not verified: the responses may have come from another host.";
    let is_insecure = record.header.generator.insecure;
    is_insecure.then(|| Finding::new(FindingKind::Insecure, sentence))
}

/// The number of retried requests.
pub(crate) fn retries(record: &RunRecord) -> Option<Finding> {
    let totals = record.timeline.name_totals().iter();
    let [retries, sent] = totals.fold([0_u64; 2], |[retries, sent], totals| {
        [
            retries.saturating_add(totals.retries),
            sent.saturating_add(totals.wire_requests),
        ]
    });
    let were = match retries {
        0 => return None,
        1 => "was",
        _ => "were",
    };
    let sentence = format!(
        "{} {were} retried: the server had closed the idle connection before any of it was sent, or reported over \
         HTTP/2 that it had not processed it. Retries are included in the {} on the wire and do not count as failures.",
        number::requests(retries),
        number::requests(sent),
    );
    let finding = Finding::new(FindingKind::Retries, sentence);
    Some(finding.with("retries", Figure::Count(retries)))
}

/// The number of cookies for which the users' jars had no room.
pub(crate) fn cookies_dropped(record: &RunRecord) -> Option<Finding> {
    let seconds = record.timeline.seconds().iter();
    let dropped = seconds.fold(0_u64, |sum, second| {
        sum.saturating_add(second.cookies_dropped)
    });
    let cookies = match dropped {
        0 => return None,
        1 => "1 cookie was dropped: it was too large, or the user\u{2019}s cookie jar was full"
            .to_owned(),
        _ => format!(
            "{} cookies were dropped: they were too large, or a user\u{2019}s cookie jar was full",
            number::count(dropped)
        ),
    };
    let sentence = format!(
        "{cookies} (4,096 bytes per cookie; 180 cookies and 256 KiB per domain; 3,300 cookies and 1 MiB in all, as in \
         browsers). Later requests did not send them."
    );
    let finding = Finding::new(FindingKind::CookiesDropped, sentence);
    Some(finding.with("cookies", Figure::Count(dropped)))
}

/// Problems of the generator that changed no grade. If they made the run invalid, its reasons name them.
pub(crate) fn notes(record: &RunRecord, is_late: bool) -> Vec<Finding> {
    let of_lateness = if is_late { None } else { lateness(record) };
    let all = of_lateness
        .into_iter()
        .chain(signals::clock_was_set(record))
        .chain(signals::unavailable_sources(record));
    all.map(|what| Finding::new(FindingKind::GeneratorNote, format!("{what}.")))
        .collect()
}

/// The note that the generator was late, or kept from its work.
fn lateness(record: &RunRecord) -> Option<String> {
    if let Some(signal) = GeneratorSignal::notable(record) {
        return Some(format!("{}; this changed no grade", signal.in_words()));
    }
    let lag_ms = p99_ms(&lags(record))?;
    let response_ms = p99_ms(&every_outcome(record, Measure::Response))?;
    let is_large = lag_ms > LAG_MS && lag_ms > LAG_SHARE * response_ms;
    is_large.then(|| {
        format!(
            "brunt itself was late: the p99 of its lag is {} ms, {} % of the p99 of the response \
             time; this changed no grade",
            number::measured(lag_ms),
            number::measured(lag_ms / response_ms * 100.0)
        )
    })
}
