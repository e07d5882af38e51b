//! `brunt worker`: a process that makes a share of a run's load. `brunt run --processes` starts it, tells it the options it
//! has itself on its standard input, and hears it on its standard output.

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

use super::run::Options;
use crate::exit::{Exit, Failure};
use crate::worker::protocol::{Job, Order, Word, hear, say};

/// How long to wait for news at most, so that an order is soon obeyed.
const NEWS_WITHIN: Duration = Duration::from_millis(10);
/// A worker reports at least this often.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The options of `brunt run`.
#[derive(Debug, clap::Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run() -> Result<Exit, Failure> {
    let (mut orders, mut words) = (std::io::stdin(), std::io::stdout());
    let Some(Order::Prepare(job)) = hear(&mut orders).context("cannot hear what to do")? else {
        let message = "brunt starts this by itself; use: brunt run --processes N";
        return Err(Failure::Input(message.into()));
    };
    let prepared = match prepare(&job) {
        Ok(prepared) => prepared,
        Err(failure) => {
            let refused = Word::Refused(failure.in_words());
            say(&mut words, &refused).context("cannot say what is wrong")?;
            return Ok(Exit::WrongInput);
        }
    };
    say(&mut words, &Word::Ready).context("cannot say that all is ready")?;
    let Some(Order::Begin(at)) = hear(&mut orders).context("cannot hear when to begin")? else {
        return Ok(Exit::Interrupted);
    };
    // Nobody is left to hear it where this fails.
    play(prepared, at, orders, &mut words).context("cannot say what was recorded")?;
    Ok(Exit::Passed)
}

struct Prepared {
    plan: Arc<Plan>,
    target: Arc<Origins>,
    settings: Settings,
}

fn prepare(job: &Job) -> Result<Prepared, Failure> {
    let arguments = job.arguments.iter().cloned().map(OsString::from_vec);
    let arguments = std::iter::once(OsString::from("brunt")).chain(arguments);
    let arguments = Arguments::try_parse_from(arguments);
    let Arguments { options } = arguments.context("the options are not those of a run")?;
    let scenario = options.load.scenario_again()?;
    if scenario.hash != job.scenario_hash {
        let message = "the scenario changed while the run began; start it again";
        return Err(Failure::Input(message.into()));
    }
    let plan = options.plan(&scenario, &job.profile)?;
    let reach = &options.load.reach;
    let url = match (&job.agent, reach.host(&scenario)?) {
        (Some(url), _) => Url::parse(url).context("the agent's address is no URL")?,
        (None, Host::Url(url)) => url,
        (None, Host::Embedded) => return Err(Failure::Input("there is no agent".into())),
    };
    let target = reach.resolve(&url, &plan)?;
    let values = job.values().context("the set-up's values are no JSON")?;
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
            is_precise: options.load.busy_wait,
            stop_timeout: job.stop_timeout,
            values: values.into(),
        },
    })
}

/// Plays until all threads have ended.
fn play(prepared: Prepared, at: Duration, orders: Stdin, words: &mut Stdout) -> anyhow::Result<()> {
    let Prepared {
        plan,
        target,
        settings,
    } = prepared;
    std::thread::sleep(at.saturating_sub(Clock::of_the_machine()));
    let clock = Clock::starting_at(at);
    let mut engine = Engine::start(&plan, &target, &settings, clock)?;
    let (to, commands) = channel();
    std::thread::Builder::new()
        .name("orders".into())
        .spawn(move || listen(orders, &to))?;
    let mut said = Instant::now();
    loop {
        let word = match engine.next_event(NEWS_WITHIN) {
            EngineEvent::Increment(increment) => Some(Word::Increment {
                increment,
                told_s: engine.completed_seconds(),
            }),
            EngineEvent::Timeout => (said.elapsed() >= HEARTBEAT).then_some(Word::Alive),
            EngineEvent::StopTest => Some(Word::StopTest),
            EngineEvent::WorkerFailed(why) => Some(Word::WorkerFailed(why)),
            EngineEvent::Ended => break,
        };
        if let Some(word) = word {
            say(words, &word)?;
            said = Instant::now();
        }
        obey(&engine, &commands);
    }
    let started = engine.start_stats();
    let ended = Word::Ended {
        well: started.started,
        failed: started.failed,
        reason: started.reason.clone(),
    };
    Ok(say(words, &ended)?)
}

fn obey(engine: &Engine, commands: &Receiver<Command>) {
    loop {
        match commands.try_recv() {
            Ok(command) => engine.command(command),
            Err(TryRecvError::Empty) => return,
            // brunt itself has gone: nobody waits for the rest.
            Err(TryRecvError::Disconnected) => {
                engine.command(Command::Abort);
                return;
            }
        }
    }
}

/// Hands on commands, until whoever gives them has gone.
fn listen(mut orders: Stdin, to: &Sender<Command>) {
    while let Ok(Some(order)) = hear(&mut orders) {
        if let Order::Command(command) = order
            && to.send(command).is_err()
        {
            return;
        }
    }
}
