//! The generator limit: how much load the generator can be trusted with, according to its measured capacity against
//! an empty server.

use brunt_record::{RunRecord, SearchPhase};

use crate::model::finding::{Figure, Finding, FindingKind};
use crate::number;
use crate::search::rates::Rates;

/// The proportion of its capacity that the generator is trusted with: above it, arrivals wait for its own threads.
const TRUSTED: f64 = 0.7;
/// The proportion of the limit from which a search has reached it.
const REACHED: f64 = 0.99;

/// The highest trusted rate, in requests per second; `None` if the capacity is unknown.
fn trusted_rps(record: &RunRecord) -> Option<f64> {
    let capacity_rps = record.header.generator.capacity_rps?;
    Some(TRUSTED * capacity_rps)
}

/// The same as a level of a search over arrivals. For a search over users, the limit is not known in advance; its
/// throughput is checked afterwards.
pub(crate) fn trusted_level(record: &RunRecord, rates: &Rates) -> Option<f64> {
    record.header.load.open?;
    rates.level(trusted_rps(record)?)
}

/// The limit at which a search ended without a break, in requests per second.
pub(crate) fn ended_search(record: &RunRecord) -> Option<f64> {
    let search = record.header.load.search?;
    let most = trusted_level(record, &Rates::of(record))?;
    let is_lowest = search.from < most && search.to.is_none_or(|to| to > most);
    let offered = offered_most(record);
    (is_lowest && offered >= REACHED * most).then_some(trusted_rps(record)?)
}

/// The highest level of arrivals.
fn offered_most(record: &RunRecord) -> f64 {
    let load = &record.header.load;
    if load.search.is_none() {
        let stages = load.stages.iter();
        return stages.fold(0.0, |most, stage| most.max(stage.from).max(stage.to));
    }
    let begun = load.stages.first().map_or(0.0, |stage| stage.from);
    let looked_at = record
        .levels()
        .filter(|level| matches!(level.phase, SearchPhase::Probe | SearchPhase::Trial));
    looked_at.fold(begun, |most, level| most.max(level.level))
}

/// The highest offered load, in requests per second; for users, that of the busiest second.
fn reached_rps(record: &RunRecord) -> f64 {
    let load = &record.header.load;
    if load.open.is_some() {
        return Rates::of(record).rate(offered_most(record));
    }
    let seconds = record.timeline.seconds().iter();
    seconds
        .map(|second| second.requests() as f64)
        .fold(0.0, f64::max)
}

/// The finding that the load reached the limit: a search ended there without a break, or the load exceeded it.
pub(crate) fn finding(record: &RunRecord, is_unbroken_search: bool) -> Option<Finding> {
    let capacity_rps = record.header.generator.capacity_rps?;
    let limit_rps = trusted_rps(record)?;
    let reached_rps = reached_rps(record);
    let ends = is_unbroken_search && ended_search(record).is_some();
    if !ends && reached_rps <= limit_rps {
        return None;
    }
    let of = format!(
        "{} % of the {} req/s that it reaches against an empty server (without TLS)",
        number::chosen(TRUSTED * 100.0),
        number::measured(capacity_rps)
    );
    let (limit, reached) = (number::measured(limit_rps), number::measured(reached_rps));
    let sentence = if ends {
        format!(
            "The search ended at {reached} req/s without a break: brunt itself is reliable up to that rate, {of}."
        )
    } else {
        format!(
            "The load reaches {reached} req/s, but brunt itself is reliable up to {limit} req/s, {of}; give brunt more \
             cores or threads."
        )
    };
    let figures = [
        ("capacity_rps", capacity_rps),
        ("usable_rps", limit_rps),
        ("max_offered_rps", reached_rps),
    ];
    let finding = Finding::new(FindingKind::GeneratorLimit, sentence);
    let with = |finding: Finding, (name, rps)| finding.with(name, Figure::Number(rps));
    Some(figures.into_iter().fold(finding, with))
}
