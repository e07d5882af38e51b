//! Samples: recording, and the hand-over once per second.

use std::hint::black_box;

use brunt_record::{NameId, NameKind, RequestName, Sample, SecondRecorder};

const NAMES: u32 = 10;

fn recorder() -> SecondRecorder {
    let name = |number: u32| RequestName {
        name: number.to_string(),
        method: "GET".to_owned(),
        setup: false,
        kind: NameKind::Request,
    };
    SecondRecorder::new(&(0..NAMES).map(name).collect::<Vec<_>>())
}

/// A sample. Samples with different numbers differ, so that they do not all fall into one bucket.
fn sample(number: u64) -> Sample {
    let intended_ns = number % 1_000 * 900_000;
    let took_ns = 50_000 + number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 50_000_000;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "less than the number of names"
    )]
    let name = NameId((number % u64::from(NAMES)) as u32);
    Sample {
        name,
        intended_ns,
        dispatched_ns: intended_ns + 1_000,
        sent_ns: Some(intended_ns + 2_000),
        first_byte_ns: Some(intended_ns + took_ns / 2),
        done_ns: intended_ns + took_ns,
        connect_ns: None,
        tls_ns: None,
        generator_stall_ns: 0,
        failure: None,
        wire_requests: 1,
        bytes_sent: 70,
        bytes_received: 128,
    }
}

pub(crate) fn one(count: u64) {
    let mut recorder = recorder();
    // Allocates all histogram buckets beforehand.
    (0..1_000).for_each(|number| recorder.record(&sample(number)));
    for number in 0..count {
        recorder.record(black_box(&sample(number)));
    }
    black_box(&recorder);
}

pub(crate) fn second(count: u64) {
    let mut recorder = recorder();
    for _ in 0..count {
        (0..1_000).for_each(|number| recorder.record(&sample(number)));
        black_box(recorder.to_snapshot());
        recorder.start(0);
    }
}
