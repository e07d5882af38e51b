//! Generator overload: seconds in which arrivals waited for a user because the generator's threads were saturated.
//!
//! An arrival is dispatched when it is due, and then waits for an idle user. It waits if the service keeps all users
//! busy, but also if the generator is too busy to send requests and to read responses. The second case shows in the
//! generator's threads alone: they run, or are ready to, all the time. Then only the service time, from sending a
//! request to its last byte, describes the service.

use brunt_record::RunRecord;

use crate::convert::whole_number;
use crate::generator::cpu_starvation::CpuStarvation;

/// Returns whether arrivals waited in a second because the generator was saturated.
pub(crate) fn in_second(record: &RunRecord, second: usize) -> bool {
    let mut parts = record.header.load.parts();
    if !parts.any(|part| part.open.is_some()) {
        return false;
    }
    let Some(counts) = record.timeline.seconds().get(second) else {
        return false;
    };
    // An arrival that is in flight without a user is waiting for one.
    let waits = counts.in_flight > counts.users;
    waits && CpuStarvation::in_second(record, second).is_saturated
}

/// The same for an interval of histograms.
pub(crate) fn in_interval(record: &RunRecord, interval: usize) -> bool {
    let width = record.timeline.width_s() as usize;
    let mut seconds = interval * width..(interval + 1) * width;
    seconds.any(|second| in_second(record, second))
}

/// The proportion of the load's seconds with an overload (0 to 1).
pub(crate) fn share_of_load(record: &RunRecord) -> f64 {
    let seconds = whole_number(record.duration_s());
    let overloaded = (0..seconds).filter(|second| in_second(record, *second));
    overloaded.count() as f64 / seconds.max(1) as f64
}
