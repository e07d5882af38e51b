//! Attribution of delays to the generator or to the service: a run with CPU contention on brunt's core, and a run
//! against a slow server.

use super::environment::Environment;
use super::page::ValidationRow;
use super::run::Run;

/// Target of the p90, in milliseconds; without a fault it is 11.5 ms.
const P90_MS: f64 = 15.0;
/// Arrivals per second.
const PER_S: u32 = 50;
/// A mean service time of 5 ms, with enough service channels that no request queues.
const HEALTHY: &str = "mmc:64,200";
/// The same with a mean service time of 25 ms.
const SLOW: &str = "mmc:64,40";

/// Whether another process competes with brunt for its core.
#[derive(Clone, Copy, PartialEq)]
enum Contention {
    Without,
    BusyLoop,
}

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    // Runs shorter than 20 s are never called good.
    let (times, seconds) = environment.choose((1, 20), (10, 30));
    // Contention does not delay every run, so there are more of these.
    let (contended_times, affected_min) = environment.choose((1, 0), (15, times));
    let healthy = run_all(environment, HEALTHY, Contention::Without, times, seconds)?;
    let contended = run_all(
        environment,
        HEALTHY,
        Contention::BusyLoop,
        contended_times,
        seconds,
    )?;
    let slow = run_all(environment, SLOW, Contention::Without, times, seconds)?;
    // Contention affected a run if the measured p90 is over the target, brunt's own delays included.
    let is_over = |run: &Run| run.is_surely_over(P90_MS);
    let good = count(&healthy, |run| run.verdict() == "good");
    let not_good = count(&healthy, |run| run.is_missed() || run.is_invalid());
    let affected = count(&contended, is_over);
    let invalid = count(&contended, |run| is_over(run) && run.is_invalid());
    let wrongly_blamed = count(&contended, Run::is_missed);
    let blamed = count(&slow, Run::is_missed);
    let wrongly_invalid = count(&slow, Run::is_invalid);
    Ok(vec![
        ValidationRow {
            method: format!("attribution: a busy loop on brunt's core, p90 under {P90_MS} ms"),
            truth: format!(
                "without it, {good} of {times} are good, and {not_good} poor or invalid"
            ),
            result: format!(
                "it affects {affected} of {contended_times}: {invalid} of these are invalid, and {wrongly_blamed} of all \
                 blame the service"
            ),
            goal: format!(
                "it affects {affected_min} or more; all of these invalid; none blames the service"
            ),
            negative_control: format!(
                "from the measured times alone: {affected} blame the service"
            ),
            holds: not_good == 0
                && affected >= affected_min
                && invalid == affected
                && wrongly_blamed == 0,
        },
        ValidationRow {
            method: format!("attribution: a server five times as slow, p90 under {P90_MS} ms"),
            truth: "the service is poor".into(),
            result: format!("{blamed} of {times} blame the service"),
            goal: "all".into(),
            negative_control: format!("called invalid: {wrongly_invalid}"),
            holds: blamed == times && wrongly_invalid == 0,
        },
    ])
}

fn count(runs: &[Run], matches: impl Fn(&Run) -> bool) -> usize {
    runs.iter().filter(|run| matches(run)).count()
}

/// Repeats a run against a server with these service times, with a different seed each time.
fn run_all(
    environment: &Environment,
    service: &str,
    contention: Contention,
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
        let server = environment.serve(&format!("serve --service {service} --seed {seed}"))?;
        let run = match contention {
            Contention::Without => environment.run(&scenario, seconds, &server)?,
            Contention::BusyLoop => environment.run_contended(&scenario, seconds, &server)?,
        };
        println!("  {seed} of {times}: {}", run.summary["headline"]);
        runs.push(run);
    }
    Ok(runs)
}
