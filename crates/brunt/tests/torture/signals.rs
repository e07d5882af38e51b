//! Signals in every state: the second one ends brunt within a second.

use std::time::Duration;

use brunt_testbed::interruptions::{State, cases};
use rand::RngExt;

use crate::interrupt_scenes::{SLACK, play};
use crate::trials::Promise;

#[test]
fn second_signal_ends_brunt_within_a_second() {
    let promise = Promise {
        says: "in any state, the second signal ends brunt and its child processes within a second; the record is \
               complete",
        how: "1 to 4 of SIGINT, SIGTERM, SIGHUP and SIGXFSZ up to 450 ms apart, in each of ten states in turn",
        short: 10,
        long: 300,
        bound: Duration::from_mins(4),
    };
    promise.hold(|number, random| {
        let state = State::ALL[number as usize % State::ALL.len()];
        let drawn = cases(random.random(), 1_000);
        let mut of_state = drawn.iter().filter(|case| case.state == state);
        let Some((case, by)) = of_state.find_map(|case| Some((case, case.ends_by()?))) else {
            return Err("no case has to end".into());
        };
        let took = play(case);
        if took > by + SLACK {
            return Err(format!("{took:?} instead of {by:?}: {case:?}"));
        }
        Ok(())
    });
}
