//! The Application Agent, well and with a fault: each fault has its own finding.

use anyhow::Context;

use super::environment::Environment;
use super::row::Row;
use super::run::Run;

/// An agent, the load that shows what is wrong with it, and whether the right thing was said.
struct Case {
    agent: &'static str,
    truth: &'static str,
    goal: &'static str,
    per_s: u32,
    seconds: (u64, u64),
    is_right: fn(&Run) -> bool,
}

const CASES: [Case; 4] = [
    Case {
        agent: "agent --retention 500",
        truth: "well",
        goal: "good, no finding",
        per_s: 500,
        seconds: (120, 240),
        is_right: |run| run.verdict() == "good" && run.kinds().is_empty(),
    },
    Case {
        agent: "agent --retention 500 --fault leak",
        truth: "leaks 1 KiB a request",
        goal: "a leak of memory, nothing else",
        per_s: 500,
        seconds: (120, 240),
        is_right: |run| run.verdict() == "good" && run.kinds() == ["leak of memory"],
    },
    Case {
        agent: "agent --retention 500 --fault blocking-stats",
        truth: "/admin/stats blocks for 100 ms",
        goal: "missed, and /admin/stats takes the time",
        per_s: 100,
        seconds: (60, 180),
        is_right: |run| {
            let named = run.finding("slow_request");
            run.is_missed() && named.is_some_and(|found| found["name"] == "/admin/stats")
        },
    },
    Case {
        agent: "agent --fault unbounded-history",
        truth: "forgets nothing, and reads all of it",
        goal: "gets slower, memory grows",
        per_s: 500,
        seconds: (120, 240),
        is_right: |run| {
            let kinds = run.kinds();
            let grows = |kind: &String| kind.ends_with("of memory");
            run.finding("degradation").is_some() && kinds.iter().any(grows)
        },
    },
];

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    CASES.iter().map(|case| row(environment, case)).collect()
}

fn row(environment: &Environment, case: &Case) -> anyhow::Result<Row> {
    let seconds = environment.choose(case.seconds.0, case.seconds.1);
    let server = environment.serve(case.agent)?;
    let run = environment.play(
        &scenario(environment, case.per_s, seconds)?,
        seconds,
        &server,
    )?;
    let mut said = vec![run.verdict().to_owned()];
    said.extend(
        run.findings()
            .filter_map(|found| Some(found["sentence"].as_str()?.to_owned())),
    );
    println!("  {}: {}", case.agent, said.join("; "));
    Ok(Row {
        method: format!(
            "`testbed {}`, {} requests a second for {seconds} s",
            case.agent, case.per_s
        ),
        truth: case.truth.into(),
        reached: said.join("; "),
        goal: case.goal.into(),
        negative_control: "–".into(),
        holds: (case.is_right)(&run),
    })
}

/// The load that ships with brunt, with targets for an agent that has a core of its own.
pub(super) fn scenario(
    environment: &Environment,
    per_s: u32,
    seconds: u64,
) -> anyhow::Result<String> {
    let (shipped, _targets) = environment
        .shipped
        .split_once("\n[targets]\n")
        .context("the scenario that ships has no targets")?;
    Ok(format!(
        "{shipped}\n[profiles.p]\nrate = \"{per_s}/s\"\nusers = 100\nduration = \"{seconds}s\"\n\
         [targets]\np95 = {{ target = \"50ms\" }}\np99 = {{ target = \"100ms\" }}\n\
         error_rate = {{ target = \"0.1%\" }}\n"
    ))
}
