//! The search for the level at which a service breaks: which level to offer next, and what all levels together show.
//! It is a pure function of the record so far, so the same code controls a run and judges it.

pub(crate) mod bound;
pub(crate) mod bracket;
pub(crate) mod breaking_point;
pub(crate) mod disturbed;
pub(crate) mod estimate;
pub(crate) mod generator_limit;
pub(crate) mod missed_at_any_load;
pub(crate) mod next_level;
pub(crate) mod observations;
pub(crate) mod rates;
pub(crate) mod service_stopped;
pub(crate) mod trial;

use brunt_record::{LoadLevel, Measure, RunRecord, SearchPhase};

pub use bracket::Bracket;
pub use rates::Rates;
pub use trial::{BreakCause, Trial, TrialOutcome};

use crate::convert::whole_number;
use crate::search::bound::Bound;
use crate::search::bracket::same;
use crate::search::generator_limit::trusted_level;
use crate::search::missed_at_any_load::exclude_missed_at_any_load;
use crate::search::next_level::{NextLevel, RISK, SearchState};
use crate::search::observations::{Observations, PROBE_SETTLE_S};
use crate::search::service_stopped::{FAILED_MIN, STOPPED_S, ServiceStop, responded};
use crate::search::trial::{in_flight, is_late, is_left_behind};
use crate::window::time_window::TimeWindow;

/// The beginning of a level that is not judged, in seconds.
const SETTLE_S: f64 = 2.0;
/// The factor by which the next level is lower if the generator could not keep up.
const LATE_STEP: f64 = 1.25;
/// The first look at a trial, in seconds, and the factor from one look to the next, since each look may be wrong.
const LOOK_S: f64 = 20.0;
const LOOK_STEP: f64 = 1.25;
/// Time that a trial takes besides its judged part: settling, patience and the drain after it, in seconds.
const OVERHEAD_S: f64 = 6.0;
/// A trial that would have to be this many times as long as its maximum is abandoned.
const HOPELESS: f64 = 1.5;
/// The same at the first look; half of it in a short search.
const HOPELESS_AT_ONCE: f64 = 12.0;
/// The longest time that a trial may need if it is to find an end of the bracket, unless it is far from broken, in
/// seconds: then a more distant level would need as long.
const SECURE_S: f64 = 60.0;
const CLEAN: f64 = -2.0;
/// … once this proportion of its maximum is over.
const SEEN_ENOUGH: f64 = 0.5;
/// Length of a probe, in seconds.
const PROBE_S: f64 = 3.0;
/// The factor from one probe to the next.
const PROBE_STEP: f64 = 2.0;
/// The recovery phase: half of the level that holds, a spike, and half again, in seconds.
const BEFORE_S: f64 = 22.0;
const PUSH_S: f64 = 10.0;
const AFTER_S: f64 = 28.0;
const AFTER_SHARE: f64 = 0.1;
const AFTER_MAX_S: f64 = 120.0;
/// The longest time for waiting requests to drain, in seconds.
const DRAIN_S: f64 = 90.0;
const DRAIN_AT_HALF_S: f64 = 5.0;
/// Time without a response after which the service is checked for availability, in seconds.
const SILENT_S: f64 = 3.0;
/// A search whose bracket is still wider than this skips the recovery phase, …
const TAIL_WIDTH: f64 = 0.12;
/// … and so does a shorter one.
const TAIL_IN_S: f64 = 120.0;
/// The length of a search below which undecided trials are abandoned earlier, in seconds.
const SHORT_S: f64 = 270.0;
/// The number of expected misses at the limit of a bound below which a search has few requests.
const SPARSE: f64 = 1_000.0;
/// The longest time that is waited for slow requests, in seconds.
const PATIENCE_MAX_S: f64 = 5.0;

/// The next action of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SearchAction {
    /// Offer another level.
    SetLevel(LoadLevel),
    /// Stop: nothing is left to learn.
    Stop,
}

/// A search that is running or has ended.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact that the next step depends on"
)]
#[derive(Debug, Clone)]
pub struct Search {
    pub(crate) observed: Observations,
    /// The highest level that the generator can be trusted with.
    trusted: f64,
    /// The lowest level at which the generator could not keep up.
    late: Option<f64>,
    /// End of the load, and the length of its recovery phase.
    ends_s: f64,
    recovery_phase_s: f64,
    /// Whether a level that seems broken was probed again, to exclude a temporary disturbance.
    was_rechecked: bool,
    current: LoadLevel,
    /// The next look at the current trial, in judged seconds.
    look_s: f64,
    /// The maximum of the current trial.
    trial_s_max: f64,
    /// The risk of the current trial.
    risk: f64,
    /// Whether the load was paused since the last trial, so that waiting requests could drain.
    had_pause: bool,
    /// Whether the current trial is to find an end of the bracket.
    is_securing_end: bool,
    /// Whether probes rise from one level to the next, until one seems broken.
    is_ascending: bool,
}

impl Search {
    /// Starts the search of a run; `None` if the load is not a search.
    pub fn begin(record: &RunRecord) -> Option<Self> {
        let load = &record.header.load;
        let settings = load.search?;
        let trusted = trusted_level(record, &Rates::until(record, 0.0)).unwrap_or(f64::INFINITY);
        let ends_s = load.duration_s();
        let recovery_phase_s = if ends_s < TAIL_IN_S {
            0.0
        } else {
            BEFORE_S + PUSH_S + after_s(ends_s)
        };
        Some(Self {
            observed: Observations::new(record, settings, Measure::Response),
            trusted,
            late: None,
            ends_s,
            recovery_phase_s,
            was_rechecked: false,
            current: LoadLevel {
                from_ms: 0,
                ramp_ms: 0,
                level: settings.from,
                phase: SearchPhase::Probe,
            },
            look_s: LOOK_S,
            trial_s_max: 0.0,
            risk: RISK,
            had_pause: false,
            is_securing_end: false,
            is_ascending: true,
        })
    }

    /// The search of a run that has ended, or of a running one so far.
    pub fn of(record: &RunRecord) -> Option<Self> {
        Self::by(record, Measure::Response)
    }

    /// The same with another measure than the response time.
    pub(crate) fn by(record: &RunRecord, measure: Measure) -> Option<Self> {
        let mut search = Self::begin(record)?;
        search.observed = Observations::new(record, search.observed.settings, measure);
        for level in record.levels() {
            let now_s = level.from_ms as f64 / 1e3 - 1.0;
            search.close(record, now_s);
            if level.phase == SearchPhase::Trial {
                search.risk = search.next(now_s).map_or(RISK, |next| next.risk);
            }
            search.current = *level;
        }
        // When nothing was left to learn, the load was stopped within the following second.
        let ended_s = record.duration_s();
        let was_stopped = ended_s < record.header.load.duration_s();
        let known_s = if was_stopped {
            ended_s.floor()
        } else {
            ended_s - 1.0
        };
        search.close(record, known_s);
        Some(search)
    }

    /// The end of the search for the level: in time for the recovery phase, unless the time is needed for the
    /// bracket.
    fn searches_until_s(&self, now_s: f64) -> f64 {
        let tail_from_s = self.ends_s - self.recovery_phase_s;
        let is_over = now_s > tail_from_s + 1.0;
        let goes_on = match self.observed.width {
            Some(width) => width > TAIL_WIDTH,
            None => true,
        };
        if is_over || goes_on {
            self.ends_s
        } else {
            tail_from_s
        }
    }

    fn is_short(&self) -> bool {
        self.ends_s < SHORT_S
    }

    /// Returns whether there are so few requests that few would miss a bound at its limit.
    fn is_sparse(&self) -> bool {
        let seemed = self
            .observed
            .probes
            .iter()
            .filter(|point| point.excess <= 0.7);
        let seemed = seemed.map(|point| point.level).fold(0.0, f64::max);
        let limits = self.observed.bounds.iter().map(Bound::share);
        let limit = limits.fold(1.0, f64::min);
        seemed * self.ends_s * limit < SPARSE
    }

    /// The shortest trial, with the time that it takes besides its judged part.
    fn trial_s_min(&self) -> f64 {
        1.0 + SETTLE_S + LOOK_S + self.patience_s()
    }

    /// The highest possible level. The first one is offered, whatever the generator can be trusted with.
    fn highest_level(&self) -> f64 {
        let late = self.late.map_or(f64::INFINITY, |late| late / LATE_STEP);
        let highest = self.observed.settings.to.unwrap_or(f64::INFINITY);
        highest.min(self.trusted.min(late).max(self.observed.settings.from))
    }

    /// The lowest level at which the generator could not keep up.
    pub(crate) fn late(&self) -> Option<f64> {
        self.late
    }

    /// The trials, in chronological order.
    pub fn trials(&self) -> &[Trial] {
        &self.observed.trials
    }

    /// The levels between which the service breaks.
    pub fn bracket(&self) -> Bracket {
        self.observed.bracket()
    }

    /// When the service stopped responding for good, if it did before the search was over.
    pub(crate) fn service_stopped(&self, record: &RunRecord) -> Option<ServiceStop> {
        service_stopped::service_stopped(record, self.current.phase)
    }

    /// The next action after a whole number of seconds; `None`: continue.
    pub fn step(&mut self, record: &RunRecord, now_s: f64) -> Option<SearchAction> {
        let at_level_s = now_s - self.current.from_ms as f64 / 1e3;
        match self.current.phase {
            SearchPhase::Probe if at_level_s >= PROBE_S => {
                self.close(record, now_s);
                Some(self.after_probe(record, now_s))
            }
            SearchPhase::Trial => self.trial_is_over(record, now_s).then(|| {
                self.close(record, now_s);
                self.drain_or_go_on(record, now_s)
            }),
            SearchPhase::Drain => self.after_drain(record, now_s, at_level_s),
            SearchPhase::PreSpike if at_level_s >= BEFORE_S => {
                let highest_broken = self.observed.highest_broken().unwrap_or(self.current.level);
                Some(self.set_level(now_s, SearchPhase::Spike, highest_broken))
            }
            SearchPhase::Spike if at_level_s >= PUSH_S => {
                let before = self.observed.half_of_held();
                Some(self.set_level(now_s, SearchPhase::Recovery, before))
            }
            SearchPhase::Recovery if at_level_s >= after_s(self.ends_s).max(AFTER_S) => {
                Some(SearchAction::Stop)
            }
            _ => None,
        }
    }

    fn set_level(&mut self, now_s: f64, part: SearchPhase, level: f64) -> SearchAction {
        // Levels begin at the next second, since blocks are whole seconds.
        let level = LoadLevel {
            from_ms: whole_number(now_s) as u64 * 1_000 + 1_000,
            ramp_ms: if self.observed.is_open { 0 } else { 1_000 },
            level,
            phase: part,
        };
        self.current = level;
        self.look_s = LOOK_S;
        SearchAction::SetLevel(level)
    }

    /// The judged part of the current level, if the record reaches to a time.
    fn judged(&self, known_s: f64) -> (f64, f64) {
        let from_s = (self.current.from_ms + self.current.ramp_ms) as f64 / 1e3;
        match self.current.phase {
            SearchPhase::Probe => (from_s + PROBE_SETTLE_S, known_s),
            _ => (from_s + SETTLE_S, known_s - self.patience_s()),
        }
    }

    /// Requests that are too slow are known only after this time.
    fn patience_s(&self) -> f64 {
        let longest = self.observed.bounds.iter().map(Bound::patience_s);
        longest.fold(0.0, f64::max).min(PATIENCE_MAX_S).ceil()
    }

    /// Evaluates the current level.
    fn close(&mut self, record: &RunRecord, now_s: f64) {
        let (from_s, to_s) = self.judged(now_s);
        if to_s <= from_s {
            return;
        }
        if let Some(trusted) = trusted_level(record, &Rates::until(record, now_s)) {
            self.trusted = trusted;
        }
        match self.current.phase {
            SearchPhase::Probe => {
                let level = self.current.level;
                if self.was_late(record, (from_s, to_s)) {
                    // A probe that shows nothing about the service is not repeated.
                    self.observed.confirm(level, (from_s, to_s), true);
                    return;
                }
                self.observed.add_probe(record, level, (from_s, to_s));
            }
            SearchPhase::Trial => {
                let trial = self.judge(record, (from_s, to_s));
                if trial.outcome == TrialOutcome::Late {
                    self.note_late();
                }
                if trial.outcome == TrialOutcome::Holds {
                    self.observed.calm_in_flight =
                        self.observed.calm_in_flight.max(in_flight(record, to_s));
                }
                self.observed.trials.push(trial);
                exclude_missed_at_any_load(&mut self.observed, record, to_s);
                self.observed.width = self.observed.bracket().width();
            }
            _ => {}
        }
    }

    /// Returns whether the generator could not keep up at the current level, and remembers it.
    fn was_late(&mut self, record: &RunRecord, (from_s, to_s): (f64, f64)) -> bool {
        let is_late = is_late(
            TimeWindow::between(record, from_s, to_s),
            &self.observed.bounds,
        );
        if is_late {
            self.note_late();
        }
        is_late
    }

    fn note_late(&mut self) {
        let level = self.current.level;
        self.late = Some(self.late.map_or(level, |late| late.min(level)));
    }

    fn judge(&self, record: &RunRecord, judged: (f64, f64)) -> Trial {
        Trial::judge(
            record,
            &self.observed.bounds,
            &self.current,
            self.risk,
            judged,
        )
    }

    fn trial_is_over(&mut self, record: &RunRecord, now_s: f64) -> bool {
        let (from_s, to_s) = self.judged(now_s);
        let judged_s = to_s - from_s;
        if now_s >= self.searches_until_s(now_s) {
            return true;
        }
        let looks = judged_s >= self.look_s;
        if judged_s < 6.0 || !(looks || whole_number(judged_s).is_multiple_of(2)) {
            return false;
        }
        let trial = self.judge(record, (from_s, to_s));
        if trial.outcome == TrialOutcome::Breaks(BreakCause::Backlog) || trial.is_shattered {
            return true;
        }
        // Excluded time does not count.
        let judged_s = judged_s - trial.left_out_s;
        if judged_s < self.look_s {
            return false;
        }
        self.look_s = judged_s * LOOK_STEP;
        let has_time_for_another = now_s + self.trial_s_min() < self.searches_until_s(now_s);
        let is_over = judged_s >= self.trial_s_max;
        let needs_s = judged_s * trial.times;
        let hopeless_at_once = if self.is_short() {
            HOPELESS_AT_ONCE / 2.0
        } else {
            HOPELESS_AT_ONCE
        };
        let is_hopeless = judged_s >= SEEN_ENOUGH * self.trial_s_max
            && needs_s > HOPELESS * self.trial_s_max
            || needs_s > hopeless_at_once * self.trial_s_max
            // Another level finds an end sooner.
            || self.is_securing_end && trial.excess > CLEAN && needs_s > SECURE_S;
        trial.outcome != TrialOutcome::Open
            || self.tells_with_others(&trial)
            || has_time_for_another && (is_over || is_hopeless)
    }

    /// Returns whether a trial decides its level together with the previous ones.
    fn tells_with_others(&self, trial: &Trial) -> bool {
        let bracket =
            Bracket::of(&[&self.observed.trials[..], std::slice::from_ref(trial)].concat());
        let level = trial.level;
        bracket.holds.is_some_and(|holds| holds >= level)
            || bracket.breaks.is_some_and(|breaks| breaks <= level)
    }

    fn drain_or_go_on(&mut self, record: &RunRecord, now_s: f64) -> SearchAction {
        let is_behind = self.observed.is_open
            && in_flight(record, now_s) > 3.0 * self.observed.calm_in_flight + 5.0;
        if is_behind || is_silent(record, now_s) {
            let half_of_held = self.observed.half_of_held();
            return self.set_level(now_s, SearchPhase::Drain, half_of_held);
        }
        self.go_on(now_s)
    }

    fn after_drain(
        &mut self,
        record: &RunRecord,
        now_s: f64,
        at_level_s: f64,
    ) -> Option<SearchAction> {
        let is_calm = in_flight(record, now_s) <= 1.5 * self.observed.calm_in_flight + 2.0;
        let is_over = at_level_s >= 1.0 && is_calm || at_level_s >= DRAIN_S;
        let since_s = self.current.from_ms as f64 / 1e3;
        let (ok, failed) = responded(record, since_s, now_s);
        if self.current.level > 0.0 {
            if is_over && ok > 0 {
                return Some(self.go_on(now_s));
            }
            // A service that does not respond to a low load is not tested further.
            let is_silent = at_level_s >= STOPPED_S && ok == 0;
            if is_silent && (failed >= FAILED_MIN || at_level_s >= DRAIN_S) {
                return Some(SearchAction::Stop);
            }
            // If waiting requests do not drain at half of the level that holds, the load is paused once.
            let rests = at_level_s >= DRAIN_AT_HALF_S && !is_calm && !self.had_pause;
            return rests.then(|| {
                self.had_pause = true;
                self.set_level(now_s, SearchPhase::Drain, 0.0)
            });
        }
        is_over.then(|| {
            if is_silent(record, now_s) {
                let half_of_held = self.observed.half_of_held();
                return self.set_level(now_s, SearchPhase::Drain, half_of_held);
            }
            self.go_on(now_s)
        })
    }

    /// The next level, if one is worth a trial.
    fn next(&self, now_s: f64) -> Option<NextLevel> {
        let remaining_s = self.searches_until_s(now_s) - now_s;
        let state = SearchState {
            trials: &self.observed.trials,
            probes: &self.observed.probes,
            highest_level: self.highest_level(),
            remaining_s: remaining_s - OVERHEAD_S,
            shortest_trial_s: LOOK_S,
            precision: self.observed.settings.precision,
            is_sparse: self.is_sparse(),
            is_short: self.is_short(),
        };
        next_level::next(&state).filter(|_| remaining_s >= self.trial_s_min())
    }

    fn go_on(&mut self, now_s: f64) -> SearchAction {
        self.had_pause = false;
        if let Some(level) = self
            .higher_probe(now_s)
            .or_else(|| self.level_to_recheck(now_s))
        {
            return self.set_level(now_s, SearchPhase::Probe, level);
        }
        let Some(next) = self.next(now_s) else {
            return self.recovery_phase(now_s);
        };
        let level = if self.observed.is_open {
            next.level
        } else {
            next.level.round().max(1.0)
        };
        if self.is_tried_out(level) {
            return self.recovery_phase(now_s);
        }
        self.trial_s_max = next.seconds;
        self.risk = next.risk;
        let bracket = Bracket::of(&self.observed.trials);
        self.is_securing_end = bracket.holds.is_none() || bracket.breaks.is_none();
        self.set_level(now_s, SearchPhase::Trial, level)
    }

    /// The action after a probe: a higher one, or the first trial.
    fn after_probe(&mut self, record: &RunRecord, now_s: f64) -> SearchAction {
        let level = self.current.level;
        let is_broken = self
            .observed
            .probes
            .last()
            .is_some_and(|point| point.excess > 0.7);
        let higher = (level * PROBE_STEP).min(self.highest_level());
        let has_time = now_s + self.trial_s_min() < self.searches_until_s(now_s);
        let is_left_behind = is_left_behind(record, level, self.judged(now_s));
        if !self.is_ascending {
            return self.drain_or_go_on(record, now_s);
        }
        let is_doubtful = is_broken && has_time && !is_left_behind;
        if is_doubtful && !std::mem::replace(&mut self.was_rechecked, true) {
            return self.set_level(now_s, SearchPhase::Probe, level);
        }
        if is_broken || higher <= level || !has_time {
            self.is_ascending = false;
            return self.drain_or_go_on(record, now_s);
        }
        self.was_rechecked = false;
        self.set_level(now_s, SearchPhase::Probe, higher)
    }

    /// The next level to probe, if a target was excluded before a level seemed to break.
    fn higher_probe(&mut self, now_s: f64) -> Option<f64> {
        let goes_on = std::mem::replace(&mut self.observed.probes_continue, false);
        let highest = self.observed.probes.iter().map(|point| point.level);
        let highest = highest.reduce(f64::max)?;
        let higher = (highest * PROBE_STEP).min(self.highest_level());
        let has_time = now_s + self.trial_s_min() < self.searches_until_s(now_s);
        let rises = goes_on && has_time && higher > highest;
        self.is_ascending |= rises;
        rises.then_some(higher)
    }

    /// The level of the last trial, if it is worth a second probe.
    fn level_to_recheck(&self, now_s: f64) -> Option<f64> {
        let has_time = now_s + 1.0 + PROBE_S < self.ends_s;
        let trial = self
            .observed
            .trials
            .last()
            .filter(|trial| trial.is_doubtful());
        trial.filter(|_| has_time).map(|trial| trial.level)
    }

    /// Starts the recovery phase: whether the service recovers from what broke it.
    fn recovery_phase(&mut self, now_s: f64) -> SearchAction {
        let remaining_s = self.ends_s - now_s;
        if self.observed.highest_broken().is_none()
            || remaining_s < BEFORE_S + PUSH_S + AFTER_S - 2.0
        {
            return SearchAction::Stop;
        }
        let half_of_held = self.observed.half_of_held();
        self.set_level(now_s, SearchPhase::PreSpike, half_of_held)
    }

    /// In the closed model, there is no level between two consecutive numbers of users.
    fn is_tried_out(&self, level: f64) -> bool {
        if self.observed.is_open {
            return false;
        }
        let tried = self
            .observed
            .trials
            .iter()
            .filter(|trial| same(trial.level, level));
        tried.count() >= 3
    }
}

/// Returns whether there has been no response recently although requests wait or fail.
fn is_silent(record: &RunRecord, at_s: f64) -> bool {
    let (ok, failed) = responded(record, (at_s - SILENT_S).max(0.0), at_s);
    ok == 0 && (failed > 0 || in_flight(record, at_s) > 0.0)
}

/// Length of the last part of the recovery phase, for a search that ends at a time.
fn after_s(ends_s: f64) -> f64 {
    (ends_s * AFTER_SHARE).clamp(AFTER_S, AFTER_MAX_S)
}
