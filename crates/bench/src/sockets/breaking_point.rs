//! The breaking point of an M/M/1 whose p99 has to stay under 50 ms.

use super::environment::Environment;
use super::row::Row;
use super::run::Run;

/// What it serves a second.
const MU: f64 = 1_000.0;
const CRITICAL_MS: f64 = 50.0;

/// Searches of five minutes.
pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    let five = of_length(
        environment,
        environment.choose(1, 3),
        environment.choose(60, 300),
        0.1,
    )?;
    Ok(vec![five])
}

/// A search of fifteen.
pub(super) fn long_rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    let fifteen = of_length(environment, 1, environment.choose(60, 900), 0.05)?;
    Ok(vec![fifteen])
}

/// Searches of a length, one after the other.
fn of_length(
    environment: &Environment,
    times: u64,
    seconds: u64,
    width_max: f64,
) -> anyhow::Result<Row> {
    // The p99 of an M/M/1 is ln 100 / (μ − λ).
    let truth = MU - 100f64.ln() / (CRITICAL_MS / 1e3);
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nsearch = {{}}\nduration = \"{seconds}s\"\n\
         [targets]\np99 = {{ critical = \"{CRITICAL_MS}ms\" }}\n"
    );
    let (mut told, mut careless_told) = (Vec::new(), Vec::new());
    let (mut right, mut careless_right, mut widths) = (0, 0, Vec::new());
    for seed in 1..=times {
        let server = environment.serve(&format!("serve --law mm1:{MU} --seed {seed}"))?;
        let run = environment.play(&scenario, seconds, &server)?;
        let (holds, breaks) = bracket(&run);
        right += u64::from(holds <= truth && truth <= breaks);
        widths.push(breaks / holds - 1.0);
        told.push(in_words(holds, breaks));
        let (holds, breaks) = careless(&run)?;
        careless_right += u64::from(holds <= truth && truth <= breaks);
        careless_told.push(in_words(holds, breaks));
        println!("  {} of {times}: {}", seed, told.join(", "));
    }
    widths.sort_by(f64::total_cmp);
    let width = widths[widths.len() / 2];
    Ok(Row {
        method: format!(
            "breaking point: M/M/1 of {MU:.0}/s, p99 under {CRITICAL_MS:.0} ms, {:.0} min",
            seconds as f64 / 60.0
        ),
        truth: format!("breaks at {truth:.1}/s"),
        reached: format!(
            "{}: {right} of {times} hold it; median width {:.1} %",
            told.join(", "),
            width * 100.0
        ),
        goal: format!("all hold it, at most {:.0} % wide", width_max * 100.0),
        negative_control: format!(
            "by single seconds: {}: {careless_right} of {times}",
            careless_told.join(", ")
        ),
        holds: right == times && width <= width_max && careless_right < times,
    })
}

fn in_words(holds: f64, breaks: f64) -> String {
    format!("{holds:.0} to {breaks:.0}")
}

/// The level that holds, and the one that breaks.
fn bracket(run: &Run) -> (f64, f64) {
    let end = |name| run.finding("breaking_point")?[name].as_f64();
    (
        end("holds_rps").unwrap_or(0.0),
        end("breaks_rps").unwrap_or(f64::INFINITY),
    )
}

/// What a careless eye would take: the fewest requests of a second that was too slow, and the most of one
/// under it that was not.
fn careless(run: &Run) -> anyhow::Result<(f64, f64)> {
    let seconds = run.columns("timeline.csv", ["ok", "response_p99_ms"])?;
    let seen = || {
        seconds
            .iter()
            .filter_map(|[ok, p99_ms]| Some(((*ok)?, (*p99_ms)?)))
    };
    let breaks = seen()
        .filter(|(_, p99_ms)| *p99_ms > CRITICAL_MS)
        .map(|(ok, _)| ok)
        .fold(f64::INFINITY, f64::min);
    let holds = seen()
        .map(|(ok, _)| ok)
        .filter(|ok| *ok < breaks)
        .fold(0.0, f64::max);
    Ok((holds, breaks))
}
