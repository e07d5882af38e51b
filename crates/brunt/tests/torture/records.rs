//! Manipulated records and baselines: refused, or rendered in every format.

use std::time::{Duration, Instant};

use brunt_verdict::baseline::Baseline;
use rand::RngExt;

use crate::every_form::every_form;
use crate::trials::{Promise, Random};

/// Small record.
const RECORD: &[u8] = include_bytes!("../../../record/tests/data/v1.brunt");
const BASELINE: &str = include_str!("../../../../fuzz/seeds/baseline.json");
/// Maximum time to read, judge and render a small manipulated record.
const BOUND: Duration = Duration::from_secs(20);
/// Values at which arithmetic overflows, in `MessagePack`.
const EXTREMES: [&[u8]; 8] = [
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xcf\x00\x1f\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    b"\xcb\x7f\xef\xff\xff\xff\xff\xff\xff",
    b"\xce\xff\xff\xff\xff",
    b"\x00",
];

#[test]
fn manipulated_record_is_refused_or_rendered_in_every_format() {
    let promise = Promise {
        says: "a record with changed values is refused or rendered",
        how: "1 to 4 bytes or numbers of one frame changed, with a valid checksum; every report format",
        short: 1_500,
        long: 200_000,
        bound: Duration::from_mins(6),
    };
    promise.hold(|_, random| {
        let bytes = changed(RECORD, random);
        let start = Instant::now();
        judge_and_render(&bytes);
        if start.elapsed() > BOUND {
            return Err(format!("took {:?}", start.elapsed()));
        }
        Ok(())
    });
}

#[test]
fn record_cut_at_any_byte_is_readable_up_to_the_cut() {
    let promise = Promise {
        says: "a truncated record is readable up to its last complete frame",
        how: "cut at every byte",
        short: 7_648,
        long: 7_648,
        bound: Duration::from_mins(1),
    };
    promise.hold(|number, _| {
        let end = RECORD.len().min(number as usize);
        match brunt_record::file::read(&RECORD[..end]) {
            Ok(_)
            | Err(
                brunt_record::file::ReadError::NoHeader | brunt_record::file::ReadError::NotARecord,
            ) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    });
}

#[test]
fn manipulated_baseline_is_refused_or_compared() {
    let promise = Promise {
        says: "a baseline with changed values is refused or compared",
        how: "1 to 3 numbers replaced by extreme ones",
        short: 2_000,
        long: 100_000,
        bound: Duration::from_mins(3),
    };
    let record = brunt_record::file::read(RECORD).expect("a record");
    promise.hold(|_, random| {
        let mut text = BASELINE.to_owned();
        for _ in 0..random.random_range(1..=3) {
            text = with_other_number(&text, random);
        }
        if let Ok(baseline) = Baseline::read(&text) {
            let conditions = brunt_verdict::baseline::Conditions::of(&record.header);
            let differences = baseline.conditions.differences(&conditions);
            brunt_verdict::judge_with_baseline(&record, &baseline, differences, None);
        }
        Ok(())
    });
}

/// Judges and renders a record, if it is one.
fn judge_and_render(bytes: &[u8]) {
    if let Ok(record) = brunt_record::file::read(bytes) {
        let forms = every_form(&record);
        assert!(forms.iter().all(|form| !form.is_empty()), "an empty form");
    }
}

/// Record with some changed bytes in one frame, and a valid checksum.
fn changed(record: &[u8], random: &mut Random) -> Vec<u8> {
    let frames = frames(record);
    let (from, to) = frames[random.random_range(0..frames.len())];
    let mut payload = record[from + 8..to].to_vec();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..payload.len());
        if random.random_bool(0.5) {
            payload[at] = random.random();
        } else {
            let extreme = EXTREMES[random.random_range(0..EXTREMES.len())];
            let length = number_at(&payload, at);
            payload.splice(at..at + length, extreme.iter().copied());
        }
    }
    let mut all = record[..from].to_vec();
    let length = u32::try_from(payload.len()).expect("a small frame");
    all.extend_from_slice(&length.to_le_bytes());
    all.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    all.extend_from_slice(&payload);
    all.extend_from_slice(&record[to..]);
    all
}

/// Length of the `MessagePack` number at a position; 1 if there is no number.
fn number_at(payload: &[u8], at: usize) -> usize {
    let length = match payload[at] {
        0xcc | 0xd0 => 2,
        0xcd | 0xd1 => 3,
        0xca | 0xce | 0xd2 => 5,
        0xcb | 0xcf | 0xd3 => 9,
        _ => 1,
    };
    length.min(payload.len() - at)
}

/// Start and end of each frame.
fn frames(record: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut frames) = (8, Vec::new());
    while let Some(head) = record.get(at..at + 4) {
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        frames.push((at, at + 8 + length));
        at += 8 + length;
    }
    frames
}

/// Text with one of its numbers replaced.
fn with_other_number(text: &str, random: &mut Random) -> String {
    const OTHERS: [&str; 9] = [
        "1e308",
        "-1e308",
        "1e15",
        "5e-324",
        "0",
        "-0.0",
        "null",
        "9007199254740993",
        "1e400",
    ];
    let is_number = |letter: char| letter.is_ascii_digit() || ".-+eE".contains(letter);
    let bytes = text.as_bytes();
    loop {
        let at = random.random_range(0..text.len());
        if !bytes[at].is_ascii_digit() {
            continue;
        }
        let from = text[..at]
            .rfind(|letter| !is_number(letter))
            .map_or(0, |place| place + 1);
        let to = text[at..]
            .find(|letter| !is_number(letter))
            .map_or(text.len(), |length| at + length);
        let other = OTHERS[random.random_range(0..OTHERS.len())];
        return format!("{}{other}{}", &text[..from], &text[to..]);
    }
}
