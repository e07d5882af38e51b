//! Was it us? A generator that a spinner slows down, and a server that is slow.

use super::environment::Environment;
use super::row::Row;
use super::run::Run;

/// What the p90 has to stay under, in milliseconds: it is 11.5 where all is well.
const P90_MS: f64 = 15.0;
const PER_S: u32 = 50;
/// Plenty of servers: nothing waits. The one that is well takes 5 ms in the mean, the slow one 25.
const WELL: &str = "mmc:64,200";
const SLOW: &str = "mmc:64,40";

/// What runs on brunt's core beside it.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nothing,
    Spinner,
}

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    // Less than 20 s calls nothing good.
    let (times, seconds) = environment.choose((1, 20), (10, 30));
    // A spinner does not always matter.
    let (spins, least) = environment.choose((1, 0), (15, times));
    let alone = play(environment, WELL, Beside::Nothing, times, seconds)?;
    let spun = play(environment, WELL, Beside::Spinner, spins, seconds)?;
    let slow = play(environment, SLOW, Beside::Nothing, times, seconds)?;
    // Where it mattered: as measured, without a thought of brunt's own delays, the target is surely missed.
    let is_over = |run: &Run| run.is_surely_over(P90_MS);
    let good = count(&alone, |run| run.verdict() == "good");
    let doubted = count(&alone, |run| run.is_missed() || run.is_invalid());
    let mattered = count(&spun, is_over);
    let invalid = count(&spun, |run| is_over(run) && run.is_invalid());
    let wrongly_blamed = count(&spun, Run::is_missed);
    let (blamed, wrongly) = (count(&slow, Run::is_missed), count(&slow, Run::is_invalid));
    Ok(vec![
        Row {
            method: format!("was it us: a spinner on brunt's core, p90 under {P90_MS} ms"),
            truth: format!("without it {good} of {times} are good, and {doubted} poor or invalid"),
            reached: format!(
                "it mattered in {mattered} of {spins}: {invalid} of these are invalid, and {wrongly_blamed} of all \
                 blame the service"
            ),
            goal: format!("it matters in {least} or more, all of these invalid, none blamed"),
            negative_control: format!("as measured: the service is blamed in {mattered}"),
            holds: doubted == 0 && mattered >= least && invalid == mattered && wrongly_blamed == 0,
        },
        Row {
            method: format!("was it us: a server five times as slow, p90 under {P90_MS} ms"),
            truth: "the service is poor".into(),
            reached: format!("{blamed} of {times} blame it"),
            goal: "all of them".into(),
            negative_control: format!("called invalid: {wrongly}"),
            holds: blamed == times && wrongly == 0,
        },
    ])
}

fn count(runs: &[Run], is_so: impl Fn(&Run) -> bool) -> usize {
    runs.iter().filter(|run| is_so(run)).count()
}

/// Runs that all are the same, but for their randomness.
fn play(
    environment: &Environment,
    law: &str,
    beside: Beside,
    times: usize,
    seconds: u64,
) -> anyhow::Result<Vec<Run>> {
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nrate = \"{PER_S}/s\"\nusers = 50\nduration = \"{seconds}s\"\n\
         [targets]\np90 = {{ target = \"{P90_MS}ms\" }}\n"
    );
    let mut runs = Vec::new();
    for seed in 1..=times {
        let server = environment.serve(&format!("serve --law {law} --seed {seed}"))?;
        let run = match beside {
            Beside::Nothing => environment.play(&scenario, seconds, &server)?,
            Beside::Spinner => environment.play_beside_a_spinner(&scenario, seconds, &server)?,
        };
        println!("  {seed} of {times}: {}", run.summary["sentence"]);
        runs.push(run);
    }
    Ok(runs)
}
