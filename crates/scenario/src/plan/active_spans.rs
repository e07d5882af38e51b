//! Spans in which each user of the closed model is active.

use brunt_record::{LoadStage, seconds_to_ns};

/// Spans (start and end, in nanoseconds) in which user number `user` (from 0) is active: while the planned level is above
/// its number.
pub fn active_spans(stages: &[LoadStage], user: u32) -> Vec<(u64, u64)> {
    let number = f64::from(user);
    let mut spans: Vec<(u64, u64)> = Vec::new();
    let mut begin_s = 0.0;
    for stage in stages {
        let end_s = begin_s + stage.seconds;
        let crossing_s = begin_s + stage.seconds * (number - stage.from) / (stage.to - stage.from);
        let active = match (stage.from > number, stage.to > number) {
            (true, true) => Some((begin_s, end_s)),
            (false, true) => Some((crossing_s, end_s)),
            (true, false) => Some((begin_s, crossing_s)),
            (false, false) => None,
        };
        if let Some((from_s, to_s)) = active.filter(|(from_s, to_s)| to_s > from_s) {
            let (from, to) = (seconds_to_ns(from_s), seconds_to_ns(to_s));
            match spans.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => spans.push((from, to)),
            }
        }
        begin_s = end_s;
    }
    spans
}

#[cfg(test)]
mod tests {
    use brunt_record::Load;
    use proptest::prelude::*;

    use super::*;

    fn level(seconds: f64, users: f64) -> LoadStage {
        LoadStage {
            seconds,
            from: users,
            to: users,
        }
    }

    #[test]
    fn a_spike_is_three_levels_in_one() {
        let stages = [level(120.0, 10.0), level(60.0, 100.0), level(120.0, 10.0)];
        assert_eq!(active_spans(&stages, 9), [(0, 300_000_000_000)]);
        assert_eq!(
            active_spans(&stages, 10),
            [(120_000_000_000, 180_000_000_000)]
        );
        assert_eq!(active_spans(&stages, 100), []);
    }

    proptest! {
        #[test]
        fn the_users_active_are_those_planned(
            stages in prop::collection::vec((1.0..60.0f64, 0u32..30, 0u32..30), 1..5),
            at_s in 0.0..200.0f64,
        ) {
            let stage = |&(seconds, from, to): &(f64, u32, u32)| LoadStage {
                seconds,
                from: from.into(),
                to: to.into(),
            };
            let stages: Vec<LoadStage> = stages.iter().map(stage).collect();
            let at_ns = seconds_to_ns(at_s);
            let near_edge = |edge: u64| edge.abs_diff(at_ns) < 10;
            let spans: Vec<_> = (0..30).flat_map(|user| active_spans(&stages, user)).collect();
            prop_assume!(!spans.iter().any(|span| near_edge(span.0) || near_edge(span.1)));
            let active = spans.iter().filter(|span| span.0 <= at_ns && at_ns < span.1).count();
            let load = Load { stages, ..Load::default() };
            prop_assert!((active as f64 - load.level_at(at_s).ceil()).abs() < 0.5);
        }
    }
}
