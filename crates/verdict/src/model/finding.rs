//! Findings: what the data show beyond the targets.

/// Something that the data say beyond the targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// It in one sentence.
    pub headline: String,
    /// Its figures, by name.
    pub figures: Vec<(&'static str, Figure)>,
    /// Where it shows on a chart.
    pub marks: Vec<Mark>,
}

impl Finding {
    pub(crate) fn new(kind: FindingKind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            headline: sentence.into(),
            figures: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// Whether it says that the service was steady.
    pub(crate) fn is_steady(&self) -> bool {
        self.figures.contains(&("steady", Figure::Bool(true)))
    }

    pub(crate) fn with_mark(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    pub(crate) fn with(mut self, name: &'static str, figure: Figure) -> Self {
        self.figures.push((name, figure));
        self
    }
}

/// A figure of a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// How many.
    Count(u64),
    /// A number.
    Number(f64),
    /// From … to, with 95 % confidence.
    Interval(f64, f64),
    /// Whether it is so.
    Bool(bool),
    /// A word.
    Keyword(&'static str),
    /// Words.
    Text(String),
    /// It is not known, or there is none.
    Null,
    /// Figures that belong together.
    Group(Vec<(&'static str, Figure)>),
}

/// What a chart shows of a finding; moments are seconds of the run's clock.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A stretch of time.
    Span {
        /// What it was.
        label: &'static str,
        /// From.
        from_s: f64,
        /// To.
        to_s: f64,
    },
    /// The trend of what was read of the process under test.
    Line {
        /// Of what, as in the finding's `metric`.
        metric: &'static str,
        /// A moment, and the value then.
        from: (f64, f64),
        /// A later moment, and the value then.
        to: (f64, f64),
    },
    /// Between which rates the service breaks, in requests a second.
    Bracket {
        /// What it holds.
        holds: Option<f64>,
        /// What breaks it.
        breaks: Option<f64>,
    },
    /// What was measured at the levels of a search, and the law that fits: requests a second over
    /// requests under way.
    Scaling {
        /// Under way, and answered a second.
        points: Vec<(f64, f64)>,
        /// The law, at as many places.
        law: Vec<(f64, f64)>,
    },
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// The run is worse than its baseline.
    Regression,
    /// The service sent no response for a while though requests waited.
    Stall,
    /// Users never came to their tasks, since what they do before them failed.
    UsersNotStarted,
    /// Users stopped before the end since their data was used up.
    DataExhausted,
    /// The load came to what brunt itself can be trusted with.
    GeneratorLimit,
    /// Something was amiss with brunt or its machine, on which nothing hangs.
    GeneratorNote,
    /// What became of the service after a spike.
    Recovery,
    /// Where the service breaks.
    BreakingPoint,
    /// A target that is missed at any load of a search.
    MissedAtAnyLoad,
    /// The first part of the run, in which the service was not yet as it then was.
    WarmUp,
    /// The service gets slower, or fails more, the longer it runs.
    Degradation,
    /// One kind of request takes the time of a service that is too slow.
    SlowRequest,
    /// What the service holds grows, and will go on to.
    Leak,
    /// What the service holds grew to a level.
    CacheFilling,
    /// What the service holds grows, and the run is too short to tell where to.
    GrowthUnclear,
    /// TLS certificates were not verified.
    Insecure,
    /// Requests were sent again.
    Retries,
    /// Users' cookie jars were full.
    CookiesDropped,
    /// The run broke off or was stopped before its end.
    Unfinished,
    /// The run was judged though it is shorter than usual, since the scenario asked for that.
    ShortRun,
}

impl FindingKind {
    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Stall => "stall",
            Self::UsersNotStarted => "users_not_started",
            Self::DataExhausted => "data_exhausted",
            Self::GeneratorLimit => "generator_limit",
            Self::GeneratorNote => "generator_note",
            Self::Recovery => "recovery",
            Self::BreakingPoint => "breaking_point",
            Self::MissedAtAnyLoad => "missed_at_any_load",
            Self::WarmUp => "warm_up",
            Self::Degradation => "degradation",
            Self::SlowRequest => "slow_request",
            Self::Leak => "leak",
            Self::CacheFilling => "cache_filling",
            Self::GrowthUnclear => "growth_unclear",
            Self::Insecure => "insecure",
            Self::Retries => "retries",
            Self::CookiesDropped => "cookies_dropped",
            Self::Unfinished => "unfinished",
            Self::ShortRun => "short_run",
        }
    }
}
