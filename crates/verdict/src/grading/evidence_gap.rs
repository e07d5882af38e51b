//! Lacks: why a target is not decided, what is known of it anyway, and what would decide it.

use std::fmt;

use brunt_record::Metric;

use crate::grading::decidability::Undecidable;
use crate::grading::decidability::question::enough_rps;
use crate::grading::decidability::remedy::{ADVICE_S_MAX, Remedy};
use crate::number;

/// Why a target is not decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EvidenceGap {
    /// What is missing.
    pub(crate) cause: Box<GapCause>,
    /// What is known anyway.
    pub(crate) known: Option<Box<PartialEvidence>>,
    /// What would decide it.
    pub(crate) remedies: Vec<Advice>,
}

/// What is missing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GapCause {
    /// Something that is no matter of chance.
    Plain(String),
    /// The run is shorter than any that may pass.
    TooShort { what: String, needed_s: f64 },
    /// There are fewer requests than a share as small as this takes.
    TooFew {
        what: String,
        needed: u64,
        seen: u64,
    },
    /// What was measured in some part of the run is unlike the rest of it.
    UpsAndDowns { episode: Option<Episode> },
    /// Chance explains the share of requests that miss the threshold on both sides of its limit (shares: 0 to 1).
    NearLimit {
        /// The share in words, with a colon; empty: it is the error rate.
        share: String,
        low: f64,
        high: f64,
        limit: f64,
    },
    /// Chance explains the value on both sides of the threshold (in the metric's unit).
    NearThreshold { metric: Metric, low: f64, high: f64 },
    /// The load offered less than the threshold with something to spare.
    NotOffered { offered_rps: f64 },
    /// The load that was planned could not have decided it.
    Undecidable(Undecidable),
}

/// A part of a run that is unlike the rest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Episode {
    /// In seconds of the run's clock.
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    /// What was measured in it, with the metric's name and unit.
    pub(crate) inside: String,
    /// What was measured in the rest of the run.
    pub(crate) outside: String,
}

/// What is known of a target that a run is too short to decide.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PartialEvidence {
    /// Requests that miss the threshold.
    pub(crate) missing: u64,
    pub(crate) requests: u64,
    /// What they do, as in "0 of 10 requests failed".
    pub(crate) what: String,
    /// The largest share of requests that chance explains (0 to 1).
    pub(crate) share_max: f64,
    /// The length of the run, in seconds.
    pub(crate) run_s: f64,
}

/// What would decide a target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Advice {
    /// In words.
    Plain(String),
    /// A run that is longer by some seconds.
    Longer {
        /// The length of this one.
        run_s: f64,
        /// By how much.
        extra_s: f64,
    },
    /// Another threshold, which this run meets, with its unit.
    Threshold(String),
    /// This many times the load.
    MoreLoad(f64),
    /// An offer of this many requests a second.
    Offer(f64),
    /// A change of the scenario or of the command line.
    Change(Remedy),
}

impl EvidenceGap {
    /// Whether more load would be needed: a longer run changes nothing.
    pub(crate) fn is_of_the_load(&self) -> bool {
        matches!(
            *self.cause,
            GapCause::NotOffered { .. } | GapCause::Undecidable(_)
        )
    }

    /// One that is no matter of chance.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self::of(GapCause::Plain(what.into()))
    }

    pub(crate) fn of(cause: GapCause) -> Self {
        Self {
            cause: Box::new(cause),
            known: None,
            remedies: Vec::new(),
        }
    }

    pub(crate) fn and(self, remedy: impl Into<String>) -> Self {
        self.advise(Advice::Plain(remedy.into()))
    }

    pub(crate) fn advise(mut self, advice: Advice) -> Self {
        self.remedies.push(advice);
        self
    }

    pub(crate) fn not_offered(offered_rps: f64, threshold_rps: f64) -> Self {
        Self::of(GapCause::NotOffered { offered_rps })
            .advise(Advice::Offer(enough_rps(threshold_rps)))
    }

    /// Nothing that the service does could decide it under the load that was planned.
    pub(crate) fn undecidable(found: Undecidable) -> Self {
        let remedies = found.remedies.iter().cloned().map(Advice::Change);
        Self {
            remedies: remedies.collect(),
            ..Self::of(GapCause::Undecidable(found))
        }
    }

    /// What would decide it, in words: any of them does.
    pub(crate) fn advice(&self) -> String {
        let remedies = self.remedies.iter().map(Advice::to_string);
        remedies.collect::<Vec<_>>().join(", or ")
    }

    /// Cause, what is known, and remedies, in words.
    pub(crate) fn reason(&self) -> String {
        let known = self.known.iter().map(ToString::to_string);
        let remedies = self.remedies.iter().map(Advice::to_string);
        let parts: Vec<String> = std::iter::once(self.cause.to_string())
            .chain(known)
            .chain(remedies)
            .collect();
        parts.join("; ")
    }
}

/// Advice to run longer by some seconds, unless that is more than anybody would.
pub(crate) fn longer(run_s: f64, extra_s: f64) -> Option<Advice> {
    (extra_s <= ADVICE_S_MAX).then_some(Advice::Longer { run_s, extra_s })
}

impl fmt::Display for GapCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| share * 100.0;
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::TooShort { what, needed_s } => {
                write!(f, "{what} needs a run of {}", number::roughly(*needed_s))
            }
            Self::TooFew { what, needed, seen } => {
                let (needed, seen) = (number::requests(*needed), number::count(*seen));
                write!(f, "{what} needs {needed}, {seen} made")
            }
            Self::UpsAndDowns { episode } => {
                write!(f, "too variable for a run this short")?;
                match episode {
                    Some(episode) => write!(f, "; {episode}"),
                    None => Ok(()),
                }
            }
            Self::NearLimit {
                share,
                low,
                high,
                limit,
            } => write!(
                f,
                "{share}95 % interval {} %, limit {} %",
                number::range(percent(*low), percent(*high)),
                number::chosen(percent(*limit))
            ),
            Self::NearThreshold { metric, low, high } => write!(
                f,
                "the threshold is within the 95 % interval of the {}, {} {}",
                metric.name(),
                number::range(*low, *high),
                metric.unit()
            ),
            Self::Undecidable(found) => f.write_str(&found.obstacle_in_words()),
            Self::NotOffered { offered_rps } => write!(
                f,
                "the load offered {} req/s at most",
                number::measured(*offered_rps)
            ),
        }
    }
}

impl fmt::Display for Episode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "from {} to {}: {} instead of {}",
            number::seconds(self.from_s),
            number::seconds(self.to_s),
            self.inside,
            self.outside
        )
    }
}

impl fmt::Display for PartialEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} {}, which is at most {} % with 95 % confidence if the service has no ups and downs of more than \
             {}",
            number::count(self.missing),
            number::requests(self.requests),
            self.what,
            number::measured(self.share_max * 100.0),
            number::seconds(self.run_s)
        )
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => f.write_str(text),
            Self::Longer { run_s, extra_s } => {
                let (needed, now) = (number::roughly(run_s + extra_s), number::seconds(*run_s));
                write!(f, "run for {needed} instead of {now} at this load")
            }
            Self::Threshold(threshold) => {
                write!(f, "ask for {threshold}, which this run would meet")
            }
            Self::MoreLoad(times) => {
                write!(
                    f,
                    "make {} times the load",
                    number::chosen(number::round_up(*times))
                )
            }
            Self::Offer(rps) => write!(
                f,
                "offer at least {} req/s (more users, or shorter waits)",
                number::chosen(*rps)
            ),
            Self::Change(remedy) => remedy.fmt(f),
        }
    }
}
