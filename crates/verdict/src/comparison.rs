//! Comparisons: whether a run is worse than others were, whether one build is worse than another, and
//! since when. What is stored and played is somebody else's; here are figures and chance.

mod change_points;
mod compare;
mod contest;
mod difference;
mod figures;
mod flips;
mod measured;
mod outcome;
mod row;
mod sample;
mod sitting;

pub use change_points::change_points;
pub use compare::{TESTED, compare};
pub use contest::{Contest, Played};
pub use figures::{Figures, Requests, Series};
pub use measured::Measured;
pub use outcome::{Change, Ends, Outcome, Tolerance};
pub use row::{BetweenRuns, Comparison, Row};
pub use sitting::{Answer, FIRST_LOOK, Limit, Look, Side, Sitting, difference, order};
