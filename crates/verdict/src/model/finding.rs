//! Findings: what the data show beyond the targets.

/// A result beyond the targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Kind of the finding.
    pub kind: FindingKind,
    /// The finding in one sentence.
    pub headline: String,
    /// Figures, by name.
    pub figures: Vec<(&'static str, Figure)>,
    /// Annotations of charts.
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

    /// Returns whether the finding says that the service was steady.
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
    /// A count.
    Count(u64),
    /// A number.
    Number(f64),
    /// Lower and upper end, with 95 % confidence.
    Interval(f64, f64),
    /// Whether a statement holds.
    Bool(bool),
    /// One of a fixed set of words.
    Keyword(&'static str),
    /// Free text.
    Text(String),
    /// Unknown or not applicable.
    Null,
    /// Figures that belong together, by name.
    Group(Vec<(&'static str, Figure)>),
}

/// An annotation of a chart; times are seconds since the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A period.
    Span {
        /// Its label.
        label: &'static str,
        /// Its start.
        from_s: f64,
        /// Its end.
        to_s: f64,
    },
    /// The trend of a reading of the process under test.
    Line {
        /// The metric, as in the finding's `metric`.
        metric: &'static str,
        /// A time and the value at that time.
        from: (f64, f64),
        /// A later time and its value.
        to: (f64, f64),
    },
    /// The rates between which the service breaks, in requests per second.
    Bracket {
        /// The highest rate that holds.
        holds: Option<f64>,
        /// The lowest rate that breaks.
        breaks: Option<f64>,
    },
    /// Throughput over concurrency: the levels of a search, and the fitted scalability law.
    Scaling {
        /// Requests in flight, and requests per second.
        points: Vec<(f64, f64)>,
        /// Points of the law's curve.
        law: Vec<(f64, f64)>,
    },
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingKind {
    /// The run is worse than its baseline.
    Regression,
    /// The service sent no response for a while although requests were waiting.
    Stall,
    /// Users never reached their tasks because the steps before them failed.
    UsersNotStarted,
    /// Users stopped early because their data was exhausted.
    DataExhausted,
    /// The load reached the limit of what the generator can be trusted with.
    GeneratorLimit,
    /// A problem of the generator or its machine that changed no result.
    GeneratorNote,
    /// The behavior of the service after a spike.
    Recovery,
    /// The load at which the service breaks.
    BreakingPoint,
    /// A target that is missed at any load of a search.
    MissedAtAnyLoad,
    /// The part at the beginning of the run in which the service was not steady yet.
    WarmUp,
    /// The service gets slower, or fails more often, over time.
    Degradation,
    /// One kind of request takes most of the time of a service that is too slow.
    SlowRequest,
    /// A resource of the service grows and will continue to grow.
    Leak,
    /// A resource of the service grew and leveled off.
    CacheFilling,
    /// A resource of the service grows, and the run is too short to classify the growth.
    GrowthUnclear,
    /// TLS certificates were not verified.
    Insecure,
    /// Requests were retried.
    Retries,
    /// Cookie jars of users were full.
    CookiesDropped,
    /// The record is incomplete, or the run was stopped before its planned end.
    Unfinished,
    /// The run was judged although it is shorter than usual, because the scenario allows it.
    ShortRun,
}

impl FindingKind {
    /// Name in files.
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
