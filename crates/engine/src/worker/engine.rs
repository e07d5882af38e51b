//! The engine: one thread a core. In: a plan, settings, commands. Out: increments.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use brunt_record::{Command, Delta, Increment, RequestName};
use brunt_scenario::Plan;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::client::context::{self, Core};
use crate::client::recorder::{Handover, Recorder};
use crate::net::origins::Target;
use crate::net::resolver::Refresher;
use crate::settings::{Settings, Share};
use crate::time::clock::Clock;
use crate::workload::start_stats::Started;

/// An engine that makes load.
pub struct Engine {
    clock: Clock,
    handovers: Receiver<(usize, Handover)>,
    cores: Vec<CoreThread>,
    running: usize,
    started: Started,
    _refresher: Refresher,
}

struct CoreThread {
    thread: Option<JoinHandle<()>>,
    commands: UnboundedSender<Command>,
    spare: Sender<Box<Delta>>,
    /// So many seconds of it were told as news.
    told_s: u32,
}

/// What an engine has to say.
#[derive(Debug)]
pub enum News {
    /// A core's second.
    Increment(Box<Increment>),
    /// Nothing for so long.
    Nothing,
    /// The scenario wants the test to stop.
    StopTest,
    /// A core failed; the others go on.
    CoreFailed(String),
    /// Every core has ended, and there is no more to come.
    Ended,
}

impl Engine {
    /// Starts to make load, by a run's clock that has just begun.
    pub fn start(
        plan: &Arc<Plan>,
        target: &Arc<Target>,
        settings: &Settings,
        clock: Clock,
    ) -> io::Result<Self> {
        let (to, handovers) = channel();
        let names: Arc<[RequestName]> = plan.names.clone().into();
        let mut cores = Vec::new();
        for number in 0..settings.threads.max(1) {
            let (spare, spares) = channel();
            let (commands, orders) = unbounded_channel();
            let recorder = Recorder::new(clock, names.clone(), to.clone(), spares, number);
            let (plan, target, to) = (plan.clone(), target.clone(), to.clone());
            let settings = settings.clone();
            let secrets = plan.secrets.clone();
            let thread = std::thread::Builder::new()
                .name(format!("load-{number}"))
                .spawn(move || {
                    let ended = run_core(number, &settings, plan, target, clock, recorder, orders);
                    let ended = ended.map_err(|error| secrets.known.mask(&error.to_string()));
                    // Nobody listens any more where the engine was dropped.
                    to.send((number, Handover::Ended(ended))).ok();
                })?;
            cores.push(CoreThread {
                thread: Some(thread),
                commands,
                spare,
                told_s: 0,
            });
        }
        let running = cores.len();
        Ok(Self {
            clock,
            handovers,
            cores,
            running,
            started: Started::default(),
            _refresher: Refresher::start(target)?,
        })
    }

    /// The run's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Gives a command to all cores.
    pub fn command(&self, command: Command) {
        for core in &self.cores {
            // A core that has ended needs no command.
            core.commands.send(command).ok();
        }
    }

    /// Gives up threads that have not ended: they end with the process.
    pub fn abandon(&mut self) {
        self.command(Command::Abort);
        for core in &mut self.cores {
            drop(core.thread.take());
        }
    }

    /// How the users started of the cores that have ended.
    pub fn started(&self) -> &Started {
        &self.started
    }

    /// So many seconds of all cores were told as news; more than there are once all have ended.
    pub fn told_s(&self) -> u32 {
        let told = self.cores.iter().map(|core| core.told_s);
        told.min().unwrap_or(u32::MAX)
    }

    /// What comes next, waiting at most so long.
    pub fn news(&mut self, wait: Duration) -> News {
        if self.running == 0 {
            return News::Ended;
        }
        match self.handovers.recv_timeout(wait) {
            Ok((core, Handover::Delta(mut delta))) => {
                let increment = delta.to_increment();
                let core = &mut self.cores[core];
                core.told_s = core.told_s.max(delta.second().saturating_add(1));
                // A core that has ended needs no spare.
                core.spare.send(delta).ok();
                News::Increment(Box::new(increment))
            }
            Ok((_, Handover::StopTest)) => News::StopTest,
            Ok((core, Handover::Ended(ended))) => {
                self.running -= 1;
                self.cores[core].told_s = u32::MAX;
                match ended {
                    Ok(started) => {
                        self.started.add(started);
                        News::Nothing
                    }
                    Err(reason) => News::CoreFailed(reason),
                }
            }
            Err(RecvTimeoutError::Timeout) => News::Nothing,
            Err(RecvTimeoutError::Disconnected) => {
                self.running = 0;
                News::CoreFailed("a thread of the load ended without a word".into())
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.command(Command::Abort);
        for core in &mut self.cores {
            if let Some(thread) = core.thread.take() {
                // A panic there was told as news already.
                thread.join().ok();
            }
        }
    }
}

fn run_core(
    number: usize,
    settings: &Settings,
    plan: Arc<Plan>,
    target: Arc<Target>,
    clock: Clock,
    recorder: Recorder,
    orders: UnboundedReceiver<Command>,
) -> io::Result<Started> {
    pin_to(settings, number)?;
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let share = Share::of_core(settings, number);
    let played = std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            let core = Core::new(plan, target, (clock, recorder), share, settings)?;
            context::play(core, settings, orders).await
        })
    });
    std::panic::catch_unwind(played)
        .unwrap_or_else(|_| Err(io::Error::other("a thread of the load panicked")))
}

fn pin_to(settings: &Settings, number: usize) -> io::Result<()> {
    let Some(core) = settings.cores.get(number % settings.cores.len().max(1)) else {
        return Ok(());
    };
    let mut set = rustix::thread::CpuSet::new();
    set.set(*core);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}
