//! The terminal's result and the live line.

use report::{Progress, live_line, terminal, terminal_of_all};

use crate::run::known;

#[test]
fn the_result_is_as_it_was_reviewed_at_80_and_200_columns() {
    let run = known();
    insta::assert_snapshot!("terminal_80", terminal(&run.judged(), 80, false));
    insta::assert_snapshot!("terminal_200", terminal(&run.judged(), 200, false));
    insta::assert_snapshot!(
        "terminal_of_all",
        terminal_of_all(&[run.judged(), run.judged()], 80, false)
    );
}

#[test]
fn no_line_is_wider_than_the_terminal_and_no_control_character_gets_through() {
    let run = known();
    for width in 80..=200 {
        let text = terminal(&run.judged(), width, false);
        for line in text.lines() {
            let columns = line.chars().count();
            assert!(columns <= width, "{columns} of {width}: {line}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}

#[test]
fn colour_changes_no_letter() {
    let run = known();
    let coloured = terminal(&run.judged(), 100, true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain += before;
        rest = after.split_once('m').expect("a style").1;
    }
    assert_eq!(plain + rest, terminal(&run.judged(), 100, false));
}

#[test]
fn the_live_line_says_where_the_run_is_and_fits() {
    let run = known();
    let progress = Progress::of(&run.record, 4.5);
    insta::assert_snapshot!("live_line", live_line(&progress, 120, false));
    for width in 20..120 {
        assert!(live_line(&progress, width, false).chars().count() <= width);
    }
}

#[test]
fn a_stall_is_said_while_it_lasts() {
    let mut run = known();
    let names = run.record.header.names.clone();
    let mut delta = record::Delta::new(&names);
    delta.start(23);
    delta.counts_mut().users = Some(20);
    delta.counts_mut().in_flight = Some(20);
    delta.counts_mut().oldest_ms = Some(3200);
    run.record.timeline.absorb(&delta.to_increment()).unwrap();
    let line = live_line(&Progress::of(&run.record, 23.0), 120, false);
    assert!(line.contains("20 waiting, the oldest for 3.20 s"), "{line}");
}
