//! Searches of services of which something else than the load is wrong, and the rows at reduced effort.

use super::*;

/// A server of 1,000/s with something wrong that is no matter of load.
fn faulty(fault: Fault) -> verdict::Verdict {
    let case = Case {
        fault: Some(fault),
        ..mm1(240.0)
    };
    verdict::judge(&search(&case, 3).record)
}

fn outcome(verdict: &verdict::Verdict) -> Option<&verdict::Figure> {
    let found = &verdict.findings[0];
    assert_eq!(found.kind, verdict::FindingKind::BreakingPoint);
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
        let verdict = verdict::judge(&found.record);
        let (holds, breaks) = (found.holds.unwrap(), found.breaks.unwrap());
        assert!(
            holds <= case.breaks_at && case.breaks_at <= breaks,
            "{share}: {holds} to {breaks}"
        );
        let sentence = &verdict.sentence;
        let names_it = " % of the requests fail (most of them /).";
        assert!(
            sentence.contains(": holds ") && sentence.ends_with(names_it),
            "{share}: {sentence}"
        );
        let aside = verdict.findings.iter();
        let mut aside = aside.filter(|found| found.kind == verdict::FindingKind::AtAnyLoad);
        assert!(aside.next().is_some() && aside.next().is_none());
        assert!(verdict.result.is_missed(), "{share}: {:?}", verdict.result);
    }
}

#[test]
fn errors_that_grow_with_the_load_are_not_set_aside() {
    let [bucket, ..] = others();
    let verdict = verdict::judge(&search(&bucket, 3).record);
    let mut kinds = verdict.findings.iter().map(|found| found.kind);
    assert!(kinds.all(|kind| kind != verdict::FindingKind::AtAnyLoad));
    assert!(
        verdict.sentence.contains("error rate over 5 %"),
        "{}",
        verdict.sentence
    );
}

#[test]
fn server_that_dies_has_no_breaking_point() {
    let verdict = faulty(Fault::Dies(100.5));
    assert_eq!(
        outcome(&verdict),
        Some(&verdict::Figure::Word("service_stopped"))
    );
    let sentence = &verdict.sentence;
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
        Some(&verdict::Figure::Word("generator_limited"))
    );
    let sentence = &verdict.sentence;
    assert!(
        sentence.contains(": holds ")
            && sentence.contains("not broken; brunt itself was late with "),
        "{sentence}"
    );
}

#[test]
fn every_row_holds() {
    for row in rows(Effort::Reduced) {
        assert!(row.holds, "{row:#?}");
    }
}
