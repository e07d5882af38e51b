//! Searches for the breaking point of an M/M/1 server whose p99 must stay under 50 ms.

use super::environment::Environment;
use super::page::ValidationRow;
use super::run::Run;

/// Service rate μ, per second.
const MU: f64 = 1_000.0;
/// Critical threshold of the p99, in milliseconds.
const CRITICAL_MS: f64 = 50.0;

/// Three searches of five minutes.
pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    let row = search(
        environment,
        environment.choose(1, 3),
        environment.choose(60, 300),
        0.1,
    )?;
    Ok(vec![row])
}

/// One search of fifteen minutes.
pub(super) fn long_rows(environment: &Environment) -> anyhow::Result<Vec<ValidationRow>> {
    let row = search(environment, 1, environment.choose(60, 900), 0.05)?;
    Ok(vec![row])
}

/// Runs `times` searches of `seconds` each, whose bracket must be at most `width_max` wide, as a share of its lower end.
fn search(
    environment: &Environment,
    times: u64,
    seconds: u64,
    width_max: f64,
) -> anyhow::Result<ValidationRow> {
    // The p99 of an M/M/1 is ln 100 / (μ − λ).
    let truth = MU - 100f64.ln() / (CRITICAL_MS / 1e3);
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nsearch = {{}}\nduration = \"{seconds}s\"\n\
         [targets]\np99 = {{ critical = \"{CRITICAL_MS}ms\" }}\n"
    );
    let (mut shown, mut naive_shown) = (Vec::new(), Vec::new());
    let (mut correct, mut naive_correct, mut widths) = (0, 0, Vec::new());
    for seed in 1..=times {
        let server = environment.serve(&format!("serve --service mm1:{MU} --seed {seed}"))?;
        let run = environment.run(&scenario, seconds, &server)?;
        let (holds, breaks) = bracket(&run);
        correct += u64::from(holds <= truth && truth <= breaks);
        widths.push(breaks / holds - 1.0);
        shown.push(format_bracket(holds, breaks));
        let (holds, breaks) = naive_bracket(&run)?;
        naive_correct += u64::from(holds <= truth && truth <= breaks);
        naive_shown.push(format_bracket(holds, breaks));
        println!("  {} of {times}: {}", seed, shown.join(", "));
    }
    widths.sort_by(f64::total_cmp);
    let width = widths[widths.len() / 2];
    Ok(ValidationRow {
        method: format!(
            "breaking point: M/M/1 with {MU:.0}/s, p99 under {CRITICAL_MS:.0} ms, {:.0} min",
            seconds as f64 / 60.0
        ),
        truth: format!("{truth:.1}/s"),
        result: format!(
            "{}: {correct} of {times} contain it; median width {:.1} %",
            shown.join(", "),
            width * 100.0
        ),
        goal: format!(
            "all contain it; median width at most {:.0} %",
            width_max * 100.0
        ),
        negative_control: format!(
            "from single seconds: {}: {naive_correct} of {times}",
            naive_shown.join(", ")
        ),
        holds: correct == times && width <= width_max && naive_correct < times,
    })
}

fn format_bracket(holds: f64, breaks: f64) -> String {
    format!("{holds:.0} to {breaks:.0}")
}

/// The highest rate that holds and the lowest that breaks, in requests per second; 0 and infinity if they were not found.
fn bracket(run: &Run) -> (f64, f64) {
    let end = |name| run.finding("breaking_point")?[name].as_f64();
    (
        end("holds_rps").unwrap_or(0.0),
        end("breaks_rps").unwrap_or(f64::INFINITY),
    )
}

/// Negative control: the fewest requests in a second whose p99 was too high, and the most in a second below it.
fn naive_bracket(run: &Run) -> anyhow::Result<(f64, f64)> {
    let seconds = run.columns("timeline.csv", ["ok", "response_p99_ms"])?;
    let known = || {
        seconds
            .iter()
            .filter_map(|[ok, p99_ms]| Some(((*ok)?, (*p99_ms)?)))
    };
    let breaks = known()
        .filter(|(_, p99_ms)| *p99_ms > CRITICAL_MS)
        .map(|(ok, _)| ok)
        .fold(f64::INFINITY, f64::min);
    let holds = known()
        .map(|(ok, _)| ok)
        .filter(|ok| *ok < breaks)
        .fold(0.0, f64::max);
    Ok((holds, breaks))
}
