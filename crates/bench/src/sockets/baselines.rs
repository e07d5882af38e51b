//! Saved baselines: a service whose speed is known, compared with three runs of itself; as it is, and slower.
//!
//! Several baselines are saved, one after the other, and each is compared with every build in turn, in an order
//! that rotates, so that what the machine does meanwhile meets all builds alike.

use std::path::PathBuf;

use serde_json::Value;

use super::environment::Environment;
use super::row::Row;
use super::run::Run;

/// Arrivals a second.
const PER_S: u32 = 200;
/// The service: so many servers that take so long for each request, always the same.
const SERVERS: u32 = 8;
const TAKES_MS: f64 = 10.0;
/// Runs of a baseline.
const RUNS: usize = 3;
/// The builds: how much longer a request takes.
const BUILDS: [f64; 3] = [1.0, 1.2, 1.1];
/// What a careless eye would take for the same, as a share.
const CARELESS: f64 = 0.25;

/// A comparison of a run with a baseline.
struct Compared {
    build: usize,
    found: Value,
}

pub(super) fn rows(environment: &Environment) -> anyhow::Result<Vec<Row>> {
    // 5 · (3 + 4 · 3) runs of 25 s, and what starting them takes: some 35 minutes.
    let (baselines, rounds, seconds) = environment.choose((1, 1, 22), (5, 4, 25));
    let scenario = format!(
        "[users.u]\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nrate = \"{PER_S}/s\"\nusers = 100\nduration = \"{seconds}s\"\n"
    );
    let mut all = Vec::new();
    println!(
        "  baseline  build  outcome          p50, run over baseline       p95                          CPU per request"
    );
    for number in 0..baselines {
        let folders = (0..RUNS)
            .map(|_| {
                Ok(play(environment, &scenario, seconds, 1.0)?
                    .folder()
                    .to_owned())
            })
            .collect::<anyhow::Result<Vec<PathBuf>>>()?;
        let baseline = environment.save_baseline(&format!("baseline-{number}"), &folders)?;
        for round in 0..rounds {
            for turn in 0..BUILDS.len() {
                let build = (turn + round + number) % BUILDS.len();
                let run = play(environment, &scenario, seconds, BUILDS[build])?;
                let found = environment.compare_with_baseline(&baseline, run.folder())?;
                let compared = Compared { build, found };
                compared.print(number);
                all.push(compared);
            }
        }
    }
    let of = |build: usize| -> Vec<&Compared> {
        all.iter()
            .filter(|compared| compared.build == build)
            .collect()
    };
    let what = format!(
        "a saved baseline of {RUNS} runs of {seconds} s, {PER_S} requests a second; baselines: {baselines}"
    );
    Ok(vec![
        alike(&what, &of(0)),
        slower(&what, &of(1), 0.95, BUILDS[1]),
        slower(&what, &of(2), 0.8, BUILDS[2]),
    ])
}

fn play(
    environment: &Environment,
    scenario: &str,
    seconds: u64,
    slower: f64,
) -> anyhow::Result<Run> {
    let per_s = 1e3 / (TAKES_MS * slower);
    let server = environment.serve(&format!("serve --law mdc:{SERVERS},{per_s:.4}"))?;
    environment.play(scenario, seconds, &server)
}

impl Compared {
    fn row(&self, measured: &str) -> Option<&Value> {
        let mut rows = self.found["rows"].as_array()?.iter();
        rows.find(|row| row["name"].is_null() && row["measured"] == measured)
    }

    fn ratio(&self, measured: &str) -> Option<f64> {
        self.row(measured)?["ratio"].as_f64()
    }

    fn is_worse(&self) -> bool {
        self.found["outcome"] == "worse"
    }

    /// The whole shown interval of any tested row is beyond the tolerance, as the table shows it.
    fn shows_worse(&self) -> bool {
        let rows = self.found["rows"].as_array();
        rows.into_iter().flatten().any(|row| {
            let beyond = |end: usize| row["interval"][end].as_f64();
            let Some(tolerance) = row["tolerance"].as_f64() else {
                return row["tested"] == true
                    && beyond(0) > row["tolerance_points"].as_f64().or(Some(f64::INFINITY));
            };
            let is_beyond = if row["measured"] == "throughput" {
                beyond(1).is_some_and(|high| high < 1.0 - tolerance)
            } else {
                beyond(0).is_some_and(|low| low > 1.0 + tolerance)
            };
            row["tested"] == true && is_beyond
        })
    }

    /// More by this share, whatever the runs of the baseline were.
    fn is_more_by(&self, share: f64) -> bool {
        ["p50", "p95"]
            .into_iter()
            .filter_map(|measured| self.ratio(measured))
            .any(|ratio| ratio > 1.0 + share)
    }

    fn print(&self, baseline: usize) {
        let shown = |measured: &str| -> Option<String> {
            let row = self.row(measured)?;
            let end = |at: usize| row["interval"][at].as_f64();
            Some(format!(
                "{:.4} ({:.4} to {:.4}) {}",
                row["ratio"].as_f64()?,
                end(0)?,
                end(1)?,
                row["outcome"].as_str()?.chars().next()?
            ))
        };
        let shown = |measured| shown(measured).unwrap_or_else(|| "–".into());
        println!(
            "  {baseline:<8}  ×{:<4}  {:<15}  {:<27}  {:<27}  {}",
            BUILDS[self.build],
            self.found["outcome"].as_str().unwrap_or("–"),
            shown("p50"),
            shown("p95"),
            shown("cpu_per_request")
        );
    }
}

fn count(all: &[&Compared], is_so: impl Fn(&Compared) -> bool) -> usize {
    all.iter().filter(|compared| is_so(compared)).count()
}

fn alike(what: &str, all: &[&Compared]) -> Row {
    let worse = count(all, Compared::is_worse);
    let agree = count(all, |it| it.is_worse() == it.shows_worse());
    let open = count(all, |it| it.found["outcome"] == "not_enough_data");
    let naive = count(all, |it| it.is_more_by(0.0));
    let number = all.len();
    Row {
        method: what.to_owned(),
        truth: format!("the same service, {TAKES_MS} ms a request"),
        reached: format!(
            "{worse} of {number} called worse, {open} not known; {agree} of {number} headlines agree with their intervals"
        ),
        goal: "1 of 20 at most; all agree".into(),
        negative_control: format!("more is worse, however little: {naive}"),
        // A single one need not show it.
        holds: worse * 20 <= number && agree == number && (naive * 20 > number || number == 1),
    }
}

fn slower(what: &str, all: &[&Compared], least: f64, by: f64) -> Row {
    let found = count(all, Compared::is_worse);
    let agree = count(all, |it| it.is_worse() == it.shows_worse());
    let number = all.len();
    let careless = count(all, |it| it.is_more_by(CARELESS));
    let mut ratios: Vec<f64> = all.iter().filter_map(|it| it.ratio("p50")).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN);
    Row {
        method: what.to_owned(),
        truth: format!("{:.0} ms a request instead of {TAKES_MS}", TAKES_MS * by),
        reached: format!(
            "{found} of {number} found; p50 over the baseline's {middle:.3}, median; {agree} of {number} headlines agree \
             with their intervals"
        ),
        goal: format!("{:.0} of 20; all agree", least * 20.0),
        negative_control: format!("a quarter more is worse: {careless} found"),
        holds: found as f64 >= least * number as f64 && agree == number && careless < found,
    }
}
