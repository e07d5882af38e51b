//! The search for the level at which a service breaks: which level to offer next, and what all levels
//! together say. A pure function of what was recorded so far: the same code steers a run and judges it.

mod bound;
mod bracket;
mod choice;
mod disturbed;
mod estimate;
mod trial;
mod usl;

use record::{Level, Measure, Part, RunRecord};

pub use bracket::Bracket;
pub(crate) use trial::throughput_and_in_flight;
pub use trial::{Cause, Outcome, Trial};
pub use usl::Usl;

use crate::limit::trusted_level;
use crate::stretch::whole_number;
use bound::Bound;
use bracket::same;
use choice::{Known, Next, RISK};
use estimate::{Point, line};

/// The first seconds of a level are not judged: the service comes to it.
const SETTLE_S: f64 = 2.0;
const GLANCE_SETTLE_S: f64 = 1.0;
const GLANCE_S: f64 = 3.0;
/// From one glance to the next.
const GLANCE_STEP: f64 = 2.0;
/// A trial is first looked at after so many seconds, and then after each so many times as many, since
/// each look may be wrong.
const LOOK_S: f64 = 20.0;
const LOOK_STEP: f64 = 1.25;
/// A search that has less time left begins no trial.
const TRIAL_S: f64 = 26.0;
/// What a trial takes besides what is judged of it: settling, patience and the drain after it.
const OVERHEAD_S: f64 = 6.0;
/// A trial that would have to be so many times as long as it may be is given up.
const HOPELESS: f64 = 1.5;
/// … once so much of it is over.
const SEEN_ENOUGH: f64 = 0.5;
/// A trial is believed that is so many standard errors off where the line through all breaks, or this far.
const MARGIN: f64 = 1.0;
const MARGIN_MAX: f64 = 0.03;
/// What waits is given so long to be served.
const DRAIN_S: f64 = 90.0;
const DRAIN_AT_HALF_S: f64 = 5.0;
/// The end of a search: half of what holds, a push, half again.
const BEFORE_S: f64 = 22.0;
const PUSH_S: f64 = 10.0;
const AFTER_S: f64 = 28.0;
const AFTER_SHARE: f64 = 0.1;
const AFTER_MAX_S: f64 = 120.0;
/// A shorter search does without.
const TAIL_IN_S: f64 = 120.0;
/// No bound is waited for longer than this, in seconds.
const PATIENCE_MAX_S: f64 = 5.0;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Order {
    /// Another level.
    Level(Level),
    /// Nothing is left to learn.
    End,
}

/// A search that goes on, or has ended.
#[derive(Debug, Clone)]
pub struct Search {
    asked: record::Search,
    is_open: bool,
    pub(crate) bounds: Vec<Bound>,
    /// No level is higher, and why, where it is not as asked.
    most: f64,
    /// When the search for the level ends, and the load.
    searches_until_s: f64,
    ends_s: f64,
    glances: Vec<Point>,
    /// The level that seems broken was looked at once more: it may have been a bad moment.
    looked_again: bool,
    trials: Vec<Trial>,
    current: Level,
    /// The next look at the current trial, in seconds judged.
    look_s: f64,
    /// The longest that the current trial may be.
    trial_s_max: f64,
    /// The risk that it takes.
    risk: f64,
    /// What was under way while a level held.
    calm: f64,
}

impl Search {
    /// The search of a run that begins; `None` where the load is not searched.
    pub fn begin(record: &RunRecord) -> Option<Self> {
        let load = &record.header.load;
        let asked = load.search?;
        // What the user begins with is offered, whatever brunt can be trusted with.
        let most = trusted_level(record).map_or(f64::INFINITY, |most| most.max(asked.from));
        let ends_s = load.seconds();
        let tail_s = if ends_s < TAIL_IN_S {
            0.0
        } else {
            BEFORE_S + PUSH_S + after_s(ends_s)
        };
        Some(Self {
            asked,
            is_open: load.open.is_some(),
            bounds: Bound::all(record, asked.limit, Measure::Response),
            most: asked.to.unwrap_or(f64::INFINITY).min(most),
            searches_until_s: ends_s - tail_s,
            ends_s,
            glances: Vec::new(),
            looked_again: false,
            trials: Vec::new(),
            current: Level {
                from_ms: 0,
                within_ms: 0,
                level: asked.from.min(most),
                part: Part::Glance,
            },
            look_s: LOOK_S,
            trial_s_max: 0.0,
            risk: RISK,
            calm: 0.0,
        })
    }

    /// The search of a run that has ended, or as far as it has come.
    pub fn of(record: &RunRecord) -> Option<Self> {
        Self::by(record, Measure::Response)
    }

    /// The same, by another measure than the response time.
    pub(crate) fn by(record: &RunRecord, measure: Measure) -> Option<Self> {
        let mut search = Self::begin(record)?;
        search.bounds = Bound::all(record, search.asked.limit, measure);
        for level in record.levels() {
            let now_s = level.from_ms as f64 / 1e3 - 1.0;
            search.close(record, now_s);
            if level.part == Part::Trial {
                search.risk = search.next(now_s).map_or(RISK, |next| next.risk);
            }
            search.current = *level;
        }
        // Where nothing was left to learn, the load was stopped within the second after what was known.
        let ended_s = record.duration_s();
        let was_stopped = ended_s < record.header.load.seconds();
        let known_s = if was_stopped {
            ended_s.floor()
        } else {
            ended_s - 1.0
        };
        search.close(record, known_s);
        Some(search)
    }

    /// The trials, in the order of time.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Between which levels the service breaks. A trial that says otherwise than the line through all of
    /// them had a good or a bad moment: it is not believed.
    pub fn bracket(&self) -> Bracket {
        let told = self.told();
        let bracket = Bracket::told_by(&told);
        let (Some(holds), Some(breaks)) = (bracket.holds, bracket.breaks) else {
            return bracket;
        };
        let Some(line) = line(self.trials.iter(), (holds * breaks).sqrt()) else {
            return bracket;
        };
        let margin = (MARGIN * line.error).min(MARGIN_MAX).exp();
        let believed: Vec<Trial> = told
            .into_iter()
            .filter(|trial| match trial.outcome {
                Outcome::Holds => trial.level <= line.breaks_at / margin,
                Outcome::Breaks(_) => trial.level >= line.breaks_at * margin,
                Outcome::Open => true,
            })
            .collect();
        let narrowed = Bracket::told_by(&believed);
        match narrowed.width() {
            Some(_) => narrowed,
            // With so few trials, the line is no better than they are.
            None => bracket,
        }
    }

    /// What to do after so many whole seconds; `None`: go on.
    pub fn step(&mut self, record: &RunRecord, now_s: f64) -> Option<Order> {
        let at_level_s = now_s - self.current.from_ms as f64 / 1e3;
        match self.current.part {
            Part::Glance if at_level_s >= GLANCE_S => {
                self.close(record, now_s);
                Some(self.after_glance(record, now_s))
            }
            Part::Trial => self.trial_is_over(record, now_s).then(|| {
                self.close(record, now_s);
                self.drain_or_go_on(record, now_s)
            }),
            Part::Drain => self.after_drain(record, now_s, at_level_s),
            Part::Before if at_level_s >= BEFORE_S => {
                let hardest = self.hardest().unwrap_or(self.current.level);
                Some(self.order(now_s, Part::Push, hardest))
            }
            Part::Push if at_level_s >= PUSH_S => {
                let before = self.half();
                Some(self.order(now_s, Part::After, before))
            }
            Part::After if at_level_s >= after_s(self.ends_s).max(AFTER_S) => Some(Order::End),
            _ => None,
        }
    }

    fn order(&mut self, now_s: f64, part: Part, level: f64) -> Order {
        // From the next second on: blocks are whole seconds.
        let level = Level {
            from_ms: whole_number(now_s) as u64 * 1_000 + 1_000,
            within_ms: if self.is_open { 0 } else { 1_000 },
            level,
            part,
        };
        self.current = level;
        self.look_s = LOOK_S;
        Order::Level(level)
    }

    /// What of the current level is judged, where so much is known.
    fn judged(&self, known_s: f64) -> (f64, f64) {
        let from_s = (self.current.from_ms + self.current.within_ms) as f64 / 1e3;
        match self.current.part {
            Part::Glance => (from_s + GLANCE_SETTLE_S, known_s),
            _ => (from_s + SETTLE_S, known_s - self.patience_s()),
        }
    }

    /// Requests that would be too slow are known only after so long.
    fn patience_s(&self) -> f64 {
        let longest = self.bounds.iter().map(Bound::patience_s);
        longest.fold(0.0, f64::max).min(PATIENCE_MAX_S).ceil()
    }

    /// Takes in what the current level showed.
    fn close(&mut self, record: &RunRecord, now_s: f64) {
        let (from_s, to_s) = self.judged(now_s);
        if to_s <= from_s {
            return;
        }
        match self.current.part {
            Part::Glance => {
                let level = self.current.level;
                let (_, excess) = trial::glance(record, &self.bounds, level, (from_s, to_s));
                // A second look takes the place of the first.
                self.glances.retain(|point| !same(point.level, level));
                self.glances.push(Point { level, excess });
                if excess <= 0.0 {
                    self.calm = in_flight(record, to_s);
                }
            }
            Part::Trial => {
                let trial = self.judge(record, (from_s, to_s));
                if trial.outcome == Outcome::Holds {
                    self.calm = self.calm.max(in_flight(record, to_s));
                }
                self.trials.push(trial);
            }
            _ => {}
        }
    }

    fn judge(&self, record: &RunRecord, judged: (f64, f64)) -> Trial {
        Trial::judge(record, &self.bounds, &self.current, self.risk, judged)
    }

    fn trial_is_over(&mut self, record: &RunRecord, now_s: f64) -> bool {
        let (from_s, to_s) = self.judged(now_s);
        let judged_s = to_s - from_s;
        if now_s >= self.searches_until_s {
            return true;
        }
        let looks = judged_s >= self.look_s;
        if judged_s < 6.0 || !(looks || whole_number(judged_s).is_multiple_of(2)) {
            return false;
        }
        let trial = self.judge(record, (from_s, to_s));
        if trial.outcome == Outcome::Breaks(Cause::Backlog) {
            return true;
        }
        // What is left out of it is no part of its time.
        let judged_s = judged_s - trial.left_out_s;
        if judged_s < self.look_s {
            return false;
        }
        self.look_s = judged_s * LOOK_STEP;
        let has_time_for_another = now_s + TRIAL_S < self.searches_until_s;
        let is_over = judged_s >= self.trial_s_max;
        let is_hopeless = judged_s >= SEEN_ENOUGH * self.trial_s_max
            && judged_s * trial.times > HOPELESS * self.trial_s_max;
        trial.outcome != Outcome::Open
            || self.tells_with_others(&trial)
            || has_time_for_another && (is_over || is_hopeless)
    }

    /// Whether a trial tells of its level together with those before it.
    fn tells_with_others(&self, trial: &Trial) -> bool {
        let bracket = Bracket::of(&[&self.trials[..], std::slice::from_ref(trial)].concat());
        let level = trial.level;
        bracket.holds.is_some_and(|holds| holds >= level)
            || bracket.breaks.is_some_and(|breaks| breaks <= level)
    }

    fn after_glance(&mut self, record: &RunRecord, now_s: f64) -> Order {
        let level = self.current.level;
        let is_broken = self.glances.last().is_some_and(|point| point.excess > 0.7);
        let higher = (level * GLANCE_STEP).min(self.most);
        let has_time = now_s + TRIAL_S < self.searches_until_s;
        let is_left_behind = trial::is_left_behind(record, level, self.judged(now_s));
        let is_doubtful = is_broken && has_time && !is_left_behind;
        if is_doubtful && !std::mem::replace(&mut self.looked_again, true) {
            return self.order(now_s, Part::Glance, level);
        }
        if is_broken || higher <= level || !has_time {
            return self.drain_or_go_on(record, now_s);
        }
        self.looked_again = false;
        self.order(now_s, Part::Glance, higher)
    }

    fn drain_or_go_on(&mut self, record: &RunRecord, now_s: f64) -> Order {
        if self.is_open && in_flight(record, now_s) > 3.0 * self.calm + 5.0 {
            let half = self.half();
            return self.order(now_s, Part::Drain, half);
        }
        self.go_on(now_s)
    }

    fn after_drain(&mut self, record: &RunRecord, now_s: f64, at_level_s: f64) -> Option<Order> {
        let is_calm = in_flight(record, now_s) <= 1.5 * self.calm + 2.0;
        if at_level_s >= 1.0 && is_calm || at_level_s >= DRAIN_S {
            return Some(self.go_on(now_s));
        }
        // What does not drain at half of what holds is given a rest.
        let rests = self.current.level <= 0.0;
        (at_level_s >= DRAIN_AT_HALF_S && !rests).then(|| self.order(now_s, Part::Drain, 0.0))
    }

    /// The level to try next, where one is worth a trial.
    fn next(&self, now_s: f64) -> Option<Next> {
        let left_s = self.searches_until_s - now_s;
        let known = Known {
            trials: &self.trials,
            glances: &self.glances,
            most: self.most,
            left_s: left_s - OVERHEAD_S,
            least_s: LOOK_S,
            precision: self.asked.precision,
        };
        choice::next(&known).filter(|_| left_s >= TRIAL_S)
    }

    fn go_on(&mut self, now_s: f64) -> Order {
        let Some(next) = self.next(now_s) else {
            return self.tail(now_s);
        };
        let level = if self.is_open {
            next.level
        } else {
            next.level.round().max(1.0)
        };
        if self.is_tried_out(level) {
            return self.tail(now_s);
        }
        self.trial_s_max = next.seconds;
        self.risk = next.risk;
        self.order(now_s, Part::Trial, level)
    }

    /// Whole users leave no level between two neighbours.
    fn is_tried_out(&self, level: f64) -> bool {
        let tried = self.trials.iter().filter(|trial| same(trial.level, level));
        tried.count() >= 3
    }

    /// The end: does the service recover from what broke it?
    fn tail(&mut self, now_s: f64) -> Order {
        let left_s = self.ends_s - now_s;
        if self.hardest().is_none() || left_s < BEFORE_S + PUSH_S + AFTER_S - 2.0 {
            return Order::End;
        }
        let half = self.half();
        self.order(now_s, Part::Before, half)
    }

    /// The highest level that broke the service.
    fn hardest(&self) -> Option<f64> {
        let broke = self.trials.iter().filter(|trial| trial.breaks());
        broke.map(|trial| trial.level).reduce(f64::max)
    }

    /// Half of what holds, as far as is known.
    fn half(&self) -> f64 {
        let seemed = self.glances.iter().filter(|point| point.excess <= 0.7);
        let seemed = seemed.map(|point| point.level).reduce(f64::max);
        let bracket = self.bracket();
        let holds = bracket.holds.or(seemed).unwrap_or(self.asked.from / 2.0);
        let holds = bracket.breaks.map_or(holds, |breaks| holds.min(breaks));
        if self.is_open {
            holds / 2.0
        } else {
            (holds / 2.0).round().max(1.0)
        }
    }

    /// What was looked at of the levels of a part.
    pub(crate) fn glanced(&self, record: &RunRecord, part: Part) -> Vec<Trial> {
        let ends = record.levels().map(|level| level.from_ms as f64 / 1e3);
        let ends: Vec<f64> = ends.chain([record.duration_s()]).collect();
        let first = Level {
            from_ms: 0,
            within_ms: 0,
            level: self.asked.from,
            part: Part::Glance,
        };
        let levels = std::iter::once(&first).chain(record.levels());
        levels
            .zip(&ends)
            .filter(|(level, _)| level.part == part)
            .map(|(level, end_s)| {
                let from_s = (level.from_ms + level.within_ms) as f64 / 1e3 + GLANCE_SETTLE_S;
                Trial::seen(level.level, (from_s, *end_s))
            })
            .collect()
    }

    /// The trials, with what each tells together with the others of its level and near it.
    pub(crate) fn told(&self) -> Vec<Trial> {
        bracket::together(&self.trials)
    }

    /// The trials that decided the bracket, the last of each level: of the one that holds, and of the one
    /// that breaks.
    pub(crate) fn deciding(&self) -> (Option<Trial>, Option<Trial>) {
        let bracket = self.bracket();
        let told = self.told();
        let last = |level: Option<f64>, decides: fn(&Trial) -> bool| {
            let mut last = told.iter().rev();
            let is_at = |trial: &Trial| level.is_some_and(|level| same(trial.level, level));
            last.find(|trial| is_at(trial) && decides(trial)).cloned()
        };
        (
            last(bracket.holds, |trial| trial.outcome == Outcome::Holds),
            last(bracket.breaks, Trial::breaks),
        )
    }
}

fn after_s(ends_s: f64) -> f64 {
    (ends_s * AFTER_SHARE).clamp(AFTER_S, AFTER_MAX_S)
}

/// What is under way at the end of a second.
fn in_flight(record: &RunRecord, at_s: f64) -> f64 {
    let seconds = record.timeline.seconds();
    let second = seconds.get(whole_number(at_s).saturating_sub(1));
    second
        .and_then(|second| second.in_flight)
        .map_or(0.0, f64::from)
}
