//! The outcome of a search, typed: what reports color, exit codes grade and sentences put in words.

/// What a search came to. Levels are requests a second, or users of a search over users.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SearchOutcome {
    /// A level holds, and a higher one breaks the service.
    Bracket {
        /// The highest level that holds.
        holds: f64,
        /// The lowest level that breaks.
        breaks: f64,
    },
    /// A level holds, and none that was tried broke.
    HoldsNotBroken {
        /// The highest level that holds.
        holds: f64,
    },
    /// A level breaks the service, and none below it is known to hold.
    BreaksBelowLowest {
        /// The lowest level that breaks.
        breaks: f64,
    },
    /// The service stopped responding, and did not come back when the load was taken away: not a breaking point.
    ServiceStopped {
        /// The highest level that had held before.
        holds: Option<f64>,
        /// What was offered when it stopped.
        level: f64,
        /// When it last responded, in seconds of the run's clock.
        at_s: f64,
    },
    /// brunt itself could not make more load in time: where the service breaks is not known.
    GeneratorLimited {
        /// The highest level that holds.
        holds: Option<f64>,
        /// What brunt itself could not make in time, or is not trusted with.
        limit: f64,
    },
    /// No level is known to hold or to break.
    Nothing,
}

impl SearchOutcome {
    /// The highest level that holds.
    pub const fn holds(self) -> Option<f64> {
        match self {
            Self::Bracket { holds, .. } | Self::HoldsNotBroken { holds } => Some(holds),
            Self::ServiceStopped { holds, .. } | Self::GeneratorLimited { holds, .. } => holds,
            Self::BreaksBelowLowest { .. } | Self::Nothing => None,
        }
    }

    /// The lowest level that breaks.
    pub const fn breaks(self) -> Option<f64> {
        match self {
            Self::Bracket { breaks, .. } | Self::BreaksBelowLowest { breaks } => Some(breaks),
            _ => None,
        }
    }

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bracket { .. } => "bracket",
            Self::HoldsNotBroken { .. } => "holds_not_broken",
            Self::BreaksBelowLowest { .. } => "breaks_below_lowest",
            Self::ServiceStopped { .. } => "service_stopped",
            Self::GeneratorLimited { .. } => "generator_limited",
            Self::Nothing => "not_found",
        }
    }
}
