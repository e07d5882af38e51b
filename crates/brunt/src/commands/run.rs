//! `brunt run`: plays one profile or all, judges what was seen, and leaves a report.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::Pin;
use jiff::Timestamp;
use report::Judged;
use scenario::{Overrides, Plan, Scenario};
use verdict::{Grade, Verdict};

use crate::exit::{Exit, Failure, complain};
use crate::interrupt::Interrupts;
use crate::session::{JudgedRun, Session};
use crate::{commit, results, screen};

/// Options of `brunt run`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Options {
    /// The profile to play: load, stress, spike, endurance, one of your own, or all in turn
    #[arg(value_name = "PROFILE", default_value = "load")]
    pub(crate) profile: String,
    /// The scenario file
    #[arg(short = 'f', long, value_name = "FILE", default_value = "brunt.toml")]
    pub(crate) file: PathBuf,
    /// The service under test: a URL, or "embedded" [default: as the scenario says]
    #[arg(long, value_name = "URL")]
    pub(crate) host: Option<String>,
    /// The most users; other levels of the profile keep their proportion
    #[arg(short = 'u', long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) users: Option<u32>,
    /// Users started a second [default: as the profile says, stretched with -u and -t]
    #[arg(short = 'r', long, value_name = "RATE", value_parser = positive)]
    pub(crate) spawn_rate: Option<f64>,
    /// Tasks a second, such as 500/s or 3k/min, whether or not the answers keep up (open model)
    #[arg(long, value_parser = positive_rate, conflicts_with = "spawn_rate")]
    pub(crate) rate: Option<f64>,
    /// Search over users instead of arrivals; -u is then the highest level
    #[arg(long, conflicts_with = "rate")]
    pub(crate) closed: bool,
    /// How long to make load; the profile's stages keep their proportion
    #[arg(short = 't', long, value_name = "DURATION", value_parser = positive_duration)]
    pub(crate) duration: Option<Duration>,
    /// Only users of these classes, separated by commas
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    pub(crate) users_of: Vec<String>,
    /// What to call the run in the history; one that has a label is never pruned
    #[arg(long, value_name = "TEXT", value_parser = label)]
    label: Option<String>,
    /// The seed of all randomness [default: a new one]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Put all files in this folder [default: under performance/]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Show no live line
    #[arg(long)]
    pub(crate) headless: bool,
    /// From this grade on a run fails, with exit code 1
    #[arg(long, value_enum, default_value_t = FailOn::Poor, value_name = "GRADE")]
    pub(crate) fail_on: FailOn,
    /// Fail on targets that are not decided, too
    #[arg(long)]
    pub(crate) strict: bool,
    /// Watch this process with its children
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Watch the process that listens on this TCP port
    #[arg(long, conflicts_with = "pid")]
    pub(crate) port: Option<u16>,
    /// How long requests under way may take to end when the load is stopped
    #[arg(long, value_name = "DURATION", value_parser = scenario::duration, default_value = "30s")]
    pub(crate) stop_timeout: Duration,
    /// Connect from these local addresses, in turn; separated by commas
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) source: Vec<IpAddr>,
    /// Take this address for a host and port, instead of what DNS says; may be given again
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub(crate) resolve: Vec<Pin>,
    /// Take any TLS certificate; the report says so
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Wait this long for the host to accept a connection before the load
    #[arg(long, value_name = "DURATION", value_parser = scenario::duration)]
    pub(crate) wait_ready: Option<Duration>,
}

/// From which grade on a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FailOn {
    Poor,
    Critical,
    Never,
}

impl Options {
    /// Whether a graded run passes.
    pub(crate) fn passes(&self, worst: Grade, verdict: &Verdict) -> bool {
        let undecided = verdict
            .judgements
            .iter()
            .any(|row| row.grade == Grade::Inconclusive);
        let missed = match self.fail_on {
            FailOn::Poor => matches!(worst, Grade::Poor | Grade::Critical),
            FailOn::Critical => worst == Grade::Critical,
            FailOn::Never => false,
        };
        !(missed || self.strict && undecided)
    }
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let mut scenario = read_scenario(&options.file)?;
    scenario.network.tls.insecure |= options.insecure;
    let plans = plans(options, &scenario)?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let all = plans.len() > 1;
    let begun = Timestamp::now();
    let commit = commit::of_working_directory();
    let mut runs: Vec<JudgedRun> = Vec::new();
    for (profile, plan) in plans {
        let out = options
            .out
            .as_ref()
            .map(|out| if all { out.join(&profile) } else { out.clone() });
        let session = Session {
            options,
            label: options.label.as_deref(),
            commit: commit.as_deref(),
            scenario: &scenario,
            interrupts: &interrupts,
        };
        runs.push(session.play(&profile, Arc::new(plan), out.as_deref())?);
        if interrupts.count() > 0 {
            break;
        }
    }
    let exit = runs
        .iter()
        .fold(Exit::Passed, |exit, run| exit.worse(run.exit));
    if !all {
        return Ok(exit);
    }
    let page = results::page_of_all(options.out.as_deref(), begun);
    let judged: Vec<Judged> = runs.iter().map(JudgedRun::judged).collect();
    screen::say(&report::terminal_of_all(&judged, screen::width(), true));
    Ok(match results::write(&page, &report::html(&judged)) {
        Ok(()) => {
            screen::say(&format!("Report of all: {}\n", page.display()));
            exit
        }
        Err(error) => {
            complain(&error.to_string());
            exit.worse(Exit::Internal)
        }
    })
}

/// The profiles to play, compiled, so that what is wrong with the last is said before the first.
fn plans(options: &Options, scenario: &Scenario) -> Result<Vec<(String, Plan)>, Failure> {
    let overrides = Overrides {
        users: options.users,
        spawn_rate: options.spawn_rate,
        rate: options.rate,
        duration: options.duration,
        closed: options.closed,
    };
    let names: Vec<String> = match options.profile.as_str() {
        "all" => scenario.profiles.keys().cloned().collect(),
        name => vec![name.to_owned()],
    };
    names
        .into_iter()
        .map(|name| {
            let plan = Plan::new(scenario, &name, &overrides, &options.users_of);
            plan.map(|plan| (name, plan))
                .map_err(|error| Failure::Input(error.to_string()))
        })
        .collect()
}

pub(crate) fn read_scenario(file: &Path) -> Result<Scenario, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        let remedy = "name a scenario with -f FILE, or write one with: brunt init";
        Failure::Input(format!("cannot read {name}: {error}; {remedy}"))
    })?;
    Ok(Scenario::read(&name, &text)?)
}

fn label(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("give a word or a few, on one line".to_owned());
    }
    Ok(text.to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "give a number above 0".to_owned())
}

fn positive_rate(text: &str) -> Result<f64, String> {
    match scenario::rate(text) {
        Ok(rate) if rate > 0.0 => Ok(rate),
        Ok(_) => Err("give a rate above 0".to_owned()),
        Err(error) => Err(error),
    }
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match scenario::duration(text) {
        Ok(duration) if duration.is_zero() => Err("give more than 0s".to_owned()),
        other => other,
    }
}
