//! `brunt compare --ab`: A/B test of two builds on this machine, until it is decided whether the second is worse.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use brunt_report::{AbReport, AbRunInfo, Checks};
use brunt_scenario::{Host, Plan, Scenario};
use brunt_verdict::comparison::{FIRST_LOOK, Outcome};
use brunt_verdict::{AbSummary, FailOn};
use jiff::Timestamp;

use crate::ci_output::CiOutputs;
use crate::cli::run::CompareArgs;
use crate::compare::ab_runner::{AbRunner, BlockLoad};
use crate::compare::managed_service::{ManagedService, log_of};
use crate::config::RunConfig;
use crate::config::network_config::NetworkConfig;
use crate::exit::{Exit, Failure, print_error, print_note};
use crate::results::{self, RunFolder};
use crate::run::environment::{TestEnvironment, new_seed};
use crate::system::interrupts::Interrupts;
use crate::terminal::{self, ProgressLine};

pub(crate) fn run(args: &CompareArgs) -> Result<Exit, Failure> {
    let config = RunConfig::from_compare(args)?;
    check_options(args, config.load.network.service())?;
    if let Some(out) = &args.out {
        results::refuse_used(out, args.force).map_err(Failure::Input)?;
    }
    let scenario = config.load.scenario()?;
    let blocks = blocks(args, &config, &scenario)?;
    let network = &config.load.network;
    let hosts = hosts(args, network, &scenario)?;
    let host = network.service().or(args.host_b.as_deref());
    let host = host.or(args.command.as_deref());
    network.check_class_hosts(&scenario, blocks.plan(), host)?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    interrupts.disarm();
    let started_at = Timestamp::now();
    let folder = RunFolder::create(args.out.as_deref(), "ab", started_at)
        .map_err(|error| Failure::Input(error.to_string()))?;
    let (hosts, services) = start(args, network.wait_ready, hosts, folder.path())?;
    let environment = |host| TestEnvironment::new(&config, host, blocks.plan());
    let environments = [environment(&hosts[0])?, environment(&hosts[1])?];
    let seed = config.load.seed.unwrap_or_else(new_seed);
    let info = run_info(
        args,
        &scenario,
        &blocks,
        &environments[0],
        &folder,
        (started_at, seed),
    );
    announce(args, &info, &environments, (&scenario, blocks.plan()));
    let runner = AbRunner {
        config: &config,
        scenario: &scenario,
        profile: &args.profile,
        blocks,
        environments,
        services,
        interrupts: &interrupts,
        seed,
        tested: &args.metric,
        tolerance: args.tolerance,
        max_duration: args.max_duration,
    };
    let ended = runner.run(ProgressLine::new(config.is_headless))?;
    let exit = report(args, &ended.ab_summary, &info, &folder);
    Ok(if ended.aborted {
        Exit::Interrupted
    } else {
        exit
    })
}

fn check_options(args: &CompareArgs, service: Option<&str>) -> Result<(), Failure> {
    let message = if !args.ab {
        "missing --ab, which compares two builds in alternating blocks; to compare a run with a baseline, use: \
         brunt baseline compare"
    } else if args.host_b.is_none() && args.command.is_none() {
        "no second build; use --host-b, or --command and --command-b"
    } else if args.command.is_some() && args.host_b.is_some() && args.host_b.as_deref() == service {
        "both builds have the same address; use different addresses for --host and --host-b, or omit both and make each build listen on $PORT"
    } else {
        return Ok(());
    };
    Err(Failure::Input(message.into()))
}

fn blocks(
    args: &CompareArgs,
    config: &RunConfig,
    scenario: &Scenario,
) -> Result<BlockLoad, Failure> {
    let plan = config.plan(scenario, &args.profile)?;
    if plan.load.search.is_some() {
        return Err(Failure::Input(format!(
            "profile `{}` is a search; choose a profile with a fixed load level, such as `load`",
            args.profile
        )));
    }
    if !plan.load.concurrent.is_empty() {
        return Err(Failure::Input(format!(
            "profile `{}` has concurrent loads, which an A/B test does not support; choose a profile without \
             `concurrent`",
            args.profile
        )));
    }
    Ok(BlockLoad::new(plan, args.block.as_secs()))
}

/// Hosts of A and B, if the options or the scenario set them.
fn hosts(
    args: &CompareArgs,
    network: &NetworkConfig,
    scenario: &Scenario,
) -> Result<[Option<Host>; 2], Failure> {
    let parsed = |text: &String| Host::parse(text).map_err(Failure::Input);
    let b = args.host_b.as_ref().map(parsed).transpose()?;
    let a = match (network.service(), &args.command) {
        // A command starts its own service instead of using the scenario's host.
        (None, Some(_)) => None,
        _ => Some(network.host(scenario)?),
    };
    Ok([a, b])
}

/// Starts the builds that have a command, and returns the hosts of A and B.
fn start(
    args: &CompareArgs,
    wait_ready: Option<Duration>,
    hosts: [Option<Host>; 2],
    folder: &Path,
) -> Result<([Host; 2], Vec<ManagedService>), Failure> {
    let commands = [&args.command, &args.command_b];
    let mut services = Vec::new();
    let mut found = Vec::new();
    for ((side, host), command) in ["A", "B"].into_iter().zip(hosts).zip(commands) {
        let host = match (command, host) {
            (Some(command), host) => {
                let url = match host {
                    Some(Host::Url(url)) => Some(url),
                    Some(Host::Embedded) => {
                        let message = "--command cannot start the embedded agent; omit the host, or use a URL";
                        return Err(Failure::Input(message.into()));
                    }
                    None => None,
                };
                let service =
                    ManagedService::start(side, command, url, wait_ready, log_of(folder, side))?;
                let host = Host::Url(service.url().clone());
                services.push(service);
                host
            }
            (None, Some(host)) => host,
            (None, None) => return Err(Failure::Input(format!("build {side} has no host"))),
        };
        found.push(host);
    }
    match <[Host; 2]>::try_from(found) {
        Ok(hosts) => Ok((hosts, services)),
        Err(_) => Err(anyhow::anyhow!("an A/B test has two builds").into()),
    }
}

fn run_info(
    args: &CompareArgs,
    scenario: &Scenario,
    blocks: &BlockLoad,
    environment: &TestEnvironment,
    folder: &RunFolder,
    (started_at, seed): (Timestamp, u64),
) -> AbRunInfo {
    AbRunInfo {
        run_id: folder.run_id.clone(),
        brunt_version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario_file: args.load.scenario.file.display().to_string(),
        scenario_hash: scenario.hash.clone(),
        profile: args.profile.clone(),
        level: brunt_scenario::level_in_words(&blocks.plan().load),
        seed,
        started_at: started_at.to_string(),
        block_s: args.block.as_secs_f64(),
        uncounted_s: blocks.warm_up_s() as f64,
        limit_s: args.max_duration.as_secs_f64(),
        machine: environment.machine_in_words(),
    }
}

/// Prints the load and its targets before the test.
fn announce(
    args: &CompareArgs,
    info: &AbRunInfo,
    environments: &[TestEnvironment; 2],
    (scenario, plan): (&Scenario, &Plan),
) {
    let seconds = brunt_scenario::duration_in_words(args.block);
    print_note(&format!(
        "brunt compare: {} in blocks of {seconds}, until decided or for at most {}, seed {}",
        info.level,
        brunt_scenario::duration_in_words(args.max_duration),
        info.seed
    ));
    for (side, environment) in ["A", "B"].into_iter().zip(environments) {
        print_note(&format!("build {side}: {}", environment.host()));
    }
    for other in environments[0].other_hosts(scenario, plan) {
        print_note(&format!("also: {other}"));
    }
    // Each build runs one more block first, which is not compared.
    let needed_s = args.block.as_secs() * 2 * (FIRST_LOOK as u64 + 2);
    if args.max_duration.as_secs() < needed_s {
        print_note(&format!(
            "note: no result is possible before {FIRST_LOOK} pairs of blocks; set --max-duration to {needed_s}s or \
             more, or use a shorter --block"
        ));
    }
}

/// Prints the result, and writes the files.
fn report(
    args: &CompareArgs,
    ab_summary: &AbSummary,
    info: &AbRunInfo,
    folder: &RunFolder,
) -> Exit {
    let report = AbReport { ab_summary, info };
    terminal::print(&brunt_report::terminal_of_ab_summary(
        ab_summary,
        terminal::width(),
        true,
    ));
    let page = folder.write_report(&brunt_report::html_of_ab_report(&report));
    if page.is_ok() {
        terminal::print(&format!("Report:  {}\n", folder.report.display()));
    }
    terminal::print(&format!("Results: {}\n", folder.path().display()));
    let fail_on: FailOn = args.fail_on.into();
    let exit = match ab_summary.outcome() {
        _ if fail_on == FailOn::Never => Exit::Passed,
        _ if !ab_summary.is_valid() => Exit::NotValid,
        Outcome::Worse => Exit::TargetsMissed,
        Outcome::NotEnoughData => Exit::Inconclusive,
        Outcome::Better | Outcome::Same | Outcome::NotWorse => Exit::Passed,
    };
    let checks = [Checks::of_ab_summary(ab_summary, fail_on)];
    let markdown = brunt_report::markdown_of_ab_summary(ab_summary);
    let mut exit = CiOutputs::from(&args.ci_output).write(exit, &checks, &markdown);
    let written = [
        folder.write("comparison.json", &brunt_report::ab_report_json(&report)),
        page,
    ];
    for error in written.into_iter().filter_map(Result::err) {
        print_error(&error.to_string());
        exit = exit.worse(Exit::Internal);
    }
    exit
}
