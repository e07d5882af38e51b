//! Bounds that are missed at any load: load is not the cause, so the search reports them, and continues until more
//! requests miss them, or another bound breaks.

use brunt_record::{LoadLevel, Measure, NameId, RunRecord, Scope, SearchPhase};

use crate::search::bound::Bound;
use crate::search::observations::Observations;
use crate::search::trial::{BreakCause, Trial, TrialOutcome, is_late};
use crate::stats::batch_means::{self, Block, ProportionEstimate};
use crate::window::time_window::TimeWindow;

/// The ratio from which a lower level shows whether misses grow with the load.
const FAR_BELOW: f64 = 2.0;
/// They do not if, at such levels, the proportion of misses is certainly above this part of the proportion at the
/// higher level.
const AS_MUCH: f64 = 0.5;
/// The number of expected misses from which a level counts by itself; most of those levels must agree.
const MISSES_MIN: f64 = 3.0;
/// The risk of the test.
const RISK: f64 = 0.05;

/// A bound that is missed at any load.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MissedAtAnyLoad {
    /// Index of the bound.
    pub(crate) bound: usize,
    /// The proportion of requests that miss it at any load (0 to 1).
    pub(crate) share: f64,
    /// The request that causes most of the misses.
    pub(crate) name: Option<NameId>,
}

/// Excludes misses at any load from the bounds that a trial broke, and judges all trials and probes again.
pub(super) fn exclude_missed_at_any_load(
    observed: &mut Observations,
    record: &RunRecord,
    now_s: f64,
) {
    let broken = (0..observed.bounds.len()).filter(|at| observed.bounds[*at].base.is_none());
    let found: Vec<(usize, f64)> = broken
        .filter_map(|at| Some((at, share_at_any_load(observed, record, at, now_s)?)))
        .collect();
    if found.is_empty() {
        return;
    }
    for (at, share) in found {
        observed.bounds[at].base = Some(share);
    }
    for trial in &mut observed.trials {
        let level = LoadLevel {
            from_ms: 0,
            ramp_ms: 0,
            level: trial.level,
            phase: SearchPhase::Trial,
        };
        let judged = (trial.from_s, trial.to_s);
        *trial = Trial::judge(record, &observed.bounds, &level, trial.risk, judged);
    }
    judge_probes_again(observed, record, now_s);
}

/// The proportion that misses a bound at any load; `None` if the load may be the cause, or the bound was not broken.
fn share_at_any_load(
    observed: &Observations,
    record: &RunRecord,
    at: usize,
    now_s: f64,
) -> Option<f64> {
    let is_by = |trial: &&Trial| trial.outcome == TrialOutcome::Breaks(BreakCause::Bound(at));
    let broken = observed.trials.iter().filter(is_by);
    let highest = broken.max_by(|a, b| a.level.total_cmp(&b.level))?;
    let above = counted(record, &observed.bounds[at], (highest.from_s, highest.to_s))?;
    let lowest = observed.trials.iter().map(|trial| trial.level);
    let lowest = lowest.fold(f64::INFINITY, f64::min);
    let is_lowest = highest.level <= observed.settings.from && highest.level <= lowest;
    if is_lowest {
        return Some(above.share);
    }
    let (mut missing, mut all) = (0.0, 0.0);
    let (mut levels, mut agree) = (0u32, 0u32);
    for (level, from_s, to_s) in seen(observed, record, now_s) {
        if level * FAR_BELOW > highest.level {
            continue;
        }
        if let Some(seen) = counted(record, &observed.bounds[at], (from_s, to_s)) {
            missing += seen.share * seen.effective_size;
            all += seen.effective_size;
            let expected = AS_MUCH * above.share;
            if seen.effective_size * expected >= MISSES_MIN {
                levels += 1;
                agree += u32::from(seen.share > expected);
            }
        }
    }
    if all < 1.0 {
        return None;
    }
    let below = ProportionEstimate {
        share: missing / all,
        effective_size: all,
        ..above
    };
    // A temporary disturbance at one of the levels does not mean any load.
    let is_as_much = below.low(RISK) > AS_MUCH * above.share && agree > levels / 2;
    is_as_much.then_some(above.share.min(1.0))
}

/// The offered levels up to a time, with their start and end.
fn seen(observed: &Observations, record: &RunRecord, now_s: f64) -> Vec<(f64, f64, f64)> {
    let probe_trials = observed.probe_trials(record, SearchPhase::Probe);
    let probe_trials = probe_trials
        .into_iter()
        .map(|trial| (trial.level, trial.from_s, trial.to_s));
    let trials = observed.trials.iter();
    let tried = trials.map(|trial| (trial.level, trial.from_s, trial.to_s));
    probe_trials
        .chain(tried)
        .map(|(level, from_s, to_s)| (level, from_s, to_s.min(now_s)))
        .filter(|(_, from_s, to_s)| to_s > from_s)
        .collect()
}

/// Evaluates the probes again with the changed bounds; the search continues upward from the last one.
fn judge_probes_again(observed: &mut Observations, record: &RunRecord, now_s: f64) {
    let probes = observed.probe_trials(record, SearchPhase::Probe);
    observed.probes.clear();
    for probe in probes {
        let judged = (probe.from_s, probe.to_s.min(now_s));
        let is_seen = judged.1 > judged.0;
        let window = TimeWindow::between(record, judged.0, judged.1);
        if is_seen && !is_late(window, &observed.bounds) {
            observed.add_probe(record, probe.level, judged);
        }
    }
    observed.probes_continue = observed.probes.iter().all(|point| point.excess <= 0.7);
}

/// The excluded misses, with the request that causes most of them.
pub(crate) fn missed_at_any_load(
    observed: &Observations,
    record: &RunRecord,
) -> Vec<MissedAtAnyLoad> {
    let bounds = observed.bounds.iter().enumerate();
    bounds
        .filter_map(|(at, bound)| {
            Some(MissedAtAnyLoad {
                bound: at,
                share: bound.base?,
                name: most_missed(record, bound),
            })
        })
        .collect()
}

/// The proportion that misses a bound in a part of a run, as if requests were independent.
fn counted(
    record: &RunRecord,
    bound: &Bound,
    (from_s, to_s): (f64, f64),
) -> Option<ProportionEstimate> {
    let missing = bound
        .count(TimeWindow::between(record, from_s, to_s))
        .missing;
    let all: f64 = missing.iter().map(|block: &Block| block.all).sum();
    let seen = batch_means::estimate(&missing)?;
    Some(ProportionEstimate {
        effective_size: all,
        is_long_enough: true,
        is_settled: true,
        ..seen
    })
}

/// The name whose requests missed a bound most often.
fn most_missed(record: &RunRecord, bound: &Bound) -> Option<NameId> {
    let names = (0u32..).zip(record.timeline.names());
    let judged = names.filter(|(_, name)| name.is_judged());
    let window = TimeWindow::whole(record);
    let missed = judged.map(|(id, _)| {
        let scope = Scope::Name(NameId(id));
        let missing = bound.missing_of(window, scope, Measure::Response);
        (NameId(id), missing)
    });
    let most = missed.max_by(|a, b| a.1.total_cmp(&b.1))?;
    (most.1 > 0.0).then_some(most.0)
}
