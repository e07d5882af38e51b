//! The risks with which a target is judged: a run that may be judged more than once divides them.
//!
//! A run that continues until every target is decided is judged at looks: at its planned end, and then each time that
//! it is a quarter longer, up to its limit. Repeated judging would be wrong more often than judging once. Therefore a
//! part of the risk of 5 % is spent over the looks, in proportion to the elapsed part of the longest run (Lan and
//! `DeMets`, Biometrika 70, 1983; the power family of Kim and `DeMets`, Biometrika 74, 1987, with ρ = 1), and each
//! look is tested with its part. Together they stay within the total risk, however they depend on each other
//! (Bonferroni).

use brunt_record::{Header, RunRecord, StoppedBy, Target};

use crate::stats::proportion_test::{RISK, Risks};
use crate::stats::sequential::Looks;

/// The risk of stopping a run that would have met the threshold, over all looks and targets.
pub(crate) const STOPPING_RISK: f64 = 0.01;
/// The factor from one look to the next.
const LOOK_AGAIN: f64 = 1.25;
/// The part of the risk that is spent; the rest is a reserve, since intervals are least exact at small risks.
const SPENT: f64 = 0.5;

/// The risks with which a target is judged.
pub(super) fn risks(record: &RunRecord, target: &Target) -> Risks {
    let kept = risk(record);
    let stops = target.stop_at.is_some() && record.header.load.search.is_none();
    let broken = if stops {
        kept * (1.0 - STOPPING_RISK / RISK)
    } else {
        kept
    };
    Risks { kept, broken }
}

pub(crate) fn looks(header: &Header) -> Option<Looks> {
    let longest_s = header.load.until_decided_s?;
    Some(Looks::new(header.load.duration_s(), longest_s, LOOK_AGAIN))
}

/// The risk of each decision about a run's targets.
fn risk(record: &RunRecord) -> f64 {
    let Some(looks) = looks(&record.header) else {
        return RISK;
    };
    let longest_s = looks.at_s(looks.count() - 1);
    // A single look is an ordinary test.
    let all = if looks.count() > 1 {
        SPENT * RISK
    } else {
        RISK
    };
    let until = looks.until(record.duration_s());
    let spent = |count: u32| match count.checked_sub(1) {
        Some(look) => all * looks.at_s(look) / longest_s,
        None => 0.0,
    };
    let stopped_by = record.ending.as_ref().map(|ending| ending.stopped_by);
    match stopped_by {
        Some(StoppedBy::Finished) | None if until > 0 => spent(until) - spent(until - 1),
        // The run was ended by something other than a look: this look is the last one, and may spend the rest.
        _ if until < looks.count() => all - spent(until),
        _ => spent(until) - spent(until - 1),
    }
}
