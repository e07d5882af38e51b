//! Searches of services with faults that do not depend on the load, and the rows with reduced effort.

use super::*;

/// The verdict on a server with a fault.
fn faulty(fault: Fault) -> brunt_verdict::Verdict {
    let case = Case {
        fault: Some(fault),
        ..mm1(240.0)
    };
    brunt_verdict::judge(&search(&case, 3).record)
}

fn outcome(verdict: &brunt_verdict::Verdict) -> Option<&brunt_verdict::Figure> {
    let found = &verdict.findings[0];
    assert_eq!(found.kind, brunt_verdict::FindingKind::BreakingPoint);
    let figures = found.figures.iter();
    figures
        .filter(|(name, _)| *name == "outcome")
        .map(|(_, figure)| figure)
        .next()
}

#[test]
fn errors_at_any_load_are_set_aside_and_the_other_target_is_searched() {
    for share in [0.06, 0.2] {
        let case = Case {
            fault: Some(Fault::Fails(share)),
            ..mm1(240.0)
        };
        let found = search(&case, 3);
        let verdict = brunt_verdict::judge(&found.record);
        let (holds, breaks) = (found.holds.unwrap(), found.breaks.unwrap());
        assert!(
            holds <= case.breaks_at && case.breaks_at <= breaks,
            "{share}: {holds} to {breaks}"
        );
        let sentence = &verdict.headline;
        let names_it = " % of the requests fail (most of them /: status 503).";
        assert!(
            sentence.contains(": holds ") && sentence.ends_with(names_it),
            "{share}: {sentence}"
        );
        let missed = verdict.findings.iter();
        let missed =
            missed.filter(|found| found.kind == brunt_verdict::FindingKind::MissedAtAnyLoad);
        assert_eq!(missed.count(), 1);
        assert!(verdict.result.is_missed(), "{share}: {:?}", verdict.result);
    }
}

#[test]
fn errors_that_grow_with_the_load_are_not_set_aside() {
    let [bucket, ..] = others();
    let verdict = brunt_verdict::judge(&search(&bucket, 3).record);
    let mut kinds = verdict.findings.iter().map(|found| found.kind);
    assert!(kinds.all(|kind| kind != brunt_verdict::FindingKind::MissedAtAnyLoad));
    assert!(
        verdict.headline.contains("error rate over 5 %"),
        "{}",
        verdict.headline
    );
}

#[test]
fn server_that_dies_has_no_breaking_point() {
    let verdict = faulty(Fault::Dies(100.5));
    assert_eq!(
        outcome(&verdict),
        Some(&brunt_verdict::Figure::Keyword("service_stopped"))
    );
    let sentence = &verdict.headline;
    assert!(
        sentence.starts_with("Critical: the service stopped responding at ")
            && sentence.contains("(connect_refused)")
            && sentence.contains("no breaking point"),
        "{sentence}"
    );
    assert!(verdict.result.is_missed());
}

#[test]
fn level_at_which_brunt_was_late_is_not_a_breaking_point() {
    let verdict = faulty(Fault::BruntIsLate(300.0));
    assert_eq!(
        outcome(&verdict),
        Some(&brunt_verdict::Figure::Keyword("generator_limited"))
    );
    let sentence = &verdict.headline;
    assert!(
        sentence.contains(": holds ")
            && sentence.contains("not broken; brunt itself could not keep up with "),
        "{sentence}"
    );
}

#[test]
fn disturbed_level_is_neither_a_breaking_point_nor_any_load() {
    let case = Case {
        disturbed: 0.05,
        ..mm1(300.0)
    };
    // Disturbed: the level at which a trial began, and probes at half of it.
    for seed in [4, 15, 28, 36] {
        let found = search(&case, seed);
        let broken = found.breaks.filter(|breaks| *breaks < case.breaks_at);
        assert_eq!(broken, None, "seed {seed}");
        assert!(
            found.holds.is_none_or(|holds| holds <= case.breaks_at),
            "seed {seed}: {:?}",
            found.holds
        );
        let kinds = brunt_verdict::judge(&found.record).findings;
        assert!(
            kinds
                .iter()
                .all(|found| found.kind != brunt_verdict::FindingKind::MissedAtAnyLoad),
            "seed {seed}: {kinds:?}"
        );
    }
}

#[test]
fn search_of_a_minute_uses_its_time() {
    for case in [mm1(60.0), slow_mm1(60.0)] {
        for seed in 0..8 {
            let record = search(&case, seed).record;
            let ended_ms = record.ending.as_ref().expect("an ending").load_ended_ms;
            let sentence = brunt_verdict::judge(&record).headline;
            assert!(
                ended_ms > 50_000 || !sentence.contains("search longer"),
                "{}, seed {seed}: {ended_ms} ms: {sentence}",
                case.name
            );
        }
    }
}

#[test]
fn rows_of_a_search_name_the_level_that_holds_only_if_one_held() {
    let mut counts = [0, 0];
    for seed in 0..12 {
        let found = search(&slow_mm1(60.0), seed);
        let verdict = brunt_verdict::judge(&found.record);
        let texts = format!("{verdict:?}");
        let has_held = found.holds.is_some();
        counts[usize::from(has_held)] += 1;
        assert_eq!(
            texts.contains("at the highest level that holds"),
            has_held,
            "seed {seed}: {texts}"
        );
    }
    assert!(counts[1] > 0, "{counts:?}");
}

#[test]
fn errors_at_any_load_are_named_with_their_request_and_kind() {
    let verdict = faulty(Fault::Fails(0.2));
    let missed = verdict.findings.iter();
    let mut missed =
        missed.filter(|found| found.kind == brunt_verdict::FindingKind::MissedAtAnyLoad);
    let sentence = &missed.next().expect("a finding").headline;
    assert!(
        sentence.contains("(most of them /: status 503)"),
        "{sentence}"
    );
}

#[test]
fn spike_that_makes_requests_wait_long_is_not_called_harmless() {
    let mut count = 0;
    for seed in 0..6 {
        let record = search(&mm1(300.0), seed).record;
        let findings = brunt_verdict::judge(&record).findings;
        let mut recoveries = findings
            .iter()
            .filter(|found| found.kind == brunt_verdict::FindingKind::Recovery);
        let Some(recovery) = recoveries.next() else {
            continue;
        };
        count += 1;
        // The spike has the highest level that broke.
        assert!(
            !recovery.headline.contains("did not disturb"),
            "seed {seed}: {}",
            recovery.headline
        );
    }
    assert!(count > 0);
}

#[test]
fn every_row_holds() {
    for row in rows(Effort::Reduced) {
        assert!(row.holds, "{row:#?}");
    }
}
