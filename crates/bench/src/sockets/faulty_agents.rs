//! The Application Agent without a fault, and with faults that each must lead to their own finding.

use anyhow::Context;

use super::environment::Environment;
use super::page::ValidationRow;
use super::run::Run;

/// An agent, a load that makes its fault visible, and a check of the run's verdict and findings.
struct Case {
    agent: &'static str,
    truth: &'static str,
    goal: &'static str,
    per_s: u32,
    /// Duration of a short run and of a full one.
    seconds: (u64, u64),
    is_correct: fn(&Run) -> bool,
}

const CASES: [Case; 4] = [
    Case {
        agent: "agent --retention 500",
        truth: "no fault",
        goal: "good, no finding",
        per_s: 500,
        seconds: (120, 240),
        is_correct: |run| run.verdict() == "good" && run.kinds().is_empty(),
    },
    Case {
        agent: "agent --retention 500 --fault leak",
        truth: "leaks 1 KiB per request",
        goal: "good; a memory leak and no other finding",
        per_s: 500,
        seconds: (120, 240),
        is_correct: |run| run.verdict() == "good" && run.kinds() == ["leak of memory"],
    },
    Case {
        agent: "agent --retention 500 --fault blocking-stats",
        truth: "/admin/stats blocks for 100 ms",
        goal: "poor or critical; /admin/stats is named as the slow request",
        per_s: 100,
        seconds: (60, 180),
        is_correct: |run| {
            let named = run.finding("slow_request");
            run.is_missed() && named.is_some_and(|found| found["name"] == "/admin/stats")
        },
    },
    Case {
        agent: "agent --fault unbounded-history",
        truth: "keeps all history and reads all of it",
        goal: "degradation, and memory grows",
        per_s: 500,
        seconds: (120, 240),
        is_correct: |run| {
            let kinds = run.kinds();
            let grows = |kind: &String| kind.ends_with("of memory");
            run.finding("degradation").is_some() && kinds.iter().any(grows)
        },
    },
];

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    CASES.iter().map(|case| row(environment, case)).collect()
}

fn row(environment: &Environment, case: &Case) -> anyhow::Result<ValidationRow> {
    let seconds = environment.choose(case.seconds.0, case.seconds.1);
    let server = environment.serve(case.agent)?;
    let run = environment.run(
        &scenario(environment, case.per_s, seconds)?,
        seconds,
        &server,
    )?;
    let mut statements = vec![run.verdict().to_owned()];
    statements.extend(
        run.findings()
            .filter_map(|found| Some(found["headline"].as_str()?.to_owned())),
    );
    println!("  {}: {}", case.agent, statements.join("; "));
    Ok(ValidationRow {
        method: format!(
            "`testbed {}`, {} requests per second for {seconds} s",
            case.agent, case.per_s
        ),
        truth: case.truth.into(),
        result: statements.join("; "),
        goal: case.goal.into(),
        negative_control: "–".into(),
        holds: (case.is_correct)(&run),
    })
}

/// The tasks that ship with brunt, with targets for an agent that has its own core.
pub(super) fn scenario(
    environment: &Environment,
    per_s: u32,
    seconds: u64,
) -> anyhow::Result<String> {
    let (shipped, _targets) = environment
        .shipped
        .split_once("\n[targets]\n")
        .context("brunt.toml has no targets")?;
    Ok(format!(
        "{shipped}\n[profiles.p]\nrate = \"{per_s}/s\"\nusers = 100\nduration = \"{seconds}s\"\n\
         [targets]\np95 = {{ target = \"50ms\" }}\np99 = {{ target = \"100ms\" }}\n\
         error_rate = {{ target = \"0.1%\" }}\n"
    ))
}
