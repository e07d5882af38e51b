//! Measures: the durations taken of a request, the second of the run that each belongs to, and the cells in which
//! durations are counted: one for each name, measure and outcome.

use crate::name::NameId;
use crate::outcome::Outcome;

const OUTCOMES: usize = Outcome::ALL.len();
/// Number of cells of a request name.
pub(crate) const CELLS_PER_NAME: usize = Measure::ALL.len() * OUTCOMES;

/// A duration that is measured for requests, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Measure {
    /// Intended start → done: the user's wait. Targets judge this one.
    Response = 0,
    /// Sent → done: the time that the service took.
    Service = 1,
    /// Intended start → dispatched: the generator's lateness.
    Lag = 2,
    /// Sent → first byte of the response.
    FirstByte = 3,
    /// Opening a connection, if the request had to.
    Connect = 4,
    /// Dispatched → done, less the time that the generator stalled in between: the response time without brunt's own
    /// delays. It shows whether they mattered.
    LagCorrected = 5,
    /// The TLS handshake, if the request had to open a connection.
    Tls = 6,
}

/// The moment that decides which second of the run a measure is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeBasis {
    /// The second of the intended start: a stall appears when users encountered it.
    IntendedStart,
    /// The second of completion: the work that the service completed then.
    Completion,
}

impl Measure {
    /// Every measure, in the order of its code.
    pub const ALL: [Self; 7] = [
        Self::Response,
        Self::Service,
        Self::Lag,
        Self::FirstByte,
        Self::Connect,
        Self::LagCorrected,
        Self::Tls,
    ];

    /// Code in a record file.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The measure of a code; `None` for a code of a newer brunt.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Name in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Service => "service",
            Self::Lag => "lag",
            Self::FirstByte => "first_byte",
            Self::Connect => "connect",
            Self::LagCorrected => "lag_corrected",
            Self::Tls => "tls",
        }
    }

    /// The second that it is counted in.
    pub const fn time_basis(self) -> TimeBasis {
        match self {
            Self::Response | Self::Lag | Self::LagCorrected => TimeBasis::IntendedStart,
            Self::Service | Self::FirstByte | Self::Connect | Self::Tls => TimeBasis::Completion,
        }
    }
}

/// Position of a cell among all cells.
pub(crate) fn cell_index(name: NameId, measure: Measure, outcome: Outcome) -> usize {
    name.index() * CELLS_PER_NAME
        + usize::from(measure.code()) * OUTCOMES
        + usize::from(outcome.code())
}

/// Name, measure and outcome of the cell at a position.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a name's index came from a u32"
)]
pub(crate) fn cell_key(at: usize) -> (NameId, Measure, Outcome) {
    let name = NameId((at / CELLS_PER_NAME) as u32);
    let cell = at % CELLS_PER_NAME;
    (
        name,
        Measure::ALL[cell / OUTCOMES],
        Outcome::ALL[cell % OUTCOMES],
    )
}
