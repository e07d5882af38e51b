//! `brunt compare --ab`: plays two builds in turns on this machine, until it is known whether the second is
//! worse.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use brunt_report::{AbReport, AbRunInfo, Checks};
use brunt_scenario::{Host, Plan, Scenario};
use brunt_verdict::comparison::{FIRST_LOOK, Measured, Outcome};
use brunt_verdict::{Contested, FailOn};
use jiff::Timestamp;

use crate::ci_output::Pipeline;
use crate::compare::ab_runner::{Blocks, Turns};
use crate::compare::managed_service::{Build, log_of};
use crate::config::load_config::LoadOptions;
use crate::config::watch_config::WatchOptions;
use crate::exit::{Exit, Failure, complain, note};
use crate::fail_on::FailOnOption;
use crate::results::baseline_files::share;
use crate::results::{self, RunFolder};
use crate::run::environment::{Stage, new_seed};
use crate::system::interrupts::Interrupts;
use crate::terminal::{self, LiveLine};

/// What decides unless somebody says: few, since each takes its part of the risk.
const TESTED: &str = "throughput,error_rate,p50,p95,cpu_per_request";

/// Options of `brunt compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Hold the highest level of this profile
    #[arg(value_name = "PROFILE", default_value = "load")]
    profile: String,
    /// Compare two builds, A (current) and B (candidate), in alternating blocks
    #[arg(long)]
    ab: bool,
    /// Test build B at this base URL; build A is at --host
    #[arg(long, value_name = "URL")]
    host_b: Option<String>,
    /// Start build A with this shell command; it listens on port $PORT, or at --host
    #[arg(long, value_name = "COMMAND", requires = "command_b")]
    command: Option<String>,
    /// Start build B with this shell command; it listens on port $PORT, or at --host-b
    #[arg(long, value_name = "COMMAND", requires = "command")]
    command_b: Option<String>,
    /// Run each block for this long, in whole seconds; its first fifth is discarded as warm-up
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds, default_value = "5s")]
    block: Duration,
    /// Stop after this long, even if the result is inconclusive
    #[arg(long, value_name = "DURATION", value_parser = crate::config::load_config::positive_duration, default_value = "10m")]
    max_duration: Duration,
    /// Ignore differences smaller than this [default: 5%; 10% for percentiles below 1 ms]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    tolerance: Option<f64>,
    /// Decide by these metrics, separated by commas; more metrics take longer
    #[arg(long, value_name = "METRIC", value_delimiter = ',', value_parser = measured, default_value = TESTED)]
    metric: Vec<Measured>,
    #[command(flatten)]
    fail_on: FailOnOption,
    /// Write all files to this directory [default: under performance/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Overwrite an earlier run or comparison in --out
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten, next_help_heading = "CI output")]
    pipeline: Pipeline,
    #[command(flatten, next_help_heading = "Load")]
    load: LoadOptions,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    refuse_misfits(options)?;
    if let Some(out) = &options.out {
        results::refuse_used(out, options.force).map_err(Failure::Input)?;
    }
    let scenario = options.load.scenario()?;
    let blocks = blocks(options, &scenario)?;
    let hosts = hosts(options, &scenario)?;
    let reach = &options.load.reach;
    let given = reach.service().or(options.host_b.as_ref());
    let given = given.or(options.command.as_ref()).map(String::as_str);
    reach.refuse_hosts_of_classes(&scenario, blocks.plan(), given)?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    interrupts.nothing_to_lose();
    let begun = Timestamp::now();
    let folder = RunFolder::create(options.out.as_deref(), "ab", begun)
        .map_err(|error| Failure::Input(error.to_string()))?;
    let (hosts, builds) = start(options, hosts, folder.path())?;
    let set = |host| {
        Stage::set(
            &options.load,
            1,
            &WatchOptions::default(),
            host,
            blocks.plan(),
        )
    };
    let stages = [set(&hosts[0])?, set(&hosts[1])?];
    let seed = options.load.seed.unwrap_or_else(new_seed);
    let conduct = conduct(
        options,
        &scenario,
        &blocks,
        &stages[0],
        &folder,
        (begun, seed),
    );
    announce(options, &conduct, &stages, (&scenario, blocks.plan()));
    let turns = Turns {
        options: &options.load,
        scenario: &scenario,
        profile: &options.profile,
        blocks,
        stages,
        builds,
        interrupts: &interrupts,
        seed,
        tested: &options.metric,
        theta: options.tolerance,
        limit: options.max_duration,
    };
    let ended = turns.play(LiveLine::new(options.load.headless))?;
    let exit = leave(options, &ended.contested, &conduct, &folder);
    Ok(if ended.aborted {
        Exit::Interrupted
    } else {
        exit
    })
}

fn refuse_misfits(options: &Options) -> Result<(), Failure> {
    let misfit = if !options.ab {
        "say how to compare: --ab plays two builds in turns; a run and a baseline are compared by `brunt baseline \
         compare`"
    } else if options.host_b.is_none() && options.command.is_none() {
        "no second build: give --host-b, or --command and --command-b"
    } else if options.command.is_some()
        && options.host_b.is_some()
        && options.host_b.as_ref() == options.load.reach.service()
    {
        "two builds cannot serve at one address: let --host and --host-b differ, or leave both out and serve at $PORT"
    } else {
        return Ok(());
    };
    Err(Failure::Input(misfit.into()))
}

fn blocks(options: &Options, scenario: &Scenario) -> Result<Blocks, Failure> {
    let plan = options.load.plan(scenario, &options.profile, None, 1)?;
    if plan.load.search.is_some() {
        return Err(Failure::Input(format!(
            "profile `{}` is a search, which has no level of its own; give one that holds a level, such as load",
            options.profile
        )));
    }
    if !plan.load.concurrent.is_empty() {
        return Err(Failure::Input(format!(
            "profile `{}` has concurrent loads, which are not played in blocks; give one without \
             `concurrent`",
            options.profile
        )));
    }
    Ok(Blocks::new(plan, options.block.as_secs()))
}

/// Where A and B serve, as far as it is said.
fn hosts(options: &Options, scenario: &Scenario) -> Result<[Option<Host>; 2], Failure> {
    let parsed = |text: &String| Host::parse(text).map_err(Failure::Input);
    let b = options.host_b.as_ref().map(parsed).transpose()?;
    let a = match (options.load.reach.service(), &options.command) {
        // A command is another host than that of the scenario.
        (None, Some(_)) => None,
        _ => Some(options.load.reach.host(scenario)?),
    };
    Ok([a, b])
}

/// Starts what is to be started.
fn start(
    options: &Options,
    hosts: [Option<Host>; 2],
    folder: &Path,
) -> Result<([Host; 2], Vec<Build>), Failure> {
    let commands = [&options.command, &options.command_b];
    let mut builds = Vec::new();
    let mut found = Vec::new();
    for ((side, host), command) in ["A", "B"].into_iter().zip(hosts).zip(commands) {
        let host = match (command, host) {
            (Some(command), host) => {
                let url = match host {
                    Some(Host::Url(url)) => Some(url),
                    Some(Host::Embedded) => {
                        let message =
                            "a command is no embedded agent: leave the host out, or give a URL";
                        return Err(Failure::Input(message.into()));
                    }
                    None => None,
                };
                let patience = options.load.reach.wait_ready;
                let build = Build::start(side, command, url, patience, log_of(folder, side))?;
                let host = Host::Url(build.url().clone());
                builds.push(build);
                host
            }
            (None, Some(host)) => host,
            (None, None) => return Err(Failure::Input(format!("{side} has no host"))),
        };
        found.push(host);
    }
    match <[Host; 2]>::try_from(found) {
        Ok(hosts) => Ok((hosts, builds)),
        Err(_) => Err(anyhow::anyhow!("there are two builds").into()),
    }
}

fn conduct(
    options: &Options,
    scenario: &Scenario,
    blocks: &Blocks,
    stage: &Stage,
    folder: &RunFolder,
    (begun, seed): (Timestamp, u64),
) -> AbRunInfo {
    AbRunInfo {
        run_id: folder.run_id.clone(),
        brunt_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario_file: options.load.from.file.display().to_string(),
        scenario_hash: scenario.hash.clone(),
        profile: options.profile.clone(),
        level: brunt_scenario::level_in_words(&blocks.plan().load),
        seed,
        started_at: begun.to_string(),
        block_s: options.block.as_secs_f64(),
        uncounted_s: blocks.uncounted() as f64,
        limit_s: options.max_duration.as_secs_f64(),
        machine: stage.machine_in_words(),
    }
}

/// Says what is about to be hit, before it is.
fn announce(
    options: &Options,
    conduct: &AbRunInfo,
    stages: &[Stage; 2],
    (scenario, plan): (&Scenario, &Plan),
) {
    let seconds = brunt_scenario::duration_in_words(options.block);
    note(&format!(
        "brunt compare: {} in blocks of {seconds}, until it is known, {} at most, seed {}",
        conduct.level,
        brunt_scenario::duration_in_words(options.max_duration),
        conduct.seed
    ));
    for (side, stage) in ["A", "B"].into_iter().zip(stages) {
        note(&format!("{side} is {}", stage.host()));
    }
    for other in stages[0].other_hosts(scenario, plan) {
        note(&format!("both send requests to {other}"));
    }
    // Both are tried once before.
    let needed_s = options.block.as_secs() * 2 * (FIRST_LOOK as u64 + 2);
    if options.max_duration.as_secs() < needed_s {
        note(&format!(
            "note: nothing is known before {FIRST_LOOK} pairs of blocks; give --max-duration {needed_s}s or more, or a shorter \
             --block"
        ));
    }
}

/// Shows what came of it, and writes what it leaves.
fn leave(
    options: &Options,
    contested: &Contested,
    conduct: &AbRunInfo,
    folder: &RunFolder,
) -> Exit {
    let contest = AbReport { contested, conduct };
    terminal::say(&brunt_report::terminal_of_ab_summary(
        contested,
        terminal::width(),
        true,
    ));
    terminal::say(&format!("Report:  {}\n", folder.report.display()));
    terminal::say(&format!("Results: {}\n", folder.path().display()));
    let fail_on = options.fail_on.level();
    let exit = match contested.outcome() {
        _ if fail_on == FailOn::Never => Exit::Passed,
        _ if !contested.is_valid() => Exit::NotValid,
        Outcome::Worse => Exit::TargetsMissed,
        Outcome::NotEnoughData => Exit::Inconclusive,
        Outcome::Better | Outcome::Same | Outcome::NotWorse => Exit::Passed,
    };
    let checks = [Checks::of_ab_summary(contested, fail_on)];
    let markdown = brunt_report::markdown_of_ab_summary(contested);
    let mut exit = options.pipeline.tell(exit, &checks, &markdown);
    let written = [
        folder.write("comparison.json", &brunt_report::ab_report_json(&contest)),
        folder.write_report(&brunt_report::html_of_ab_report(&contest)),
    ];
    for error in written.into_iter().filter_map(Result::err) {
        complain(&error.to_string());
        exit = exit.worse(Exit::Internal);
    }
    exit
}

fn whole_seconds(text: &str) -> Result<Duration, String> {
    let length = brunt_scenario::duration(text)?;
    if length.subsec_nanos() > 0 || length.is_zero() {
        return Err("give whole seconds, 1s or more".to_owned());
    }
    Ok(length)
}

fn measured(text: &str) -> Result<Measured, String> {
    let mut all = Measured::ALL.into_iter();
    all.find(|it| it.name() == text).ok_or_else(|| {
        let names = Measured::ALL.map(Measured::name).join(", ");
        format!("unknown metric `{text}`; available: {names}")
    })
}
