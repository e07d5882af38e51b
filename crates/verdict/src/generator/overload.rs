//! Overload: seconds in which arrivals waited for a user because brunt's own threads had no time to spare.
//!
//! An arrival is dispatched when it is due, and then waits for an idle user. A service that holds all users makes it wait,
//! but so does a generator that does not come to send requests and to read responses. The second case shows in the
//! generator's threads alone: they run, or are ready to, all the time. The service is known then only by its own time, from
//! sent to done.

use brunt_record::RunRecord;

use crate::convert::whole_number;
use crate::generator::cpu_starvation::CpuStarvation;

/// Whether arrivals waited in a second because the generator had no time to spare.
pub(crate) fn in_second(record: &RunRecord, second: usize) -> bool {
    let mut parts = record.header.load.parts();
    if !parts.any(|part| part.open.is_some()) {
        return false;
    }
    let Some(counts) = record.timeline.seconds().get(second) else {
        return false;
    };
    // An arrival in flight without a user waits for one.
    let waits = counts.in_flight > counts.users;
    waits && CpuStarvation::in_second(record, second).is_saturated
}

/// Whether they waited in an interval of histograms.
pub(crate) fn in_interval(record: &RunRecord, interval: usize) -> bool {
    let width = record.timeline.width_s() as usize;
    let mut seconds = interval * width..(interval + 1) * width;
    seconds.any(|second| in_second(record, second))
}

/// The share of the load's seconds in which they waited (0 to 1).
pub(crate) fn share_of_load(record: &RunRecord) -> f64 {
    let seconds = whole_number(record.duration_s());
    let overloaded = (0..seconds).filter(|second| in_second(record, *second));
    overloaded.count() as f64 / seconds.max(1) as f64
}
