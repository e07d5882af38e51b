//! The schedule: arrivals, waits and the choice of tasks.

use std::hint::black_box;

use brunt_record::{ArrivalProcess, Load, LoadStage, OpenModel};
use brunt_scenario::Arrivals;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::requests::plan;

pub(crate) fn arrival(count: u64) {
    let load = Load {
        stages: vec![LoadStage {
            seconds: 1e6,
            from: 10_000.0,
            to: 10_000.0,
        }],
        open: Some(OpenModel {
            arrival_process: ArrivalProcess::Poisson,
            users: 100,
        }),
        ..Load::default()
    };
    let mut arrivals = Arrivals::new(&load, Xoshiro256PlusPlus::seed_from_u64(1));
    for _ in 0..count {
        black_box(arrivals.due_ns());
        arrivals.pass();
    }
}

pub(crate) fn wait(count: u64) {
    let plan = plan();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut done_ns = 0;
    for _ in 0..count {
        let next_ns = plan.classes[0].wait.next(done_ns, done_ns, &mut random);
        done_ns = black_box(next_ns) % 1_000_000_000;
    }
}

pub(crate) fn task(count: u64) {
    let plan = plan();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    for turn in 0..count {
        black_box(plan.classes[0].tasks.next(black_box(turn), &mut random));
    }
}
