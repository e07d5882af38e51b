//! The engine: one worker thread per core. Input: a plan, settings and commands. Output: events.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use brunt_record::{Command, MetricsSnapshot, RequestName, SecondRecorder};
use brunt_scenario::Plan;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::run_loop;
use crate::client::context::WorkerContext;
use crate::client::recorder::{Recorder, WorkerEvent};
use crate::net::origins::{Origins, Refresher};
use crate::settings::{Settings, Shard};
use crate::time::clock::Clock;
use crate::workload::start_stats::StartStats;

/// Generates load with worker threads.
pub struct Engine {
    clock: Clock,
    events: Receiver<(usize, WorkerEvent)>,
    workers: Vec<WorkerThread>,
    running: usize,
    start_stats: StartStats,
    _refresher: Refresher,
}

struct WorkerThread {
    thread: Option<JoinHandle<()>>,
    commands: UnboundedSender<Command>,
    spare: Sender<Box<SecondRecorder>>,
    /// Number of its seconds that were returned as events; `None` once it has ended.
    completed_seconds: Option<u32>,
}

/// An event of an engine.
#[derive(Debug)]
pub enum EngineEvent {
    /// One second of a worker.
    Increment(Box<MetricsSnapshot>),
    /// No event within the timeout.
    Timeout,
    /// A step of the scenario stops the test.
    StopTest,
    /// A worker failed; the others go on.
    WorkerFailed(String),
    /// All workers have ended; no event follows.
    Ended,
}

impl Engine {
    /// Starts the workers, on a run's clock that starts now.
    pub fn start(
        plan: &Arc<Plan>,
        origins: &Arc<Origins>,
        settings: &Settings,
        clock: Clock,
    ) -> io::Result<Self> {
        let (to, events) = channel();
        let names: Arc<[RequestName]> = plan.names.clone().into();
        let mut workers = Vec::new();
        for number in 0..settings.threads.max(1) {
            let (spare, spares) = channel();
            let (commands, receiver) = unbounded_channel();
            let recorder = Recorder::new(clock, names.clone(), to.clone(), spares, number);
            let (plan, origins, to) = (plan.clone(), origins.clone(), to.clone());
            let settings = settings.clone();
            let secrets = plan.secrets.clone();
            let thread = std::thread::Builder::new()
                .name(format!("load-{number}"))
                .spawn(move || {
                    let ended =
                        run_worker(number, &settings, plan, origins, clock, recorder, receiver);
                    let ended = ended.map_err(|error| secrets.known.mask(&error.to_string()));
                    // The receiver is dropped with the engine.
                    to.send((number, WorkerEvent::Ended(ended))).ok();
                })?;
            workers.push(WorkerThread {
                thread: Some(thread),
                commands,
                spare,
                completed_seconds: Some(0),
            });
        }
        let running = workers.len();
        Ok(Self {
            clock,
            events,
            workers,
            running,
            start_stats: StartStats::default(),
            _refresher: Refresher::start(origins)?,
        })
    }

    /// The run's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Sends a command to all workers.
    pub fn command(&self, command: Command) {
        for worker in &self.workers {
            // A worker that has ended does not need the command.
            worker.commands.send(command).ok();
        }
    }

    /// Abandons threads that have not ended. They end with the process.
    pub fn abandon(&mut self) {
        self.command(Command::Abort);
        for worker in &mut self.workers {
            drop(worker.thread.take());
        }
    }

    /// Start statistics of the users whose workers have ended.
    pub fn start_stats(&self) -> &StartStats {
        &self.start_stats
    }

    /// Number of seconds that all running workers have returned as events; `None` once all workers have ended.
    pub fn completed_seconds(&self) -> Option<u32> {
        let workers = self.workers.iter();
        workers.filter_map(|worker| worker.completed_seconds).min()
    }

    /// Waits for the next event.
    pub fn next_event(&mut self, wait: Duration) -> EngineEvent {
        if self.running == 0 {
            return EngineEvent::Ended;
        }
        match self.events.recv_timeout(wait) {
            Ok((worker, WorkerEvent::Delta(mut delta))) => {
                let increment = delta.to_snapshot();
                let worker = &mut self.workers[worker];
                let completed = delta.second().saturating_add(1);
                worker.completed_seconds = worker.completed_seconds.max(Some(completed));
                // A worker that has ended does not need the recorder.
                worker.spare.send(delta).ok();
                EngineEvent::Increment(Box::new(increment))
            }
            Ok((_, WorkerEvent::StopTest)) => EngineEvent::StopTest,
            Ok((worker, WorkerEvent::Ended(ended))) => {
                self.running -= 1;
                self.workers[worker].completed_seconds = None;
                match ended {
                    Ok(stats) => {
                        self.start_stats.merge(stats);
                        EngineEvent::Timeout
                    }
                    Err(reason) => EngineEvent::WorkerFailed(reason),
                }
            }
            Err(RecvTimeoutError::Timeout) => EngineEvent::Timeout,
            Err(RecvTimeoutError::Disconnected) => {
                self.running = 0;
                EngineEvent::WorkerFailed("a load thread ended unexpectedly".into())
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.command(Command::Abort);
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // A panic was already returned as an event.
                thread.join().ok();
            }
        }
    }
}

fn run_worker(
    number: usize,
    settings: &Settings,
    plan: Arc<Plan>,
    origins: Arc<Origins>,
    clock: Clock,
    recorder: Recorder,
    commands: UnboundedReceiver<Command>,
) -> io::Result<StartStats> {
    pin_to(settings, number)?;
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let shard = Shard::of_worker(settings, number);
    let run = std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async {
            let context = WorkerContext::new(plan, origins, (clock, recorder), shard, settings)?;
            run_loop::run(context, settings, commands).await
        })
    });
    std::panic::catch_unwind(run)
        .unwrap_or_else(|_| Err(io::Error::other("a load thread panicked")))
}

fn pin_to(settings: &Settings, number: usize) -> io::Result<()> {
    let Some(core) = settings.cores.get(number % settings.cores.len().max(1)) else {
        return Ok(());
    };
    let mut set = rustix::thread::CpuSet::new();
    set.set(*core);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}
