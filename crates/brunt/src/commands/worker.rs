//! `brunt worker`: a process that generates a share of a run's load. `brunt run --processes` starts it, sends it its own
//! options on standard input, and receives events on standard output.

use std::ffi::OsString;
use std::io::{Stdin, Stdout};
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_engine::{Clock, Engine, EngineEvent, Origins, Settings, Shard};
use brunt_record::Command;
use brunt_scenario::{Host, Plan};
use clap::Parser;
use url::Url;

use crate::cli::WorkerCli;
use crate::config::RunConfig;
use crate::exit::{Exit, Failure};
use crate::worker::protocol::{WorkerCommand, WorkerEvent, WorkerJob, read_frame, write_frame};

/// Maximum wait for an engine event, which bounds the delay of commands.
const EVENT_WAIT: Duration = Duration::from_millis(10);
/// A worker reports at least this often.
const HEARTBEAT: Duration = Duration::from_secs(1);

pub(crate) fn run() -> Result<Exit, Failure> {
    let (mut input, mut output) = (std::io::stdin(), std::io::stdout());
    let Some(WorkerCommand::Prepare(job)) =
        read_frame(&mut input).context("cannot receive the job")?
    else {
        let message = "this command is internal; use: brunt run --processes N";
        return Err(Failure::Input(message.into()));
    };
    let prepared = match prepare(&job) {
        Ok(prepared) => prepared,
        Err(failure) => {
            let refused = WorkerEvent::Refused(failure.into_message());
            write_frame(&mut output, &refused).context("cannot send the error")?;
            return Ok(Exit::WrongInput);
        }
    };
    write_frame(&mut output, &WorkerEvent::Ready).context("cannot send the ready message")?;
    let Some(WorkerCommand::Begin(at)) =
        read_frame(&mut input).context("cannot receive the start time")?
    else {
        return Ok(Exit::Interrupted);
    };
    run_load(prepared, at, input, &mut output).context("cannot send metrics")?;
    Ok(Exit::Passed)
}

struct Prepared {
    plan: Arc<Plan>,
    target: Arc<Origins>,
    settings: Settings,
}

fn prepare(job: &WorkerJob) -> Result<Prepared, Failure> {
    let arguments = job.arguments.iter().cloned().map(OsString::from_vec);
    let arguments = std::iter::once(OsString::from("brunt")).chain(arguments);
    let cli = WorkerCli::try_parse_from(arguments);
    let cli = cli.context("the worker received options that are not valid for `brunt run`")?;
    let config = RunConfig::from_run(&cli.run)?;
    let scenario = config.load.scenario_again()?;
    if scenario.hash != job.scenario_hash {
        let message = "the scenario changed while the run was starting; run it again";
        return Err(Failure::Input(message.into()));
    }
    let plan = config.plan(&scenario, &job.profile)?;
    let network = &config.load.network;
    let url = match (&job.agent, network.host(&scenario)?) {
        (Some(url), _) => {
            let url = Url::parse(url).context("the address of the agent is not a URL")?;
            url.into()
        }
        (None, Host::Url(url)) => url,
        (None, Host::Embedded) => {
            return Err(Failure::Input(
                "the job does not contain the address of the embedded agent".into(),
            ));
        }
    };
    let target = network.resolve(&url, &plan)?;
    let values = job
        .values()
        .context("the values set by the setup are not valid JSON")?;
    Ok(Prepared {
        plan: Arc::new(plan),
        target: Arc::new(target),
        settings: Settings {
            seed: job.seed,
            threads: job.threads,
            cores: job.cores.clone(),
            shard: Shard {
                index: job.share,
                count: job.of,
            },
            is_precise: config.load.is_busy_waiting,
            stop_timeout: job.stop_timeout,
            values: values.into(),
        },
    })
}

/// Runs the load until all threads have ended.
fn run_load(
    prepared: Prepared,
    at: Duration,
    input: Stdin,
    output: &mut Stdout,
) -> anyhow::Result<()> {
    let Prepared {
        plan,
        target,
        settings,
    } = prepared;
    std::thread::sleep(at.saturating_sub(Clock::monotonic_now()));
    let clock = Clock::starting_at(at);
    let mut engine = Engine::start(&plan, &target, &settings, clock)?;
    let (to, commands) = channel();
    std::thread::Builder::new()
        .name("commands".into())
        .spawn(move || listen(input, &to))?;
    let mut last_sent = Instant::now();
    loop {
        let event = match engine.next_event(EVENT_WAIT) {
            EngineEvent::Increment(increment) => Some(WorkerEvent::Increment {
                increment,
                completed_s: engine.completed_seconds(),
            }),
            EngineEvent::Timeout => {
                (last_sent.elapsed() >= HEARTBEAT).then_some(WorkerEvent::Alive)
            }
            EngineEvent::StopTest => Some(WorkerEvent::StopTest),
            EngineEvent::WorkerFailed(why) => Some(WorkerEvent::WorkerFailed(why)),
            EngineEvent::Ended => break,
        };
        if let Some(event) = event {
            write_frame(output, &event)?;
            last_sent = Instant::now();
        }
        apply_commands(&engine, &commands);
    }
    let started = engine.start_stats();
    let ended = WorkerEvent::Ended {
        well: started.started,
        failed: started.failed,
        reason: started.reason.clone(),
    };
    Ok(write_frame(output, &ended)?)
}

/// Passes pending commands to the engine.
fn apply_commands(engine: &Engine, commands: &Receiver<Command>) {
    loop {
        match commands.try_recv() {
            Ok(command) => engine.command(command),
            Err(TryRecvError::Empty) => return,
            // The coordinator is gone.
            Err(TryRecvError::Disconnected) => {
                engine.command(Command::Abort);
                return;
            }
        }
    }
}

/// Forwards commands until the coordinator is gone.
fn listen(mut input: Stdin, to: &Sender<Command>) {
    while let Ok(Some(command)) = read_frame(&mut input) {
        if let WorkerCommand::Command(command) = command
            && to.send(command).is_err()
        {
            return;
        }
    }
}
