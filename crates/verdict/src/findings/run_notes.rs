//! Short findings: a run that did not end as planned, and faults of brunt that changed no grade.

use brunt_record::{Measure, RunRecord};

use crate::generator::signals::{self, GeneratorSignal};
use crate::model::finding::{Figure, Finding, FindingKind};
use crate::number;
use crate::stats::batch_means::BLOCKS_MIN;
use crate::window::totals::p99_ms;
use crate::window::totals::{every_outcome, lags};

/// A lag below this is nobody's concern, in milliseconds.
const LAG_MS: f64 = 10.0;

/// A lag below this share of the response time is not, either.
const LAG_SHARE: f64 = 0.1;

/// That the run was judged though it is shorter than usual, since the scenario asked for that.
pub(crate) fn short_run(record: &RunRecord) -> Option<Finding> {
    let min_s = record.header.min_duration_s?;
    let run_s = record.duration_s();
    let is_judged = record.header.load.search.is_none() && !record.header.targets.is_empty();
    let is_short = run_s < BLOCKS_MIN as f64 && min_s < BLOCKS_MIN as f64;
    let sentence = format!(
        "The scenario lets runs of {} pass (min_duration): ups and downs of the service that are longer than this run \
         of {} do not show in it.",
        number::seconds(min_s),
        number::seconds(run_s)
    );
    let finding = Finding::new(FindingKind::ShortRun, sentence);
    (is_judged && is_short).then(|| finding.with("min_duration_s", Figure::Number(min_s)))
}

/// That certificates were not verified, so that another host may have responded.
pub(crate) fn insecure(record: &RunRecord) -> Option<Finding> {
    let sentence =
        "TLS certificates were not verified: the responses may have come from another host.";
    let is_insecure = record.header.generator.insecure;
    is_insecure.then(|| Finding::new(FindingKind::Insecure, sentence))
}

/// How many requests were sent again.
pub(crate) fn retries(record: &RunRecord) -> Option<Finding> {
    let totals = record.timeline.name_totals().iter();
    let [retries, sent] = totals.fold([0_u64; 2], |[retries, sent], totals| {
        [
            retries.saturating_add(totals.retries),
            sent.saturating_add(totals.wire_requests),
        ]
    });
    let (were, repeats) = match retries {
        0 => return None,
        1 => ("was", "The repeat is one"),
        _ => ("were", "The repeats are some"),
    };
    let sentence = format!(
        "{} {were} sent again: the server had closed the idle connection before any of it was sent, or said by \
         HTTP/2 that it has not processed it. {repeats} of the {} on the wire, and no failure.",
        number::requests(retries),
        number::requests(sent),
    );
    let finding = Finding::new(FindingKind::Retries, sentence);
    Some(finding.with("retries", Figure::Count(retries)))
}

/// How many cookies users' jars had no room for.
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
        "{cookies} (4,096 bytes a cookie; 180 cookies and 256 KiB a domain; 3,300 cookies and 1 MiB in all, as in \
         browsers). Later requests did not send them."
    );
    let finding = Finding::new(FindingKind::CookiesDropped, sentence);
    Some(finding.with("cookies", Figure::Count(dropped)))
}

/// Faults of brunt that changed no grade. If they made the run invalid, the reasons for that name them.
pub(crate) fn notes(record: &RunRecord, is_late: bool) -> Vec<Finding> {
    let of_lateness = if is_late { None } else { lateness(record) };
    let all = of_lateness
        .into_iter()
        .chain(signals::clock_was_set(record))
        .chain(signals::unavailable_sources(record));
    all.map(|what| Finding::new(FindingKind::GeneratorNote, format!("{what}.")))
        .collect()
}

/// That brunt was late, or kept from its work.
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
