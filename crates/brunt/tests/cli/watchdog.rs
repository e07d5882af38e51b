//! Whatever brunt does, the second signal that asks it to end has ended it within a second, and all that it started.
//!
//! The cases are those of [`brunt_testbed::interruptions`], of which a few are played for each state; the model of brunt's
//! reaction plays a thousand (`brunt/src/system/interrupts.rs`).

use brunt_testbed::interruptions::{State, cases};

use crate::scenes::{SLACK, play};

#[test]
fn second_signal_ends_brunt_within_a_second_in_every_state() {
    let cases = cases(20, 1_000);
    let mut late = Vec::new();
    for state in State::ALL {
        let of_state = cases.iter().filter(|case| case.state == state);
        let ending = of_state.filter(|case| case.ends_by().is_some());
        for case in ending.take(2) {
            let took = play(case);
            let by = case.ends_by().expect("it has to end");
            if took > by + SLACK {
                late.push(format!("{took:?} instead of {by:?}: {case:?}"));
            }
        }
    }
    assert!(late.is_empty(), "{late:#?}");
}
