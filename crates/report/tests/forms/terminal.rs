//! Terminal result and progress line.

use brunt_record::{
    ArrivalProcess, Command, Event, LoadLevel, OpenModel, Search, SearchPhase, ThresholdKind,
};
use brunt_report::{Progress, progress_line, terminal, terminal_of_all};

use brunt_verdict::search::Bracket;

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
fn lines_fit_the_terminal_without_control_characters() {
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
fn color_does_not_change_the_text() {
    let run = known();
    let colored = terminal(&run.judged(), 100, true);
    assert!(colored.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain += before;
        rest = after.split_once('m').expect("a style").1;
    }
    assert_eq!(plain + rest, terminal(&run.judged(), 100, false));
}

#[test]
fn progress_line_shows_the_stage_and_fits() {
    let run = known();
    let progress = Progress::of(&run.record, 4.5);
    insta::assert_snapshot!("progress_line", progress_line(&progress, 120, false));
    for width in 20..120 {
        assert!(progress_line(&progress, width, false).chars().count() <= width);
    }
}

/// A search over arrivals with three requests per task, at a phase.
fn searching(part: SearchPhase, level: f64, bracket: &Bracket) -> Progress {
    let mut run = known();
    let load = &mut run.record.header.load;
    load.search = Some(Search {
        from: 10.0,
        to: None,
        breaks_at: ThresholdKind::Critical,
        precision: 0.05,
    });
    load.open = Some(OpenModel {
        arrival_process: ArrivalProcess::Poisson,
        users: 4_000,
    });
    load.requests_per_task = 3.0;
    run.record.header.profile = "stress".into();
    run.record.events.push(Event {
        at_ms: 3_200,
        command: Command::Level(LoadLevel {
            from_ms: 4_000,
            ramp_ms: 0,
            level,
            phase: part,
        }),
    });
    Progress::of(&run.record, 4.5).with_bracket(&run.record, bracket)
}

#[test]
fn progress_line_of_a_search_shows_level_and_bracket() {
    let bracket = |holds, breaks| {
        let mut bracket = Bracket::default();
        (bracket.holds, bracket.breaks) = (holds, breaks);
        bracket
    };
    let parts = [
        (SearchPhase::Probe, 160.0, bracket(None, None)),
        (SearchPhase::Trial, 273.4, bracket(Some(260.0), None)),
        (SearchPhase::Trial, 280.0, bracket(Some(260.0), Some(310.0))),
        (SearchPhase::Drain, 130.0, bracket(None, Some(310.0))),
        (
            SearchPhase::PreSpike,
            130.0,
            bracket(Some(298.0), Some(301.0)),
        ),
        (SearchPhase::Spike, 310.0, bracket(Some(298.0), Some(301.0))),
        (
            SearchPhase::Recovery,
            130.0,
            bracket(Some(298.0), Some(301.0)),
        ),
    ];
    let lines = |width| {
        let all = parts.iter().map(|(part, level, bracket)| {
            let line = progress_line(&searching(*part, *level, bracket), width, false);
            assert!(line.chars().count() <= width, "{width}: {line}");
            line
        });
        all.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!("progress_line_of_a_search_80", lines(80));
    insta::assert_snapshot!("progress_line_of_a_search_200", lines(200));
    for width in 80..200 {
        lines(width);
    }
}

#[test]
fn progress_line_shows_a_stall_for_its_duration() {
    let mut run = known();
    let names = run.record.header.names.clone();
    let mut delta = brunt_record::SecondRecorder::new(&names);
    delta.start(23);
    delta.counts_mut().users = Some(20);
    delta.counts_mut().in_flight = Some(20);
    delta.counts_mut().oldest_in_flight_ms = Some(3200);
    run.record.timeline.merge(&delta.to_snapshot()).unwrap();
    let line = progress_line(&Progress::of(&run.record, 23.0), 120, false);
    assert!(
        line.contains("20 in flight, the oldest for 3.20 s"),
        "{line}"
    );
}
