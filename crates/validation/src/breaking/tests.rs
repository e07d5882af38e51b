//! Searches of services of which something else than the load is wrong, and the rows at reduced effort.

use super::*;

/// A server of 1,000/s with something wrong that is no matter of load.
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
        let aside = verdict.findings.iter();
        let mut aside =
            aside.filter(|found| found.kind == brunt_verdict::FindingKind::MissedAtAnyLoad);
        assert!(aside.next().is_some() && aside.next().is_none());
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
            && sentence.contains("not broken; brunt itself was late with "),
        "{sentence}"
    );
}

#[test]
fn spoilt_level_is_neither_a_breaking_point_nor_any_load() {
    let case = Case {
        spoilt: 0.05,
        ..mm1(300.0)
    };
    // Spoilt: the level at which a trial began, and glances at half of it.
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
    for case in [mm1(60.0), fifo(60.0)] {
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
    let mut seen = [0, 0];
    for seed in 0..12 {
        let found = search(&fifo(60.0), seed);
        let verdict = brunt_verdict::judge(&found.record);
        let texts = format!("{verdict:?}");
        let has_held = found.holds.is_some();
        seen[usize::from(has_held)] += 1;
        assert_eq!(
            texts.contains("at the highest level that holds"),
            has_held,
            "seed {seed}: {texts}"
        );
    }
    assert!(seen[1] > 0, "{seen:?}");
}

#[test]
fn errors_at_any_load_are_named_with_their_request_and_kind() {
    let verdict = faulty(Fault::Fails(0.2));
    let aside = verdict.findings.iter();
    let mut aside = aside.filter(|found| found.kind == brunt_verdict::FindingKind::MissedAtAnyLoad);
    let sentence = &aside.next().expect("a finding").headline;
    assert!(
        sentence.contains("(most of them /: status 503)"),
        "{sentence}"
    );
}

#[test]
fn push_that_makes_requests_wait_long_did_disturb_the_service() {
    let mut told = 0;
    for seed in 0..6 {
        let record = search(&mm1(300.0), seed).record;
        let findings = brunt_verdict::judge(&record).findings;
        let mut pushes = findings
            .iter()
            .filter(|found| found.kind == brunt_verdict::FindingKind::Recovery);
        let Some(push) = pushes.next() else {
            continue;
        };
        told += 1;
        // The push is the highest level that broke.
        assert!(
            !push.headline.contains("did not disturb"),
            "seed {seed}: {}",
            push.headline
        );
    }
    assert!(told > 0);
}

#[test]
fn every_row_holds() {
    for row in rows(Effort::Reduced) {
        assert!(row.holds, "{row:#?}");
    }
}
