//! Evidence gaps: why a target is undecided, what is known anyway, and what would decide it.

use std::fmt;

use brunt_record::Metric;

use crate::grading::decidability::Undecidable;
use crate::grading::decidability::question::enough_rps;
use crate::grading::decidability::remedy::{ADVICE_S_MAX, Remedy};
use crate::number;

/// The reason why a target is undecided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EvidenceGap {
    /// The missing evidence.
    pub(crate) cause: Box<GapCause>,
    /// Partial knowledge.
    pub(crate) known: Option<Box<PartialEvidence>>,
    /// Changes that would decide it.
    pub(crate) remedies: Vec<Advice>,
}

/// The missing evidence.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GapCause {
    /// A cause that does not depend on chance.
    Plain(String),
    /// The run is shorter than any that may pass.
    TooShort { what: String, needed_s: f64 },
    /// There are fewer requests than such a small proportion needs.
    TooFew {
        what: String,
        needed: u64,
        seen: u64,
    },
    /// A part of the run differs from the rest.
    UpsAndDowns { episode: Option<Episode> },
    /// Chance explains proportions of misses on both sides of the limit (0 to 1).
    NearLimit {
        /// Description of the proportion, with a colon; empty for the error rate.
        share: String,
        low: f64,
        high: f64,
        limit: f64,
    },
    /// Chance explains values on both sides of the threshold (in the metric's unit).
    NearThreshold { metric: Metric, low: f64, high: f64 },
    /// The load offered less than the threshold plus headroom.
    NotOffered { offered_rps: f64 },
    /// The planned load could not have decided it.
    Undecidable(Undecidable),
}

/// A part of a run that differs from the rest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Episode {
    /// In seconds since the start of the run.
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
    /// The measurement in this part, with the metric's name and unit.
    pub(crate) inside: String,
    /// The measurement in the rest of the run.
    pub(crate) outside: String,
}

/// Partial knowledge of a target that the run is too short to decide.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PartialEvidence {
    /// Requests that miss the threshold.
    pub(crate) missing: u64,
    pub(crate) requests: u64,
    /// Predicate of the misses, as in "0 of 10 requests failed".
    pub(crate) what: String,
    /// The highest proportion that chance explains (0 to 1).
    pub(crate) share_max: f64,
    /// The length of the run, in seconds.
    pub(crate) run_s: f64,
}

/// A change that would decide a target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Advice {
    /// Free text.
    Plain(String),
    /// A longer run.
    Longer {
        /// Length of this run.
        run_s: f64,
        /// Additional length.
        extra_s: f64,
    },
    /// Another threshold, with its unit, which this run would meet.
    Threshold(String),
    /// This factor of the load.
    MoreLoad(f64),
    /// An offered load of this many requests per second.
    Offer(f64),
    /// A change of the scenario or of the command line.
    Change(Remedy),
}

impl EvidenceGap {
    /// Returns whether the load is the obstacle: a longer run changes nothing.
    pub(crate) fn is_of_the_load(&self) -> bool {
        matches!(
            *self.cause,
            GapCause::NotOffered { .. } | GapCause::Undecidable(_)
        )
    }

    /// A gap whose cause does not depend on chance.
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

    /// A gap of a target that the planned load could not decide, whatever the service does.
    pub(crate) fn undecidable(found: Undecidable) -> Self {
        let remedies = found.remedies.iter().cloned().map(Advice::Change);
        Self {
            remedies: remedies.collect(),
            ..Self::of(GapCause::Undecidable(found))
        }
    }

    /// The remedies in words, as alternatives.
    pub(crate) fn advice(&self) -> String {
        let remedies = self.remedies.iter().map(Advice::to_string);
        remedies.collect::<Vec<_>>().join(", or ")
    }

    /// The cause, the partial knowledge, and the remedies, in words.
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

/// Advice for a longer run, unless it would be unreasonably long.
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
                write!(f, "{what} needs {needed}, but there were {seen}")
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
            "{} of {} {}: at most {} % with 95 % confidence if the service has no fluctuations longer than \
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
                write!(
                    f,
                    "set the threshold to {threshold}, which this run would meet"
                )
            }
            Self::MoreLoad(times) => {
                write!(
                    f,
                    "run with {} times the load",
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
